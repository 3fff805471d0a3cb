"""Which folders are dirty, and when they have been quiet for long enough to be looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MANY = 1000
"""As many dirty folders of one root as are worth looking at one by one; beyond that the whole root is."""


@dataclass(frozen=True, slots=True)
class Dirty:
    """A folder below a root in which something happened; `deep` if folders in it may be concerned as well.

    `overdue` if something happened there all the time, until waiting for quiet was given up.
    """

    root_id: int
    folder: bytes
    deep: bool = False
    overdue: bool = False


@dataclass(slots=True)
class _Since:
    first: float
    last: float
    deep: bool


class Debounce:
    """Holds dirty folders back until nothing happened in them for `quiet` seconds, but for `ceiling` seconds at most.

    Time is whatever clock the caller passes in, in seconds.
    """

    def __init__(self, quiet: float, ceiling: float) -> None:
        self._quiet = quiet
        self._ceiling = ceiling
        self._since: dict[int, dict[bytes, _Since]] = {}

    def mark(self, root_id: int, folder: bytes, now: float, *, deep: bool = False, first: float | None = None) -> None:
        """Something happened in `folder` (which has not been quiet since `first`, if that is given)."""
        folders = self._since.setdefault(root_id, {})
        if folder not in folders and len(folders) >= MANY:
            first = min(since.first for since in folders.values())
            folders.clear()
            folder, deep = b"", True
        since = folders.setdefault(folder, _Since(now if first is None else first, now, deep))
        since.last = now
        since.deep = since.deep or deep

    def forget(self, root_id: int) -> None:
        """Nothing about this root is waited for any more."""
        self._since.pop(root_id, None)

    def due(self) -> float | None:
        """When the next folder will be ready, if nothing more happens; None if none is dirty."""
        times = [self._ready_at(since) for folders in self._since.values() for since in folders.values()]
        return min(times, default=None)

    def take(self, now: float) -> list[Dirty]:
        """The folders that are ready, without those that lie in another one which is looked at deeply."""
        ready = [
            Dirty(root_id, folder, since.deep, overdue=now - since.last < self._quiet)
            for root_id, folders in self._since.items()
            for folder, since in folders.items()
            if self._ready_at(since) <= now
        ]
        for dirty in ready:
            del self._since[dirty.root_id][dirty.folder]
        return outermost(ready)

    def _ready_at(self, since: _Since) -> float:
        return min(since.last + self._quiet, since.first + self._ceiling)


def outermost(places: Sequence[Dirty]) -> list[Dirty]:
    """`places` without those that lie in a deep one of them."""
    deep = {(dirty.root_id, dirty.folder) for dirty in places if dirty.deep}
    return [dirty for dirty in places if not any((dirty.root_id, folder) in deep for folder in _above(dirty.folder))]


def _above(folder: bytes) -> Iterator[bytes]:
    """The folders that contain this one, up to the root itself."""
    while folder:
        folder = os.path.dirname(folder)
        yield folder
