"""What a search is asked for beside the query (`View`), and what it returns (`Answer`)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..data import paths
from ..data.catalog.records import PhotoRecord
from ..errors import QueryError
from .query.normalise import check_count
from .ranking.calibrate import Verdict

LOOKS, FILTER = "looks like", "filter"
SORTS = ("relevance", "date")

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


@dataclass(frozen=True, slots=True)
class Result:
    """One result. `rank` counts from 1, `score` is the cosine, `relevance` 0 to 1 as `calibrate` defines it."""

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

    @property
    def path(self) -> str:
        """The photo's path as text for reading; `photo.path` has its exact bytes."""
        return paths.display(self.photo.path)


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations in milliseconds."""

    encode: float
    search: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of results, best first. `language` is None if the query has no text."""

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
