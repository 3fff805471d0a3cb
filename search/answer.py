"""What a search is asked for beside the query (`View`), and what it returns (`Answer`)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from os.path import basename
from typing import TypeVar, overload

from PIL import Image

from ..data import paths
from ..data.catalog.records import PhotoRecord
from ..errors import PictureError, PolyglanceError, QueryError
from . import showing
from .query.normalise import check_count
from .ranking.calibrate import Verdict

LOOKS, FILTER = "looks like", "filter"
SORTS = ("relevance", "date")

_T = TypeVar("_T")
_CURSOR = re.compile(r"(\d{1,18})-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class View:
    """Which results are returned, and how many; `cursor` is `Answer.next` of the previous page.

    `collapse` shows near-duplicates as one result. `only_relevant` omits results that are neither relevant nor found
    by words. `sort` is `relevance`, or `date`: the relevant results, the newest first.
    """

    count: int = 20
    cursor: str | None = None
    sort: str = "relevance"
    collapse: bool = True
    only_relevant: bool = False

    def check(self) -> None:
        """Raise QueryError if count, sort or cursor is invalid."""
        check_count(self.count)
        if self.sort not in SORTS:
            raise QueryError(f"Results cannot be sorted by {self.sort[:20]}.", f"By {' or '.join(SORTS)}.")
        self.position()

    def position(self) -> tuple[int | None, int]:
        """(generation of the search, index of the page's first result); without a cursor (None, 0)."""
        if self.cursor is None:
            return None, 0
        match = _CURSOR.fullmatch(self.cursor)
        if not match:
            raise QueryError("That is no cursor of a page.", "Take 'next' of the page before.")
        return int(match[1]), int(match[2])


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """One result. A notebook shows it as its picture.

    >>> result = library.search("cat")[0]
    >>> result
    <Result 1: #... .../Pictures/chelsea.png>
    >>> result.photo.width, result.photo.height, result.why
    (451, 300, ('looks like',))

    `rank` counts from 1, `score` is the cosine, `relevance` 0 to 1 as `calibrate` defines it."""

    rank: int
    photo: PhotoRecord
    score: float
    relevance: float
    why: tuple[str, ...] = (LOOKS,)
    """Reasons: `looks like`, `name`, `folder`, `caption`, `keyword`; `filter` if the query has only filters."""
    count: int = 1
    """How many photos the result stands for, its own included."""
    verdict: Verdict = "sure"
    """`sure`, `likely`, or `unlikely`; along an answer by relevance it never rises from `unlikely`."""
    pictures: showing.Pictures | None = field(default=None, compare=False, kw_only=True)
    """Opens the picture; results of `Library` have it, also after the library was closed."""

    @property
    def path(self) -> str:
        """The photo's path as text for reading; `photo.path` has its exact bytes.

        >>> library.search("cat")[0].path.endswith("Pictures/chelsea.png")
        True
        """
        return paths.display(self.photo.path)

    def image(self) -> Image.Image:
        """The picture in the photo's file, upright, RGB, at its full size.

        Raises PictureError if the file is gone, has changed since it was indexed, or cannot be read; PhotoNotFound and
        LibraryMissing if the photo or the library no longer exists.

        >>> library.search("cat")[0].image().size
        (451, 300)
        """
        return self._open(lambda pictures: pictures.image(self.photo))

    def thumbnail(self) -> Image.Image:
        """The small copy of the picture that the library keeps, RGB; it is made again if it was lost.

        Raises as `image` does, and DiskFull.

        >>> library.search("cat")[0].thumbnail().size
        (384, 255)
        """
        image = Image.open(BytesIO(self._open(lambda pictures: pictures.thumbnail(self.photo))))
        image.load()
        return image

    def _open(self, read: Callable[[showing.Pictures], _T]) -> _T:
        if self.pictures is None:
            raise PictureError(f"{self.path} cannot be opened: its result is not from Library.search or similar.")
        try:
            return read(self.pictures)
        except PictureError as error:
            raise PictureError(f"{self.path} {error.message}", error.hint, may_pass=error.may_pass) from error

    def _figure(self) -> showing.Figure:
        alike = f"+{self.count - 1} alike" if self.count > 1 else ""
        about = [f"#{self.photo.id}", (self.photo.facts.taken_at or "")[:10], alike]
        name, caption = paths.display(basename(self.photo.path)), " · ".join(filter(None, about))
        try:
            jpeg = self._open(lambda pictures: pictures.thumbnail(self.photo))
        except PolyglanceError as error:
            return showing.Figure(name, self.path, caption, reason=str(error))
        return showing.Figure(name, self.path, caption, jpeg)

    def _repr_jpeg_(self) -> bytes | None:
        """The picture, for notebooks; its thumbnail if the file cannot be read."""
        try:
            return self._open(lambda pictures: pictures.preview(self.photo, showing.PREVIEW_SIDE))
        except PolyglanceError:
            return self._figure().jpeg

    def __repr__(self) -> str:
        return f"<Result {self.rank}: #{self.photo.id} {self.path}>"


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations in milliseconds."""

    encode: float
    search: float
    total: float


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Sequence[Result]):
    """One page of results, best first: a sequence of them. A notebook shows it as a grid of thumbnails.

    `language` is None if the query has no text.

    >>> answer = library.search("gatto", 3)
    >>> answer
    <Answer gatto: 3 results; there are more>
    >>> len(answer), answer[0].path.endswith("chelsea.png"), [result.rank for result in answer[1:]]
    (3, True, [2, 3])
    >>> answer.language, answer.encoder
    ('it', 'lite')
    """

    query: str
    language: str | None
    encoder: str
    took: Durations
    results: list[Result]
    next: str | None = None
    """The cursor of the next page; None if this is the last."""
    changed: bool = False
    """Whether the library has changed since the previous page and the order of that page is no longer cached. If so,
    photos may be missing or come twice."""
    is_relevant: bool = True
    """False if no result of a first page, or of an empty later one, is relevant: the library seems to have no match."""
    is_partial: bool = False
    """Whether photos that look right are missing, because the engine of the vectors does not answer: all results have
    the words."""

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        return self.results[index]

    def _repr_html_(self) -> str:
        heading = [self._summary()]
        if len(self) > showing.MAX_FIGURES:
            heading.append(f"The first {showing.MAX_FIGURES} are shown.")
        return showing.grid(heading, [result._figure() for result in self.results[: showing.MAX_FIGURES]])

    def _summary(self) -> str:
        relevance = "" if self.is_relevant else "; nothing relevant was found"
        more = "; there are more" if self.next else ""
        query = " ".join(self.query.split())
        partial = "; photos that look right are missing" if self.is_partial else ""
        return f"{query or 'All photos'}: {len(self)} result{'' if len(self) == 1 else 's'}{relevance}{partial}{more}"

    def __repr__(self) -> str:
        return f"<Answer {paths.display(self._summary().encode('utf-8', 'surrogateescape'))}>"


@dataclass(slots=True)
class Clock:
    """Measures a search. `start` and the ends of its encoding are values of `time.perf_counter`."""

    start: float
    encoding_start: float = 0.0
    encoding_end: float = 0.0

    @classmethod
    def started(cls) -> Clock:
        """A clock that starts now."""
        return cls(time.perf_counter())

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Count the time inside as encoding."""
        self.encoding_start = time.perf_counter()
        yield
        self.encoding_end = time.perf_counter()

    def durations(self) -> Durations:
        """Durations until now; the search begins when the encoding ends."""
        now = time.perf_counter()
        encode = self.encoding_end - self.encoding_start
        search = now - max(self.encoding_end, self.start)
        return Durations(1000 * encode, 1000 * search, 1000 * (now - self.start))
