"""The search engine: answers a query with photos of the library, page by page."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..arrays import Floats, Seals
from ..data.catalog import words
from ..data.catalog.catalog import Catalog
from ..data.catalog.filters import NOTHING, Filters
from ..data.catalog.records import PhotoRecord
from ..data.catalog.word_query import WordQuery
from ..data.vectors.store import Keys, VectorStore, newest, were_keys_reused
from ..encoders.base import Encoder, Margin
from ..errors import PhotoNotFound
from ..languages.detect import detect
from .answer import FILTER, LOOKS, Answer, Clock, Result, View
from .query import combine, filters
from .query.parse import Query, Term
from .query.pictures import Reader, unreadable
from .ranking.calibrate import RELEVANT, Rule, text_rule
from .ranking.collapse import ALIKE, Groups
from .ranking.hits import Hit, NewestPhotos, RankedPhotos, SortedByDate, Source
from .ranking.pages import AHEAD, CHUNK, HitGroup, Pages
from .texts import Texts

ALWAYS_LISTED = 5000
"""If the filters pass no more photos than this, the search is given a list of them."""

CACHED_SEARCHES = 32
"""The number of searches whose order is cached, so that their next pages continue it."""


class Engine:
    """Searches one library; safe to use from several threads. Only one thread at a time uses `store`."""

    def __init__(
        self, catalog: Catalog, encoder: Encoder, store: VectorStore, calibration: Margin | None = None
    ) -> None:
        """`calibration` was fitted to captioned pictures, for this encoder."""
        self._catalog = catalog
        self._encoder = encoder
        self._store = store
        self._texts = Texts(encoder)
        self._calibration = calibration
        self._lock = threading.Lock()
        self._cached: OrderedDict[tuple[object, ...], tuple[Pages, Keys, Seals]] = OrderedDict()
        """Pages with the newest vectors of their catalog: a catalog that was restored has other ones."""

    def find(self, query: Query, view: View | None = None, read: Reader | None = None) -> Answer:
        """Answer a query. `read` reads the pictures that the query names; without it they are refused.

        Raises QueryError, PhotoNotFound, VectorsUnavailable if only the store can answer and does not, and what `read`
        raises.
        """
        clock = Clock.started()
        view = view or View()
        view.check()
        text = " ".join(term.value for term in query.terms if term.kind == "text" and term.weight > 0)
        query_photos = frozenset(int(term.value) for term in query.terms if term.kind == "photo")
        # Encoded before the catalog is opened for the answer: a slow encoder must not hold one of its few connections.
        cached = self._find_cached(query, view)
        vector = None
        if cached is None and query.terms:
            with clock.encoding():
                vector = combine.vector_of(query.terms, self._texts.encode, self._picture_encoder(read))

        def begin() -> Pages:
            return cached or self._cache(query, view, self._begin(query, vector, view, query_photos))

        language = detect(text) if text else None
        return self._answer(str(query), language, query, view, clock, begin)

    @property
    def store(self) -> VectorStore:
        """The vectors that it searches."""
        return self._store

    def similar_to_photo(self, photo_id: int, view: View | None = None) -> Answer:
        """Find the photos nearest to a photo of the library, without itself. Raises PhotoNotFound, QueryError."""
        query = Query((Term("photo", str(photo_id)),))
        return replace(self.find(query, view), query=str(photo_id))

    def similar_to_image(self, image: Image.Image, name: str, view: View | None = None) -> Answer:
        """Find the photos nearest to an upright RGB picture called `name`. Raises QueryError."""
        view = view or View()
        view.check()
        clock = Clock.started()
        with clock.encoding():
            vector = self._encoder.encode_images([image])[0]
        no_terms = Query(())
        answer = self._answer(name, None, None, view, clock, lambda: self._begin(no_terms, vector, view, frozenset()))
        return replace(answer, next=None)

    def alike(self, photo: PhotoRecord) -> list[Result]:
        """The near-duplicates of a photo, itself first, then the nearest. Raises PhotoNotFound."""
        with self._catalog.read_snapshot():
            vector = self._vector_of_photo(photo.id)
            source = RankedPhotos(
                self._catalog, self._store.encoder_id, self._nearest, vector, WordQuery(), NOTHING, None, frozenset()
            )
            hits = [hit for hit in source.more(CHUNK) if _is_alike(hit, photo)]
            hits.sort(key=lambda hit: hit.photo.id != photo.id)  # stable
            groups = Groups(self._vectors).add([hit.photo for hit in hits])
            alike = [hit for hit, group in zip(hits, groups, strict=True) if group == 0]
            records = self._catalog.photos.get_many([hit.photo.id for hit in alike])
        present = [(records[hit.photo.id], hit) for hit in alike if hit.photo.id in records]
        return [Result(rank, record, hit.score, hit.relevance) for rank, (record, hit) in enumerate(present, start=1)]

    def relevant_photos(self, query: Query) -> set[int] | None:
        """Ids of all photos that are relevant to the terms of a query, whatever its filters are.

        None if relevance means nothing because the library has few photos. Pictures by path or address are refused.
        Raises QueryError, PhotoNotFound, PictureError.
        """
        query = replace(query, filters=())
        vector = combine.vector_of(query.terms, self._texts.encode, self._picture_encoder(None))
        excluded = frozenset(int(term.value) for term in query.terms if term.kind == "photo")
        relevant: set[int] = set()
        with self._catalog.read_snapshot():
            source, step = self._rank(query, vector, NOTHING, excluded), CHUNK
            while hits := source.more(step):
                if source.unavailable:
                    raise source.unavailable
                more = {hit.photo.id for hit in hits if hit.is_relevant}
                relevant |= more
                if not more and source.is_descending:
                    break
                step *= 2
            return relevant if source.is_calibrated else None

    # --- how an answer is made ------------------------------------------------------------------

    def _answer(
        self,
        query_text: str,
        language: str | None,
        query: Query | None,
        view: View,
        clock: Clock,
        begin: Callable[[], Pages],
    ) -> Answer:
        generation, offset = view.position()
        with self._catalog.read_snapshot():
            pages = begin()
            try:
                groups, has_more = pages.page(offset, view.count)
            except Exception:
                self._forget(pages)  # they stopped half-way: the same search, tried again, begins anew
                raise
            results = self._results(groups, offset, query, pages.is_calibrated)
        changed = query is not None and generation not in {None, pages.generation}
        durations = clock.durations()
        cursor = f"{pages.generation}-{offset + view.count}" if has_more else None
        shows_relevant_only = view.only_relevant or view.sort == "date"
        is_relevant = any(group.is_relevant for group in groups) or offset > 0 or not (groups or shows_relevant_only)
        is_relevant = is_relevant or not pages.is_calibrated
        return Answer(
            query_text,
            language,
            self._encoder.name,
            durations,
            results,
            cursor,
            changed,
            is_relevant,
            pages.is_partial,
        )

    def _find_cached(self, query: Query, view: View) -> Pages | None:
        """The pages that the previous page belongs to, or those of the same search in this generation, if cached."""
        generation, _ = view.position()
        is_fixed = all(
            term.kind in {"text", "photo", "itself"} for term in query.terms
        )  # a picture file may have changed since
        generations = [] if generation is None else [generation]
        if is_fixed or generations:
            generations.append(self._catalog.generation())
        for key in [_cache_key(query, view, candidate) for candidate in generations]:
            with self._lock:
                entry = self._cached.get(key)
            if entry is None:
                continue
            pages, keys, seals = entry
            if pages.is_partial and generation is None:
                continue  # the engine of the vectors may answer now
            is_other_catalog = were_keys_reused(self._catalog, self._store.encoder_id, keys, seals)
            with self._lock:
                if is_other_catalog:
                    self._cached.pop(key, None)
                elif key in self._cached:
                    self._cached.move_to_end(key)
            if not is_other_catalog:
                return pages
        return None

    def _cache(self, query: Query, view: View, pages: Pages) -> Pages:
        newest_vectors = newest(self._catalog, self._store.encoder_id)
        with self._lock:
            self._cached[_cache_key(query, view, pages.generation)] = (pages, *newest_vectors)
            while len(self._cached) > CACHED_SEARCHES:
                self._cached.popitem(last=False)
        return pages

    def _forget(self, pages: Pages) -> None:
        with self._lock:
            for key in [key for key, entry in self._cached.items() if entry[0] is pages]:
                del self._cached[key]

    def _begin(self, query: Query, vector: Floats | None, view: View, excluded: frozenset[int]) -> Pages:
        generation = self._catalog.generation()
        passing = filters.make(query.filters, self._catalog.roots.all(counted=False) if query.filters else ())
        if vector is None:
            source: Source = NewestPhotos(self._catalog, self._store.encoder_id, passing)
        else:
            source = self._rank(query, vector, passing, excluded)
            if view.sort == "date":
                source = SortedByDate(source)
        return Pages(source, self._vectors, generation, view.collapse, view.only_relevant)

    def _rank(self, query: Query, vector: Floats, passing: Filters, excluded: frozenset[int]) -> RankedPhotos:
        encoder_id = self._store.encoder_id
        allowed = self._catalog.selection.vectors(passing, encoder_id, self._list_limit()) if passing else None
        word_query = combine.words_of(query.terms)
        names = combine.name_of(query.terms)
        itself = next((int(term.value) for term in query.terms if term.kind == "itself"), None)
        return RankedPhotos(
            self._catalog,
            encoder_id,
            self._nearest,
            vector,
            word_query,
            passing,
            allowed,
            excluded,
            self._rule(query.terms, vector),
            names,
            itself,
        )

    def _rule(self, terms: Sequence[Term], vector: Floats) -> Rule:
        if not terms or any(term.kind != "text" for term in terms):
            return Rule()
        return text_rule(self._encoder, terms[0].value if len(terms) == 1 else None, vector, self._calibration)

    # A thread that holds `_lock` must not wait for a connection, because a thread that has one may wait for the lock.
    # The store is therefore used only within `read_snapshot`, where the thread has its connection already.

    def _nearest(
        self, vector: Floats, count: int, allowed: npt.NDArray[np.int64] | None
    ) -> tuple[Floats, npt.NDArray[np.int64], Floats, int]:
        """(scores, vector ids, the query's scores over the sample, number of vectors)."""
        with self._lock:
            self._store.follow()
            scores, keys = self._store.search(vector, count, allowed)
            background = np.einsum("nd,d->n", self._store.sample(), vector)
            return np.minimum(scores, 1), keys, background, self._store.count()

    def _list_limit(self) -> int:
        """The largest number of photos for which the search gets a list of all that pass the filters.

        To list p of n photos takes p steps. To read nearest photos until A of them pass takes A * n / p steps.
        """
        with self._lock:
            return max(ALWAYS_LISTED, math.isqrt((CHUNK + AHEAD) * self._store.count()))

    def _vectors(self, ids: list[int]) -> Floats:
        with self._lock:
            return self._store.fetch(np.array(ids, np.int64))

    def _picture_encoder(self, read: Reader | None) -> Callable[[Term], Floats]:
        def encode(term: Term) -> Floats:
            if term.kind in {"photo", "itself"}:
                return self._vector_of_photo(int(term.value))
            if read is None:
                raise unreadable(term)
            vector: Floats = self._encoder.encode_images([read(term)])[0]
            return vector

        return encode

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

    def _results(self, groups: list[HitGroup], offset: int, query: Query | None, is_calibrated: bool) -> list[Result]:
        """Results with the photos' present records. If the first photo of a group is gone, the next represents it.

        In a library of a few photos, nothing is called unlikely.
        """
        photos = self._catalog.photos.get_many([photo_id for group in groups for photo_id in group.photo_ids])
        by_words = [group.photo_ids[0] for group in groups if group.by_words]
        documents = self._catalog.words.get(by_words) if by_words else {}
        units = combine.units_of(query.terms) if query and by_words else []
        names = combine.name_of(query.terms) if query and by_words else None
        results = []
        for rank, group in enumerate(groups, start=offset + 1):
            records = [photos[photo_id] for photo_id in group.photo_ids if photo_id in photos]
            if records:
                first = records[0]
                columns = words.matching_columns(documents[first.id], units) if first.id in documents else []
                if (
                    names
                    and first.id in documents
                    and (match := names.match(first.path, documents[first.id].name.split()))
                ):
                    columns = list(match.columns)
                why = (FILTER,) if query is not None and not query.terms else _reasons(group, columns)
                verdict = group.verdict if is_calibrated or group.verdict == "sure" else "likely"
                results.append(Result(rank, first, group.score, group.relevance, why, len(records), verdict))
        return results


def _cache_key(query: Query, view: View, generation: int) -> tuple[object, ...]:
    return (str(query), view.sort, view.collapse, view.only_relevant, generation)


def _is_alike(hit: Hit, photo: PhotoRecord) -> bool:
    return hit.score >= ALIKE or hit.photo.content_hash == photo.content_hash


def _reasons(group: HitGroup, columns: list[str]) -> tuple[str, ...]:
    by_score = (LOOKS,) if group.relevance >= RELEVANT or not columns else ()
    return (*by_score, *columns)
