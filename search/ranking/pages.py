"""Pages of a search: its hits in groups of near-duplicates, in an order that stays while pages are read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ...arrays import Floats
from .calibrate import RELEVANT, Verdict, verdict
from .collapse import Groups
from .hits import Hit, Source

CHUNK = 128
"""The least number of hits asked of the source at once."""

AHEAD = 64
"""Hits read beyond a page, so that near-duplicates of its photos are counted."""


@dataclass(slots=True)
class HitGroup:
    """Photos that are shown as one result, the first of them. Ids only: a photo may change, move or be removed.

    Score, relevance and `by_words` are those of the first photo.
    """

    photo_ids: list[int]
    score: float
    relevance: float
    by_words: bool

    @property
    def is_relevant(self) -> bool:
        """Whether the first photo likely shows what the query asks for, or has its words."""
        return self.relevance >= RELEVANT or self.by_words

    @property
    def verdict(self) -> Verdict:
        """How surely the first photo is what the query asks for."""
        return verdict(self.relevance, self.by_words)


@dataclass
class Pages:
    """The groups of one search, in order; safe to use from several threads."""

    source: Source
    vectors: Callable[[list[int]], Floats]
    """Vector ids -> vectors, shape (len(ids), dimension)."""
    generation: int
    """The catalog's generation when the search began."""
    collapse: bool
    only_relevant: bool
    _groups: list[HitGroup] = field(default_factory=list)
    _hits_read: int = 0
    _group_starts: list[int] = field(default_factory=list)
    """For each group, the number of hits read when it began."""
    _ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _collapsed: Groups = field(init=False)

    def __post_init__(self) -> None:
        """Begin without a group."""
        self._collapsed = Groups(self.vectors)

    @property
    def is_calibrated(self) -> bool:
        """Whether relevances mean something: not in a library of a few photos, nor if only filters were given."""
        return self.source.is_calibrated

    @property
    def is_partial(self) -> bool:
        """Whether photos that look right are missing, because the engine of the vectors did not answer."""
        return self.source.unavailable is not None

    def page(self, offset: int, count: int) -> tuple[list[HitGroup], bool]:
        """Copies of the groups from `offset` to `offset + count`, and whether there are more."""
        end = offset + count
        with self._lock:
            while not self._ended and (len(self._groups) <= end or self._hits_beyond(end) < AHEAD):
                self._read_hits(max(CHUNK, count))
            groups = [replace(group, photo_ids=list(group.photo_ids)) for group in self._groups[offset:end]]
            return groups, len(self._groups) > end

    def _hits_beyond(self, end: int) -> int:
        """The number of hits read since the group at index `end` began."""
        return self._hits_read - self._group_starts[end] if end < len(self._group_starts) else 0

    def _read_hits(self, count: int) -> None:
        hits = self.source.more(count)
        self._ended = not hits
        if self.only_relevant:
            is_descending = self.source.is_descending  # then no relevant hit follows an irrelevant one
            hits = [hit for hit in hits if hit.is_relevant]
            self._ended = self._ended or (not hits and is_descending)
        self._add(hits)

    def _add(self, hits: list[Hit]) -> None:
        numbers = self._collapsed.add([hit.photo for hit in hits]) if self.collapse else ()
        for place, hit in enumerate(hits):
            self._hits_read += 1
            number = numbers[place] if self.collapse else len(self._groups)
            if number < len(self._groups):
                self._groups[number].photo_ids.append(hit.photo.id)
            else:
                self._groups.append(HitGroup([hit.photo.id], hit.score, hit.relevance, hit.by_words))
                self._group_starts.append(self._hits_read)
