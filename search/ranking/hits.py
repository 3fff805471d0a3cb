"""Hits of a search in their order, and the sources they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from ...arrays import Floats, Ids
from ...data.catalog.catalog import Catalog
from ...data.catalog.filters import Filters
from ...data.catalog.name_query import NameQuery
from ...data.catalog.records import Brief
from ...data.catalog.word_query import WordQuery
from ...errors import VectorsUnavailable
from . import calibrate, rank
from .calibrate import RELEVANT, Rule

Nearest = Callable[[Floats, int, Ids | None], tuple[Floats, Ids, Floats, int]]
"""(query vector, count, allowed vector ids) -> (scores, vector ids, background scores, number of vectors)."""

BY_FILTER = 1.0
"""Score and relevance of every photo if the query consists of filters only."""

POOL = 1000
"""Length of the two rankings that are fused; later ranks are by score alone. A photo that words found has a sum of at
least 1 / (60 + 1000), more than any later rank by score. So the order does not depend on the number of results."""

DATED = 1000
"""The number of best hits that are sorted by date."""


class Hit(NamedTuple):
    """One photo, with its score (cosine), its relevance (0 to 1), and whether words of the query found it."""

    photo: Brief
    score: float
    relevance: float
    by_words: bool

    @property
    def is_relevant(self) -> bool:
        """Whether the photo likely shows what the query asks for, or has its words."""
        return self.relevance >= RELEVANT or self.by_words


class Source(Protocol):
    """An ordered supply of hits."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the library is large enough for meaningful relevances."""

    @property
    def is_descending(self) -> bool:
        """Whether no later hit is more relevant than the hits so far."""

    @property
    def unavailable(self) -> VectorsUnavailable | None:
        """Why photos that look right are missing, and only those with the words are hits; None if none are missing."""

    def more(self, count: int) -> list[Hit]:
        """The next hits, about `count`; none if there are no more."""


@dataclass
class NewestPhotos:
    """A source: all photos that pass the filters, the newest first."""

    catalog: Catalog
    encoder_id: int
    filters: Filters
    is_calibrated: bool = False
    is_descending: bool = False
    unavailable: VectorsUnavailable | None = None
    _seen: set[int] = field(default_factory=set)
    _offset: int = 0

    def more(self, count: int) -> list[Hit]:
        """The next photos by date. A photo that an index run moves to a later page does not come twice."""
        photos = self.catalog.selection.newest(self.filters, self._offset, count)
        self._offset += len(photos)
        fresh = [photo for photo in photos if photo.id not in self._seen]
        self._seen.update(photo.id for photo in fresh)
        vectors = self.catalog.vectors.of_photos([photo.id for photo in fresh], self.encoder_id)
        briefs = [
            Brief(photo.id, vectors.get(photo.id, 0), photo.path, photo.content_hash, photo.facts.taken_at)
            for photo in fresh
        ]
        hits = [Hit(brief, BY_FILTER, BY_FILTER, False) for brief in briefs]
        return hits if hits or not photos else self.more(count)


@dataclass
class RankedPhotos:
    """A source: photos ranked by their vectors' scores, fused with the ranking of the words' full-text search."""

    catalog: Catalog
    encoder_id: int
    nearest: Nearest
    vector: Floats
    """The query vector."""
    words: WordQuery
    """What the full-text search looks for; empty for none."""
    filters: Filters
    allowed: Ids | None
    """Ids of the vectors that pass the filters, if they are few enough to list."""
    excluded: frozenset[int]
    """Ids of photos that must not be hits."""
    rule: Rule = field(default_factory=Rule)
    names: NameQuery | None = None
    """The file's name or path that the query may be: photos that it names come first."""
    itself: int | None = None
    """Id of the photo that comes before all others; its vector is the query vector."""
    is_calibrated: bool = False
    """Whether the library is large enough for meaningful relevances."""
    unavailable: VectorsUnavailable | None = None
    """Why photos that look right are missing."""
    _order: list[int] = field(default_factory=list)
    """Vector ids, best first; it only grows at its end."""
    _scores: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Vector id -> (score, relevance)."""
    _word_hits: dict[int, list[int]] = field(default_factory=dict)
    """Vector id -> ids of its photos that the full-text search found, best first."""
    _read: int = 0
    """How many vectors of `_order` became hits."""
    _depth: int = 0
    """How many vectors were asked for."""

    @property
    def is_descending(self) -> bool:
        """Beyond the fused part the ranking is by score alone."""
        return not self.words or self._read >= 2 * POOL

    def more(self, count: int) -> list[Hit]:
        """The photos of the next vectors. Copies follow each other, those that words found first.

        If few photos pass the filters, each round reads twice as many vectors as the one before.
        """
        hits: list[Hit] = []
        step = count
        while len(hits) < count // 2:
            if self._read + step > len(self._order):
                self._extend_order(self._read + step)
            chunk = self._order[self._read : self._read + step]
            if not chunk:
                break
            self._read += len(chunk)
            step *= 2
            photos = self.catalog.selection.briefs(chunk, self.filters)
            hits += [hit for vector_id in chunk for hit in self._make_hits(vector_id, photos.get(vector_id, []))]
        return hits

    def _make_hits(self, vector_id: int, photos: Sequence[Brief]) -> list[Hit]:
        places = {photo_id: place for place, photo_id in enumerate(self._word_hits.get(vector_id, []))}
        ordered = sorted(
            photos, key=lambda photo: (photo.id != self.itself, places.get(photo.id, len(places)))
        )  # stable
        score, relevance = self._scores[vector_id]
        return [Hit(photo, score, relevance, photo.id in places) for photo in ordered if photo.id not in self.excluded]

    def _extend_order(self, depth: int) -> None:
        """Extend the order to `depth` vectors, or to all there are, without changing its beginning.

        If the engine of the vectors does not answer, the order is of the photos that have the words, where there are
        some. Raises VectorsUnavailable where there are none.
        """
        if depth <= self._depth or self.unavailable:
            return
        named = [] if self._depth else self._find_named()
        word_hits = [] if self._depth else self._search_words()
        self._depth = depth if word_hits == [] and not self.rule.conditions else max(depth, POOL)
        order: list[int] = []
        try:
            order = self._rank_by_score(self._depth, self.allowed)
        except VectorsUnavailable as error:
            if not (named or word_hits):
                self._depth = 0
                raise
            self.unavailable = error
        if self.rule.conditions:
            order = self._order_by_relevance(order)
        if word_hits != []:
            order = self._fuse(self._passing_filters(order[:POOL]), word_hits) + order[POOL:]
        known = set(self._order)
        self._order += [vector_id for vector_id in dict.fromkeys([*named, *order]) if vector_id not in known]

    def _order_by_relevance(self, order: list[int]) -> list[int]:
        """The pool by relevance, equal ones by score; no later vector is called more relevant than the pool's last."""
        pool = sorted(order[:POOL], key=lambda vector_id: -self._scores[vector_id][1])  # stable
        later = order[POOL:]
        for vector_id in later:
            score, relevance = self._scores[vector_id]
            self._scores[vector_id] = (score, min(relevance, self._scores[pool[-1]][1]))
        return pool + later

    def _passing_filters(self, vector_ids: list[int]) -> list[int]:
        """The vectors with a photo that passes the filters. The others must not occupy ranks in the fusion."""
        if self.allowed is not None or not self.filters:
            return vector_ids
        passing = self.catalog.selection.briefs(vector_ids, self.filters)
        return [vector_id for vector_id in vector_ids if vector_id in passing]

    def _fuse(self, by_score: list[int], word_hits: Sequence[tuple[int, int]] | None) -> list[int]:
        """Fuse the rankings by score and by words, relevant vectors first.

        If too many photos have the words, only `by_score` are ranked.
        """
        if word_hits is None:
            word_hits = self.catalog.words.search_among(self.words, by_score)
        fused = rank.fuse(by_score, self._rank_by_words(word_hits))
        return sorted(fused, key=lambda vector_id: not self._is_relevant(vector_id))  # stable

    def _is_relevant(self, vector_id: int) -> bool:
        return vector_id in self._word_hits or self._scores[vector_id][1] >= RELEVANT

    def _rank_by_score(self, count: int, allowed: Ids | None) -> list[int]:
        scores, ids, background, vector_count = self.nearest(self.vector, count, allowed)
        self.is_calibrated = not self.rule.needs_background or len(background) >= calibrate.SMALLEST_SAMPLE

        def score_all(vector: Floats) -> Floats:
            return self._score_all(vector, ids)

        relevances = calibrate.judge(scores, background, vector_count, self.rule, score_all)
        vector_ids: list[int] = ids.tolist()
        for vector_id, score, relevance in zip(vector_ids, scores.tolist(), relevances.tolist(), strict=True):
            self._scores.setdefault(vector_id, (score, relevance))
        return vector_ids

    def _score_all(self, vector: Floats, ids: Ids) -> Floats:
        """The scores of these vectors for another query vector; 0 for a vector that was removed meanwhile."""
        scores, order, _, _ = self.nearest(vector, len(ids), np.sort(ids))
        by_id = dict(zip(order.tolist(), scores.tolist(), strict=True))
        return np.array([by_id.get(vector_id, 0.0) for vector_id in ids.tolist()], np.float32)

    def _find_named(self) -> list[int]:
        """The vectors of the photo that is asked for itself, or of those that the query names, best first."""
        if self.itself is not None:
            vector_ids = list(self.catalog.vectors.of_photos([self.itself], self.encoder_id).values())
            self._rank_by_score(len(vector_ids), np.array(vector_ids, np.int64))
            return vector_ids
        if self.names is None:
            return []
        return self._rank_by_words(self.catalog.words.search_names(self.names, self.filters, self.encoder_id, POOL))

    def _search_words(self) -> list[tuple[int, int]] | None:
        """(photo id, vector id) of the full-text search's hits, best first; None if there are too many to rank."""
        if not self.words:
            return []
        return self.catalog.words.search(self.words, self.filters, self.encoder_id, POOL)

    def _rank_by_words(self, word_hits: Sequence[tuple[int, int]]) -> list[int]:
        """The vectors of the full-text search's hits, best first. Their scores are computed, near the query or not."""
        for photo_id, vector_id in word_hits:
            photo_ids = self._word_hits.setdefault(vector_id, [])
            if photo_id not in photo_ids:
                photo_ids.append(photo_id)
        without_score = [vector_id for vector_id in self._word_hits if vector_id not in self._scores]
        if without_score:
            self._rank_by_score(len(without_score), np.array(sorted(without_score), np.int64))
        return [vector_id for vector_id in self._word_hits if vector_id in self._scores]


@dataclass
class SortedByDate:
    """A source: the relevant hits among the first DATED of another source, the newest first, undated photos last."""

    source: Source
    is_descending: bool = False
    _is_read: bool = False

    @property
    def unavailable(self) -> VectorsUnavailable | None:
        """As of the source that is sorted."""
        return self.source.unavailable

    @property
    def is_calibrated(self) -> bool:
        """As the source that is sorted."""
        return self.source.is_calibrated

    def more(self, count: int) -> list[Hit]:
        """All hits at the first call, whatever `count` is; then none."""
        hits: list[Hit] = []
        while not self._is_read and len(hits) < DATED and (batch := self.source.more(DATED)):
            hits += batch
        self._is_read = True
        relevant = [hit for hit in hits[:DATED] if hit.is_relevant]
        return sorted(relevant, key=lambda hit: hit.photo.taken_at or "", reverse=True)
