"""Near-duplicates and bursts as one: pictures of the same bytes, or almost the same and taken or named together."""

from __future__ import annotations

import os
import re
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


@dataclass(frozen=True, slots=True)
class Trait:
    """What tells whether a photo is almost another one."""

    content_hash: bytes | None
    vector: npt.NDArray[np.float32]
    seconds: float | None
    series: tuple[bytes, str]
    """Folder, and the name without its number and marks of a copy."""
    number: int | None


def trait(photo: Brief, vector: npt.NDArray[np.float32]) -> Trait:
    """The trait of a photo with its vector."""
    folder, name = os.path.split(photo.path)
    stem, number = _named(os.path.splitext(name)[0].decode("utf-8", "replace"))
    return Trait(photo.content_hash, vector, _seconds(photo.taken_at), (folder, stem), number)


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

    _firsts: list[Trait] = field(default_factory=list)
    _by_hash: dict[bytes, int] = field(default_factory=dict)
    _by_moment: dict[int, list[int]] = field(default_factory=dict)
    _by_series: dict[tuple[bytes, str], list[int]] = field(default_factory=dict)

    def add(self, new: Trait) -> int:
        """Number of the group that this photo is in, from 0; a new one if it is like no first of a group."""
        same = self._by_hash.get(new.content_hash) if new.content_hash else None
        near = same if same is not None else self._near(new)
        if near is None:
            near = self._begin(new)
        if new.content_hash:
            self._by_hash.setdefault(new.content_hash, near)
        return near

    def _near(self, new: Trait) -> int | None:
        candidates = set(self._by_series.get(new.series, ()))
        if new.seconds is not None:
            slot = int(new.seconds // BURST_SECONDS)
            candidates.update(*(self._by_moment.get(slot + step, ()) for step in (-1, 0, 1)))
        for group in sorted(candidates):
            first = self._firsts[group]
            if float(first.vector @ new.vector) >= _alike_from(first, new):
                return group
        return None

    def _begin(self, new: Trait) -> int:
        group = len(self._firsts)
        self._firsts.append(new)
        self._by_series.setdefault(new.series, []).append(group)
        if new.seconds is not None:
            self._by_moment.setdefault(int(new.seconds // BURST_SECONDS), []).append(group)
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
