"""Answers: what is asked for -> photos of the library, a page at a time."""

from __future__ import annotations

import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..arrays import Floats
from ..data import paths
from ..data.catalog import words
from ..data.catalog.catalog import Catalog
from ..data.catalog.filters import NOTHING
from ..data.catalog.records import PhotoRecord
from ..data.catalog.word_query import WordQuery
from ..data.vectors.store import VectorStore
from ..encoders.base import Encoder
from ..errors import PhotoNotFound, QueryError
from ..languages.detect import detect
from .query import combine, filters
from .query.normalise import check_count
from .query.parse import Query, Term
from .query.pictures import Reader, unreadable
from .ranking.collapse import ALIKE, Groups
from .ranking.hits import AHEAD, CHUNK, RELEVANT, Found, Hit, Hits, Listed, Ranked, Source
from .texts import Texts

FEW = 5000
"""Photos that pass filters and can be listed in a moment."""

REMEMBERED = 32
"""Searches whose order is kept, so that their next pages go on where the last one ended."""

LOOKS, FILTER = "looks like", "filter"
SORTS = ("relevance", "date")

_CURSOR = re.compile(r"(\d{1,18})-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class View:
    """Which results, and how many: `cursor` is `Answer.next` of the page before.

    `collapse` shows near-duplicates as one; `only_relevant` leaves out what is neither relevant nor found by its words.
    `sort` is `relevance`, or `date`: what is relevant, the newest first.
    """

    count: int = 20
    cursor: str | None = None
    sort: str = "relevance"
    collapse: bool = True
    only_relevant: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """One photo found. `score` is the cosine, `relevance` 0 to 1 as `calibrate` defines it; rank 1 is best."""

    rank: int
    photo: PhotoRecord
    score: float
    relevance: float
    why: tuple[str, ...] = (LOOKS,)
    """What speaks for it: `looks like`, `name`, `folder`, `caption`, `keyword`; `filter` if nothing else was asked."""
    count: int = 1
    """How many photos it stands for, itself included."""

    @property
    def path(self) -> str:
        """The photo's path as text for reading; `photo.path` is its exact bytes."""
        return paths.display(self.photo.path)


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds spent."""

    encode: float
    search: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Results, best first, and how they came about. `language` is None if no text was asked for."""

    query: str
    language: str | None
    encoder: str
    took: Took
    results: list[Result]
    next: str | None = None
    """Where the next page begins; None if this is the last."""
    changed: bool = False
    """Whether the order of the page before is not known any more, and the library has changed since: a photo may be
    missed or come again."""
    is_relevant: bool = True
    """False if nothing on a first page, or nothing at all, is relevant: the library seems to hold no such thing."""


class Engine:
    """Searches one library; safe to use from several threads, of which one at a time uses `store`."""

    def __init__(self, catalog: Catalog, encoder: Encoder, store: VectorStore) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._store = store
        self._texts = Texts(encoder)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Hits] = OrderedDict()

    def find(self, asked: Query, view: View | None = None, read: Reader | None = None) -> Answer:
        """Find what is asked for. `read` reads the pictures that the query names; without it they are refused.

        Raises QueryError, PhotoNotFound, and what `read` raises.
        """
        clock = _Clock(time.perf_counter())
        view = checked(view or View())
        spoken = " ".join(term.value for term in asked.terms if term.kind == "text" and term.weight > 0)
        own = frozenset(int(term.value) for term in asked.terms if term.kind == "photo")
        # Encoded before the catalog is opened for the answer: a slow encoder must not hold one of its few connections.
        kept = self._kept_order(asked, view)
        vector = None
        if kept is None and asked.terms:
            with clock.encoding():
                vector = combine.vector_of(asked.terms, self._texts.encode, self._picture(read))

        def begin() -> Hits:
            return kept or self._keep(asked, view, self._begin(asked, vector, view, own))

        spoken_language = detect(spoken) if spoken else None
        return self._answer(str(asked), spoken_language, asked, view, clock, begin)

    def similar_to_photo(self, photo_id: int, view: View | None = None) -> Answer:
        """Find the photos nearest to a photo of the library, itself left out. Raises PhotoNotFound, QueryError."""
        asked = Query((Term("photo", str(photo_id)),))
        return replace(self.find(asked, view), query=str(photo_id))

    def similar_to_image(self, image: Image.Image, name: str, view: View | None = None) -> Answer:
        """Find the photos nearest to an upright RGB picture called `name`. Raises QueryError."""
        view = checked(view or View())
        clock = _Clock(time.perf_counter())
        with clock.encoding():
            vector = self._encoder.encode_images([image])[0]
        asked = Query(())
        answer = self._answer(name, None, None, view, clock, lambda: self._begin(asked, vector, view, frozenset()))
        return replace(answer, next=None)

    def alike(self, photo: PhotoRecord) -> list[Result]:
        """The photos that are shown as one with this one, itself first, then the nearest. Raises PhotoNotFound."""
        with self._catalog.read_snapshot():
            vector = self._vector_of_photo(photo.id)
            near = Ranked(
                self._catalog, self._store.encoder_id, self._nearest, vector, WordQuery(), NOTHING, None, frozenset()
            )
            hits = [hit for hit in near.more(CHUNK) if _is_alike(hit, photo)]
            hits.sort(key=lambda hit: hit.photo.id != photo.id)  # stable
            groups = Groups(self._vectors).add([hit.photo for hit in hits])
            own = [hit for hit, group in zip(hits, groups, strict=True) if group == 0]
            there = self._catalog.photos.get_many([hit.photo.id for hit in own])
        own = [hit for hit in own if hit.photo.id in there]
        return [Result(rank, there[hit.photo.id], hit.score, hit.relevance) for rank, hit in enumerate(own, start=1)]

    # --- how an answer is made ------------------------------------------------------------------

    def _answer(
        self,
        shown: str,
        spoken: str | None,
        asked: Query | None,
        view: View,
        clock: _Clock,
        begin: Callable[[], Hits],
    ) -> Answer:
        generation, offset = _place(view.cursor)
        with self._catalog.read_snapshot():
            hits = begin()
            page, has_more = hits.page(offset, view.count)
            results = self._results(page, offset, asked)
        changed = asked is not None and generation not in {None, hits.generation}
        took = clock.took()
        further = f"{hits.generation}-{offset + view.count}" if has_more else None
        hides = view.only_relevant or view.sort == "date"
        is_relevant = any(found.is_relevant for found in page) or offset > 0 or not (page or hides)
        is_relevant = is_relevant or not hits.is_calibrated
        return Answer(shown, spoken, self._encoder.name, took, results, further, changed, is_relevant)

    def _kept_order(self, asked: Query, view: View) -> Hits | None:
        """The order that the page before was of, or that the same search has now, if it is kept."""
        generation, _ = _place(view.cursor)
        is_fixed = all(term.kind in {"text", "photo"} for term in asked.terms)  # a picture file may have changed since
        generations = [] if generation is None else [generation]
        if is_fixed or generations:
            generations.append(self._catalog.generation())
        with self._lock:
            for each in generations:
                key = _key(asked, view, each)
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
        return None

    def _keep(self, asked: Query, view: View, hits: Hits) -> Hits:
        with self._lock:
            self._kept[_key(asked, view, hits.generation)] = hits
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return hits

    def _begin(self, asked: Query, vector: Floats | None, view: View, own: frozenset[int]) -> Hits:
        generation = self._catalog.generation()
        wanted = filters.make(asked.filters, self._catalog.roots.all(counted=False) if asked.filters else ())
        if vector is None:
            source: Source = Listed(self._catalog, self._store.encoder_id, wanted)
        else:
            among = self._catalog.selection.vectors(wanted, self._store.encoder_id, self._few()) if wanted else None
            word_query = combine.words_of(asked.terms)
            is_text = bool(asked.terms) and all(term.kind == "text" for term in asked.terms)
            curve = self._encoder.card.text_curve if is_text else None
            source = Ranked(
                self._catalog, self._store.encoder_id, self._nearest, vector, word_query, wanted, among, own, curve
            )
        return Hits(source, self._vectors, generation, view.sort, view.collapse, view.only_relevant)

    # A thread that holds `_lock` must not wait for a connection: who has one may wait for the lock. So what asks the
    # store does it within `one_moment`, which has its connection already.

    def _nearest(
        self, vector: Floats, count: int, among: npt.NDArray[np.int64] | None
    ) -> tuple[Floats, npt.NDArray[np.int64], Floats, int]:
        """(scores, vector ids, the query's scores over the sample, number of vectors)."""
        with self._lock:
            self._store.follow()
            scores, keys = self._store.search(vector, count, among)
            background = np.einsum("nd,d->n", self._store.sample(), vector)
            return np.minimum(scores, 1), keys, background, self._store.count()

    def _few(self) -> int:
        """How many photos may pass filters for them to be listed before the search; of more, it skips the others.

        To list p of n photos takes as long as to skip all but a page of A among the nearest A * n / p.
        """
        with self._lock:
            return max(FEW, math.isqrt((CHUNK + AHEAD) * self._store.count()))

    def _vectors(self, ids: list[int]) -> Floats:
        with self._lock:
            return self._store.fetch(np.array(ids, np.int64))

    def _picture(self, read: Reader | None) -> Callable[[Term], Floats]:
        def vector(term: Term) -> Floats:
            if term.kind == "photo":
                return self._vector_of_photo(int(term.value))
            if read is None:
                raise unreadable(term)
            encoded: Floats = self._encoder.encode_images([read(term)])[0]
            return encoded

        return vector

    def _vector_of_photo(self, photo_id: int) -> Floats:
        photo = self._catalog.photos.get(photo_id)
        vector = (
            self._catalog.vectors.get(photo.content_hash, self._store.encoder_id)
            if photo and photo.content_hash
            else None
        )
        if vector is None:
            raise PhotoNotFound(f"No photo has the id {photo_id}.", "Ids are shown by 'polyglance search --json'.")
        return vector

    def _results(self, page: list[Found], offset: int, asked: Query | None) -> list[Result]:
        """Results as the photos are now; one that has gone meanwhile is stood for by another of its group, if any."""
        photos = self._catalog.photos.get_many([photo_id for found in page for photo_id in found.photo_ids])
        by_words = [found.photo_ids[0] for found in page if found.by_words]
        held = self._catalog.words.get(by_words) if by_words else {}
        units = combine.units_of(asked.terms) if asked and by_words else []
        results = []
        for rank, found in enumerate(page, start=offset + 1):
            there = [photos[photo_id] for photo_id in found.photo_ids if photo_id in photos]
            if there:
                columns = words.matching_columns(held[there[0].id], units) if there[0].id in held else []
                why = (FILTER,) if asked is not None and not asked.terms else _why(found, columns)
                results.append(Result(rank, there[0], found.score, found.relevance, why, len(there)))
        return results


def checked(view: View) -> View:
    """Return `view` if it can be answered, else raise QueryError."""
    check_count(view.count)
    if view.sort not in SORTS:
        raise QueryError(f"Results cannot be sorted by {view.sort[:20]}.", f"By {' or '.join(SORTS)}.")
    _place(view.cursor)
    return view


def _key(asked: Query, view: View, generation: int) -> tuple[object, ...]:
    return (str(asked), view.sort, view.collapse, view.only_relevant, generation)


def _place(cursor: str | None) -> tuple[int | None, int]:
    """(generation, offset) of a cursor."""
    if cursor is None:
        return None, 0
    found = _CURSOR.fullmatch(cursor)
    if not found:
        raise QueryError("That is no cursor of a page.", "Take 'next' of the page before.")
    return int(found[1]), int(found[2])


def _is_alike(hit: Hit, photo: PhotoRecord) -> bool:
    return hit.score >= ALIKE or hit.photo.content_hash == photo.content_hash


def _why(found: Found, columns: list[str]) -> tuple[str, ...]:
    looks = (LOOKS,) if found.relevance >= RELEVANT or not columns else ()
    return (*looks, *columns)


@dataclass(slots=True)
class _Clock:
    """When a search began, and from when to when it encoded."""

    start: float
    before: float = 0.0
    after: float = 0.0

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """What is done inside is encoding."""
        self.before = time.perf_counter()
        yield
        self.after = time.perf_counter()

    def took(self) -> Took:
        """Milliseconds until now; the search itself begins when the encoding ends."""
        now = time.perf_counter()
        searching = now - max(self.after, self.start)
        return Took(1000 * (self.after - self.before), 1000 * searching, 1000 * (now - self.start))
