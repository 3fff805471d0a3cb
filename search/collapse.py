"""Near-duplicates and bursts as one: pictures of the same bytes, or almost the same and taken or named together."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ..data.records import Brief

ALIKE = 0.9
"""Cosine from which two pictures taken or named together are one; benchmarks/near_duplicates.py measures it."""

ALIKE_BY_NUMBER = 0.97
"""The same where only neighbouring numbers say that they belong together: scans of an album have those too."""

NEVER = 2.0  # above any cosine

BURST_SECONDS = 10
NUMBERS_APART = 3
"""Frames of a burst are named one after the other."""

_COPY = re.compile(
    r"[\s_.-]*(?:\(\d{1,3}\)|~\d{1,2}|\b(?:copy|copia|copie|kopie|edited|edit|small|large)\b|копия|副本|コピー|편집됨?|복사본|نسخة)$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(\d{1,9})$")


Floats = npt.NDArray[np.float32]
Vectors = Callable[[list[int]], Floats]
Series = tuple[bytes, str]
"""Folder, and the name without its number and marks of a copy."""


@dataclass(frozen=True, slots=True)
class Trait:
    """What tells whether a photo is almost another one."""

    content_hash: bytes | None
    vector_id: int
    seconds: float | None
    series: Series
    number: int | None

    @property
    def slot(self) -> int | None:
        """The stretch of BURST_SECONDS it was taken in."""
        return None if self.seconds is None else int(self.seconds // BURST_SECONDS)


def trait(photo: Brief) -> Trait:
    """The trait of a photo."""
    folder, name = os.path.split(photo.path)
    stem, number = _named(os.path.splitext(name)[0].decode("utf-8", "replace"))
    return Trait(photo.content_hash, photo.vector_id, _seconds(photo.taken_at), (folder, stem), number)


def _named(stem: str) -> tuple[str, int | None]:
    while (shorter := _COPY.sub("", stem)) != stem and shorter:
        stem = shorter
    number = _NUMBER.search(stem)
    return (stem[: number.start()].casefold(), int(number[1])) if number else (stem.casefold(), None)


def _seconds(taken_at: str | None) -> float | None:
    try:
        moment = datetime.fromisoformat(taken_at or "")
    except ValueError:
        return None
    # The camera's local time, as every photo has it: some of one burst may lack the offset.
    return (moment.replace(tzinfo=None) - datetime(1800, 1, 1)).total_seconds()


@dataclass(slots=True)
class Groups:
    """Photos, in the order they are added, in groups; each group is known by its first."""

    vectors: Vectors
    """What gives the vectors of these ids: asked only about photos that were taken or named together."""
    _firsts: list[Trait] = field(default_factory=list)
    _by_hash: dict[bytes, int] = field(default_factory=dict)
    _by_slot: dict[int, list[int]] = field(default_factory=dict)
    _by_series: dict[Series, list[int]] = field(default_factory=dict)
    _undated: dict[Series, list[int]] = field(default_factory=dict)
    _known: dict[int, Floats] = field(default_factory=dict)

    def add(self, photos: Sequence[Brief]) -> list[int]:
        """For each photo the number of its group, from 0; a new one if it is like no first of a group."""
        traits = [trait(photo) for photo in photos]
        missing = sorted(self._in_question(traits) - self._known.keys())
        if missing:
            self._known.update(zip(missing, self.vectors(missing), strict=True))
        return [self._add(each) for each in traits]

    def _in_question(self, new: Sequence[Trait]) -> set[int]:
        """Ids of the vectors of those that some other may be almost the same as."""
        everyone = [*self._firsts, *new]
        slots = Counter(each.slot for each in everyone if each.slot is not None)
        series = Counter(each.series for each in everyone)
        undated = {each.series for each in everyone if each.slot is None}

        def has_company(one: Trait) -> bool:
            if one.slot is None:
                return series[one.series] > 1
            return slots[one.slot] > 1 or one.slot - 1 in slots or one.slot + 1 in slots or one.series in undated

        return {each.vector_id for each in everyone if has_company(each)}

    def _add(self, new: Trait) -> int:
        same = self._by_hash.get(new.content_hash) if new.content_hash else None
        near = same if same is not None else self._near(new)
        if near is None:
            near = self._begin(new)
        if new.content_hash:
            self._by_hash.setdefault(new.content_hash, near)
        return near

    def _near(self, new: Trait) -> int | None:
        if new.slot is None:
            candidates = set(self._by_series.get(new.series, ()))
        else:
            candidates = set(self._undated.get(new.series, ()))
            for slot in (new.slot - 1, new.slot, new.slot + 1):
                candidates.update(self._by_slot.get(slot, ()))
        for group in sorted(candidates):
            first = self._firsts[group]
            enough = _alike_from(first, new)
            if enough < NEVER and float(self._known[first.vector_id] @ self._known[new.vector_id]) >= enough:
                return group
        return None

    def _begin(self, new: Trait) -> int:
        group = len(self._firsts)
        self._firsts.append(new)
        self._by_series.setdefault(new.series, []).append(group)
        if new.slot is None:
            self._undated.setdefault(new.series, []).append(group)
        else:
            self._by_slot.setdefault(new.slot, []).append(group)
        return group


def _alike_from(one: Trait, other: Trait) -> float:
    """The cosine from which two photos are one: by when they were taken or, where a date is missing, by their names."""
    if one.seconds is not None and other.seconds is not None:
        return ALIKE if abs(one.seconds - other.seconds) <= BURST_SECONDS else NEVER
    if one.series != other.series:
        return NEVER
    if one.number is None or other.number is None:
        return ALIKE if one.number is other.number else NEVER
    apart = abs(one.number - other.number)
    return ALIKE if not apart else ALIKE_BY_NUMBER if apart <= NUMBERS_APART else NEVER
