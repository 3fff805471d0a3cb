"""Near-duplicates and bursts as one: pictures of the same bytes, or almost the same and taken or named together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...arrays import Floats
from ...data.catalog.records import Brief

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


Vectors = Callable[[list[int]], Floats]
Series = tuple[bytes, str]
"""Folder, and the name without its number and marks of a copy."""
Name = tuple[Series, int | None]


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

    @property
    def name(self) -> Name:
        """Its series and its number in it."""
        return (self.series, self.number)

    @property
    def neighbours(self) -> list[Name]:
        """The names of its series that `_alike_from` takes for near ones, its own among them."""
        if self.number is None:
            return [self.name]
        return [(self.series, self.number + apart) for apart in range(-NUMBERS_APART, NUMBERS_APART + 1)]


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
class _Keys:
    """Groups by what their firsts may share with a photo that is almost the same: when it was taken, and its name."""

    slots: dict[int, list[int]] = field(default_factory=dict)
    named: dict[Name, list[int]] = field(default_factory=dict)
    undated: dict[Name, list[int]] = field(default_factory=dict)
    """Those of `named` that have no date."""

    def add(self, group: int, first: Trait) -> None:
        """Note the first of a group."""
        self.named.setdefault(first.name, []).append(group)
        if first.slot is None:
            self.undated.setdefault(first.name, []).append(group)
        else:
            self.slots.setdefault(first.slot, []).append(group)

    def near(self, new: Trait) -> list[list[int]]:
        """The groups that a photo may belong to, by key: few of them, however many share its folder."""
        named = self.named if new.slot is None else self.undated
        found = [named.get(name) for name in new.neighbours]
        if new.slot is not None:
            found += [self.slots.get(slot) for slot in (new.slot - 1, new.slot, new.slot + 1)]
        return [groups for groups in found if groups]


@dataclass(slots=True)
class Groups:
    """Photos, in the order they are added, in groups; each group is known by its first."""

    vectors: Vectors
    """What gives the vectors of these ids: asked only about photos that were taken or named together."""
    _firsts: list[Trait] = field(default_factory=list)
    _by_hash: dict[bytes, int] = field(default_factory=dict)
    _keys: _Keys = field(default_factory=_Keys)
    _known: dict[int, Floats] = field(default_factory=dict)

    def add(self, photos: Sequence[Brief]) -> list[int]:
        """For each photo the number of its group, from 0; a new one if it is like no first of a group."""
        traits = [trait(photo) for photo in photos]
        missing = sorted(self._in_question(traits) - self._known.keys())
        if missing:
            self._known.update(zip(missing, self.vectors(missing), strict=True))
        return [self._add(each) for each in traits]

    def _in_question(self, new: Sequence[Trait]) -> set[int]:
        """Ids of the vectors that will be compared: of new photos with company, and of the firsts they may join."""
        together = _Keys()
        for number, each in enumerate(new):
            together.add(number, each)
        compared: set[int] = set()
        firsts: dict[int, list[int]] = {}  # each list once, however many photos may belong to its groups
        for number, each in enumerate(new):
            near = self._keys.near(each)
            if near or any(other != number for others in together.near(each) for other in others):
                compared.add(each.vector_id)
                firsts.update((id(groups), groups) for groups in near)
        compared.update(self._firsts[group].vector_id for groups in firsts.values() for group in groups)
        return compared

    def _add(self, new: Trait) -> int:
        same = self._by_hash.get(new.content_hash) if new.content_hash else None
        near = same if same is not None else self._near(new)
        if near is None:
            near = self._begin(new)
        if new.content_hash:
            self._by_hash.setdefault(new.content_hash, near)
        return near

    def _near(self, new: Trait) -> int | None:
        for group in sorted({group for groups in self._keys.near(new) for group in groups}):
            first = self._firsts[group]
            enough = _alike_from(first, new)
            if enough < NEVER and float(self._known[first.vector_id] @ self._known[new.vector_id]) >= enough:
                return group
        return None

    def _begin(self, new: Trait) -> int:
        self._firsts.append(new)
        self._keys.add(len(self._firsts) - 1, new)
        return len(self._firsts) - 1


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
