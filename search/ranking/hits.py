"""The hits of one search in their order, grown as pages are asked for and never changed behind a reader's back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from ...arrays import Floats, Ids
from ...data.catalog.catalog import Catalog
from ...data.catalog.filters import Filters
from ...data.catalog.records import Brief
from ...data.catalog.word_query import WordQuery
from ...encoders.base import Curve
from . import calibrate, rank
from .collapse import Groups

Nearest = Callable[[Floats, int, Ids | None], tuple[Floats, Ids, Floats, int]]

RELEVANT = 0.5
"""Relevance from which photos are shown as what was asked for; docs/relevance.md has how often that is right."""

BY_FILTER = 1.0
"""Score and relevance of a photo when nothing but filters was asked for: it is what was asked."""

CHUNK = 128  # vectors taken up at a time
AHEAD = 64
"""Hits looked at beyond a page, so that its near-duplicates are counted with it."""

POOL = 1000
"""Ranks that are fused. Beyond it a ranking by looks goes on by itself: what words found has come by then, for
1 / (60 + 1000) is more than any later rank gives. So the order does not depend on how many results were asked for."""

DATED = 1000
"""Hits that are sorted by date."""


class Hit(NamedTuple):
    """A photo found."""

    photo: Brief
    score: float
    relevance: float
    by_words: bool

    @property
    def is_relevant(self) -> bool:
        """Whether it likely is what was asked for, by its looks or by its words."""
        return self.relevance >= RELEVANT or self.by_words


@dataclass(slots=True)
class Found:
    """A group of photos shown as one; the first is the one shown. Ids only: a photo may change, move or go."""

    photo_ids: list[int]
    score: float
    relevance: float
    by_words: bool

    @property
    def is_relevant(self) -> bool:
        """Whether it likely is what was asked for, by its looks or by its words."""
        return self.relevance >= RELEVANT or self.by_words


class Source(Protocol):
    """Where hits come from, in their order."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the library is large enough for relevances to say something."""

    @property
    def is_descending(self) -> bool:
        """Whether the hits that are still to come are ever less relevant."""

    def more(self, count: int) -> list[Hit]:
        """Some `count` further hits; none if there are no more."""


@dataclass
class Listed:
    """All photos that pass filters, the newest first."""

    catalog: Catalog
    encoder_id: int
    wanted: Filters
    is_calibrated: bool = False
    is_descending: bool = False
    _seen: set[int] = field(default_factory=set)
    _offset: int = 0

    def more(self, count: int) -> list[Hit]:
        """The next photos by date; one that an index run shifted past the last page is not shown twice."""
        photos = self.catalog.selection.newest(self.wanted, self._offset, count)
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
class Ranked:
    """Photos by how near their vectors are, fused with how well their words match."""

    catalog: Catalog
    encoder_id: int
    nearest: Nearest
    vector: Floats
    words: WordQuery
    wanted: Filters
    among: Ids | None
    without: frozenset[int]
    curve: Curve | None = None
    is_calibrated: bool = False
    """Whether the library is large enough for relevances to say something."""
    _order: list[int] = field(default_factory=list)
    _scores: dict[int, tuple[float, float]] = field(default_factory=dict)
    _named: dict[int, list[int]] = field(default_factory=dict)
    """Vector id -> ids of photos with it that words found, best first."""
    _taken: int = 0
    _depth: int = 0

    @property
    def is_descending(self) -> bool:
        """Beyond what is fused with words, the ranking is by score alone."""
        return not self.words or self._taken >= 2 * POOL

    def more(self, count: int) -> list[Hit]:
        """The photos of the next vectors; copies follow each other, those that words found first.

        Where filters let few pass, twice as many vectors are taken up each time, until there are some photos.
        """
        hits: list[Hit] = []
        step = count
        while len(hits) < count // 2:
            if self._taken + step > len(self._order):
                self._reach(self._taken + step)
            chunk = self._order[self._taken : self._taken + step]
            if not chunk:
                break
            self._taken += len(chunk)
            step *= 2
            photos = self.catalog.selection.briefs(chunk, self.wanted)
            hits += [hit for vector_id in chunk for hit in self._hits(vector_id, photos.get(vector_id, []))]
        return hits

    def _hits(self, vector_id: int, photos: Sequence[Brief]) -> list[Hit]:
        named = self._named.get(vector_id, [])
        place = {photo_id: number for number, photo_id in enumerate(named)}
        ordered = sorted(photos, key=lambda photo: place.get(photo.id, len(place)))  # stable
        score, relevance = self._scores[vector_id]
        return [Hit(photo, score, relevance, photo.id in place) for photo in ordered if photo.id not in self.without]

    def _reach(self, depth: int) -> None:
        """Extend the order to `depth` vectors, or all there are; what was in it stays as it was."""
        if depth <= self._depth:
            return
        found = [] if self._depth else self._found_by_words()
        self._depth = depth if found == [] else max(depth, POOL)
        looks = self._rank(self._depth, self.among)
        order = looks if found == [] else self._fused(self._passing(looks[:POOL]), found) + looks[POOL:]
        known = set(self._order)
        self._order += [vector_id for vector_id in dict.fromkeys(order) if vector_id not in known]

    def _passing(self, looks: list[int]) -> list[int]:
        """Those of which a photo passes the filters: others must not count as places before them."""
        if self.among is not None or not self.wanted:
            return looks
        there = self.catalog.selection.briefs(looks, self.wanted)
        return [vector_id for vector_id in looks if vector_id in there]

    def _fused(self, looks: list[int], found: Sequence[tuple[int, int]] | None) -> list[int]:
        """Both rankings made one; where too many photos have the words, of those that look right."""
        return rank.fuse(
            looks, self._rank_words(self.catalog.words.search_among(self.words, looks) if found is None else found)
        )

    def _rank(self, count: int, among: Ids | None) -> list[int]:
        scores, ids, background, pictures = self.nearest(self.vector, count, among)
        self.is_calibrated = len(background) >= calibrate.SMALLEST_SAMPLE
        relevances = calibrate.relevance(scores, background, pictures, self.curve)
        found = list(zip(ids.tolist(), scores.tolist(), relevances.tolist(), strict=True))
        for vector_id, score, relevance in found:
            self._scores.setdefault(vector_id, (score, relevance))
        return [vector_id for vector_id, _, _ in found]

    def _found_by_words(self) -> list[tuple[int, int]] | None:
        """(photo id, vector id) of photos that words found, best first; None if so many that looks must choose."""
        if not self.words:
            return []
        return self.catalog.words.search(self.words, self.wanted, self.encoder_id, POOL)

    def _rank_words(self, found: Sequence[tuple[int, int]]) -> list[int]:
        """Vectors of the photos that words found, best first, with their scores: they may be far from the query."""
        for photo_id, vector_id in found:
            self._named.setdefault(vector_id, []).append(photo_id)
        far = [vector_id for vector_id in self._named if vector_id not in self._scores]
        if far:
            self._rank(len(far), np.array(sorted(far), np.int64))
        return [vector_id for vector_id in self._named if vector_id in self._scores]


@dataclass
class Hits:
    """The groups of a search, in order; safe to use from several threads."""

    source: Source
    vectors: Callable[[list[int]], Floats]
    generation: int
    sort: str
    collapse: bool
    only_relevant: bool
    _found: list[Found] = field(default_factory=list)
    _looked_at: int = 0
    _began: list[int] = field(default_factory=list)
    """For each group, how many hits had been looked at when it began."""
    _ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    _groups: Groups = field(init=False)

    def __post_init__(self) -> None:
        """Begin without a group."""
        self._groups = Groups(self.vectors)

    @property
    def is_calibrated(self) -> bool:
        """Whether relevances say something: not in a library of a few pictures, nor without a picture of a query."""
        return self.source.is_calibrated

    def page(self, offset: int, count: int) -> tuple[list[Found], bool]:
        """Groups `offset` to `offset + count`, and whether there are more."""
        with self._lock:
            while not self._ended and (len(self._found) <= offset + count or self._since(offset + count) < AHEAD):
                self._grow(max(CHUNK, count))
            shown = [
                Found(list(found.photo_ids), found.score, found.relevance, found.by_words)
                for found in self._found[offset : offset + count]
            ]
            return shown, len(self._found) > offset + count

    def _since(self, end: int) -> int:
        """Hits looked at beyond the first of the group at `end`."""
        return self._looked_at - self._began[end] if end < len(self._began) else 0

    def _grow(self, count: int) -> None:
        if self.sort == "date" and isinstance(self.source, Ranked):
            hits = self._dated()
            self._ended = True
        else:
            hits = self.source.more(count)
            self._ended = not hits
        if self.only_relevant:
            is_last = self.source.is_descending  # then what comes after an irrelevant one is no better
            hits = [hit for hit in hits if hit.is_relevant]
            self._ended = self._ended or (not hits and is_last)
        self._take(hits)

    def _dated(self) -> list[Hit]:
        """The relevant ones among the best DATED, the newest first, those without a date last."""
        hits: list[Hit] = []
        while len(hits) < DATED and (more := self.source.more(DATED)):
            hits += more
        relevant = [hit for hit in hits[:DATED] if hit.is_relevant]
        relevant.sort(key=lambda hit: hit.photo.taken_at or "", reverse=True)
        return relevant

    def _take(self, hits: list[Hit]) -> None:
        numbers = self._groups.add([hit.photo for hit in hits]) if self.collapse else ()
        for place, hit in enumerate(hits):
            self._looked_at += 1
            number = numbers[place] if self.collapse else len(self._found)
            if number < len(self._found):
                self._found[number].photo_ids.append(hit.photo.id)
            else:
                self._found.append(Found([hit.photo.id], hit.score, hit.relevance, hit.by_words))
                self._began.append(self._looked_at)
