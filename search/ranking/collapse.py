"""Groups of near-duplicates: photos with the same bytes, and similar photos that were taken or named together."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ...arrays import Floats
from ...data.catalog.records import Brief

ALIKE = 0.9
"""Cosine from which two photos taken or named together are near-duplicates (benchmarks/near_duplicates.py)."""

ALIKE_BY_NUMBER = 0.97
"""The same for photos that only neighbouring numbers connect: unrelated scans of an album have such numbers too."""

NEVER = 2.0
"""A threshold that no cosine reaches."""

SLACK = 1e-4
"""More than the difference between a cosine that is computed by itself and one that is computed in a matrix."""

SHORT = 32
"""Number of groups up to which comparing one by one is as fast as a matrix product."""

AT_ONCE = 1024
"""Number of groups in one matrix product."""

BURST_SECONDS = 10
"""Photos taken within this time may be one burst."""

NUMBERS_APART = 3
"""Photos whose numbers differ by no more may be one burst."""

_COPY = re.compile(
    r"[\s_.-]*(?:\(\d{1,3}\)|~\d{1,2}|\b(?:copy|copia|copie|kopie|edited|edit|small|large)\b|копия|副本|コピー|편집됨?|복사본|نسخة)$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(\d{1,9})$")


Vectors = Callable[[list[int]], Floats]
"""Vector ids -> vectors, shape (len(ids), dimension)."""
Series = tuple[bytes, str]
"""Folder, and the file's name without its number and marks of a copy."""
Name = tuple[Series, int | None]
"""A series and a number in it, None if the name has none."""


@dataclass(frozen=True, slots=True)
class Trait:
    """The features of a photo that decide whether it is a near-duplicate of another photo."""

    content_hash: bytes | None
    vector_id: int
    seconds: float | None
    series: Series
    number: int | None

    @property
    def slot(self) -> int | None:
        """The number of the interval of BURST_SECONDS in which it was taken; None without a date."""
        return None if self.seconds is None else int(self.seconds // BURST_SECONDS)

    @property
    def name(self) -> Name:
        """Its series and its number in it."""
        return (self.series, self.number)

    @property
    def neighbours(self) -> list[Name]:
        """The names that `_threshold` treats as near, its own included: numbers up to NUMBERS_APART away."""
        if self.number is None:
            return [self.name]
        return [(self.series, self.number + step) for step in range(-NUMBERS_APART, NUMBERS_APART + 1)]


def trait(photo: Brief) -> Trait:
    """The trait of a photo."""
    folder, name = os.path.split(photo.path)
    stem, number = _split_number(os.path.splitext(name)[0].decode("utf-8", "replace"))
    return Trait(photo.content_hash, photo.vector_id, _seconds(photo.taken_at), (folder, stem), number)


def _split_number(stem: str) -> tuple[str, int | None]:
    """Remove marks of a copy from a file's name, and split it into text and the number at its end."""
    while (shorter := _COPY.sub("", stem)) != stem and shorter:
        stem = shorter
    number = _NUMBER.search(stem)
    return (stem[: number.start()].casefold(), int(number[1])) if number else (stem.casefold(), None)


def _seconds(taken_at: str | None) -> float | None:
    try:
        moment = datetime.fromisoformat(taken_at or "")
    except ValueError:
        return None
    # Offsets are dropped: all photos of a burst have the camera's local time, but some may lack the offset.
    return (moment.replace(tzinfo=None) - datetime(1800, 1, 1)).total_seconds()


@dataclass(slots=True)
class _GroupLookup:
    """Numbers of groups, by the time and by the name of their first photos."""

    by_slot: dict[int, list[int]] = field(default_factory=dict)
    by_name: dict[Name, list[int]] = field(default_factory=dict)
    undated: dict[Name, list[int]] = field(default_factory=dict)
    """The part of `by_name` whose first photos have no date."""

    def add(self, group: int, first: Trait) -> None:
        """Add a group with this first photo."""
        self.by_name.setdefault(first.name, []).append(group)
        if first.slot is None:
            self.undated.setdefault(first.name, []).append(group)
        else:
            self.by_slot.setdefault(first.slot, []).append(group)

    def find_candidates(self, photo: Trait) -> list[list[int]]:
        """The groups that a photo may belong to, in lists by time or name: few, however many share its folder."""
        by_name = self.by_name if photo.slot is None else self.undated
        candidates = [by_name.get(name) for name in photo.neighbours]
        if photo.slot is not None:
            candidates += [self.by_slot.get(slot) for slot in (photo.slot - 1, photo.slot, photo.slot + 1)]
        return [groups for groups in candidates if groups]


@dataclass(slots=True)
class Groups:
    """Photos in groups of near-duplicates. A photo joins the first group whose first photo it is similar to."""

    vectors: Vectors
    """Called only for photos that were taken or named together."""
    _firsts: list[Trait] = field(default_factory=list)
    """The first photo of each group, by the group's number."""
    _by_hash: dict[bytes, int] = field(default_factory=dict)
    """Content hash -> number of the group."""
    _lookup: _GroupLookup = field(default_factory=_GroupLookup)
    _fetched: dict[int, Floats] = field(default_factory=dict)
    """Vector id -> vector, of photos that were or will be compared."""

    def add(self, photos: Sequence[Brief]) -> list[int]:
        """For each photo the number of its group, from 0. A photo that joins no group begins a new one."""
        traits = [trait(photo) for photo in photos]
        missing = sorted(self._to_compare(traits) - self._fetched.keys())
        if missing:
            self._fetched.update(zip(missing, self.vectors(missing), strict=True))
        similar, group_count = self._find_similar_groups(traits), len(self._firsts)
        return [self._add(photo, groups, group_count) for photo, groups in zip(traits, similar, strict=True)]

    def _to_compare(self, photos: Sequence[Trait]) -> set[int]:
        """Ids of the vectors that may be compared: of the new photos with candidates, and of these candidates."""
        new_photos = _GroupLookup()
        for number, photo in enumerate(photos):
            new_photos.add(number, photo)
        vector_ids: set[int] = set()
        candidates: dict[int, list[int]] = {}  # each list once, however many photos may belong to its groups
        for number, photo in enumerate(photos):
            near = self._lookup.find_candidates(photo)
            if near or any(n != number for numbers in new_photos.find_candidates(photo) for n in numbers):
                vector_ids.add(photo.vector_id)
                candidates.update((id(groups), groups) for groups in near)
        vector_ids.update(self._firsts[group].vector_id for groups in candidates.values() for group in groups)
        return vector_ids

    def _find_similar_groups(self, photos: Sequence[Trait]) -> list[set[int]]:
        """For each photo the existing groups that it may belong to.

        If many groups share a key (20,000 photos of one second), the cosines of all new photos with all of their firsts
        are computed together, and groups below ALIKE are left out.
        """
        similar: list[set[int]] = [set() for _ in photos]
        long_lists: dict[int, tuple[list[int], list[int]]] = {}
        for number, photo in enumerate(photos):
            for groups in self._lookup.find_candidates(photo):
                if len(groups) <= SHORT:
                    similar[number].update(groups)
                else:
                    long_lists.setdefault(id(groups), (groups, []))[1].append(number)
        for groups, numbers in long_lists.values():
            rows = np.stack([self._fetched[photos[number].vector_id] for number in numbers])
            for start in range(0, len(groups), AT_ONCE):
                chunk = groups[start : start + AT_ONCE]
                firsts = np.stack([self._fetched[self._firsts[group].vector_id] for group in chunk])
                for row, column in np.argwhere(rows @ firsts.T >= ALIKE - SLACK).tolist():
                    similar[numbers[row]].add(chunk[column])
        return similar

    def _add(self, photo: Trait, similar: set[int], group_count: int) -> int:
        group = self._by_hash.get(photo.content_hash) if photo.content_hash else None
        if group is None:
            group = self._find_group(photo, similar, group_count)
        if group is None:
            group = self._begin_group(photo)
        if photo.content_hash:
            self._by_hash.setdefault(photo.content_hash, group)
        return group

    def _find_group(self, photo: Trait, similar: set[int], group_count: int) -> int | None:
        """The first group that the photo belongs to: of the `similar` ones, and of those from `group_count` on."""
        candidates = self._lookup.find_candidates(photo)
        new_groups = {group for groups in candidates for group in groups[bisect_left(groups, group_count) :]}
        for group in sorted(similar | new_groups):
            first = self._firsts[group]
            threshold = _threshold(first, photo)
            if threshold < NEVER and self._cosine(first, photo) >= threshold:
                return group
        return None

    def _cosine(self, first: Trait, second: Trait) -> float:
        return float(self._fetched[first.vector_id] @ self._fetched[second.vector_id])

    def _begin_group(self, first: Trait) -> int:
        self._firsts.append(first)
        self._lookup.add(len(self._firsts) - 1, first)
        return len(self._firsts) - 1


def _threshold(first: Trait, second: Trait) -> float:
    """The cosine from which two photos are near-duplicates: by their times or, if a date is missing, by their names."""
    if first.seconds is not None and second.seconds is not None:
        return ALIKE if abs(first.seconds - second.seconds) <= BURST_SECONDS else NEVER
    if first.series != second.series:
        return NEVER
    if first.number is None or second.number is None:
        return ALIKE if first.number is second.number else NEVER
    distance = abs(first.number - second.number)
    return ALIKE if not distance else ALIKE_BY_NUMBER if distance <= NUMBERS_APART else NEVER
