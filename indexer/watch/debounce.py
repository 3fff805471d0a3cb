"""Dirty folders, held back until nothing has happened in them for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_FOLDERS = 1000
"""Most dirty folders of one root that are compared one by one; if there are more, the whole root is compared."""


@dataclass(frozen=True, slots=True)
class Dirty:
    """A folder below a root in which something happened; `deep` if the folders in it have to be compared as well.

    `overdue` means that something kept happening in it for the longest time that it is held back.
    """

    root_id: int
    folder: bytes
    deep: bool = False
    overdue: bool = False


@dataclass(slots=True)
class _Activity:
    """Times of the first and the last event in a folder, in seconds."""

    first: float
    last: float
    deep: bool


class Debounce:
    """Holds dirty folders back until nothing happened in them for `quiet` seconds, for `ceiling` seconds at most.

    The caller passes the time `now`, in seconds of any clock.
    """

    def __init__(self, quiet: float, ceiling: float) -> None:
        self._quiet = quiet
        self._ceiling = ceiling
        self._activity: dict[int, dict[bytes, _Activity]] = {}

    def mark(self, root_id: int, folder: bytes, now: float, *, deep: bool = False, first: float | None = None) -> None:
        """Note that something happened in `folder`; `first` is when it began, if that was before now."""
        folders = self._activity.setdefault(root_id, {})
        if folder not in folders and len(folders) >= MAX_FOLDERS:
            first = min(activity.first for activity in folders.values())
            folders.clear()
            folder, deep = b"", True
        activity = folders.setdefault(folder, _Activity(now if first is None else first, now, deep))
        activity.last = now
        activity.deep = activity.deep or deep

    def forget(self, root_id: int) -> None:
        """Drop the dirty folders of this root."""
        self._activity.pop(root_id, None)

    def next_ready_at(self) -> float | None:
        """Return when the next folder will be ready if nothing more happens; None if no folder is dirty."""
        times = [self._ready_at(activity) for folders in self._activity.values() for activity in folders.values()]
        return min(times, default=None)

    def pop_ready(self, now: float) -> list[Dirty]:
        """Remove and return the folders that are ready, without those that lie in a deep one of them."""
        ready = [
            Dirty(root_id, folder, activity.deep, overdue=now - activity.last < self._quiet)
            for root_id, folders in self._activity.items()
            for folder, activity in folders.items()
            if self._ready_at(activity) <= now
        ]
        for dirty in ready:
            del self._activity[dirty.root_id][dirty.folder]
        return drop_nested(ready)

    def _ready_at(self, activity: _Activity) -> float:
        return min(activity.last + self._quiet, activity.first + self._ceiling)


def drop_nested(folders: Sequence[Dirty]) -> list[Dirty]:
    """Return `folders` without those that lie in a deep one of them."""
    deep = {(dirty.root_id, dirty.folder) for dirty in folders if dirty.deep}
    return [dirty for dirty in folders if not any((dirty.root_id, parent) in deep for parent in _parents(dirty.folder))]


def _parents(folder: bytes) -> Iterator[bytes]:
    """The folders that contain this one, up to the root itself."""
    while folder:
        folder = os.path.dirname(folder)
        yield folder
