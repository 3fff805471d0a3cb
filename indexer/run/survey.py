"""Comparing places of the catalog with the disk; nothing is changed."""

from __future__ import annotations

import gc
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ...data import paths
from ...data.catalog.catalog import Catalog
from ...data.catalog.records import FileStat, Known
from ...errors import FolderError
from ..disk import health
from ..disk.diff import Diff, diff
from ..disk.exclude import Exclusion
from ..disk.mounts import Mount, mounts
from ..disk.objects_scan import scan_objects
from ..disk.scan import GONE, Scan, identity, is_empty, reaches, scan
from .places import Place

FilePosition = tuple[int, bytes]
"""A file: the number of its place among those surveyed, and its path below the root."""


@dataclass(frozen=True, slots=True)
class Survey:
    """How one place differs from the catalog."""

    place: Place
    diff: Diff[bytes]
    files: dict[bytes, FileStat]
    """Stats of the files that the diff names, and no more: 100,000 unchanged ones are not kept for the run."""
    stats: dict[int, FileStat]
    """Photo id -> stat in the catalog, of the photos that are gone from their paths or have changed."""
    unproved: dict[bytes, int]
    """Folders whose absence is not proved, and how many photos were not found there."""
    unreadable: dict[bytes, str]
    """Folders and files that could not be listed, with reasons."""
    waiting: set[bytes]
    """Folders with files that may still be written."""
    folders: int
    """How many folders were listed."""


class Surveyor:
    """Compares places one by one; which disks are mounted is read once, at the start.

    `thumbnails` is the folder that is never scanned. `confirmed` means that the user says that what is missing is gone.
    """

    def __init__(self, catalog: Catalog, thumbnails: bytes, exclusion: Exclusion, *, confirmed: bool) -> None:
        self.table: Sequence[Mount] = mounts()
        self._catalog = catalog
        self._thumbnails = thumbnails
        self._exclusion = exclusion
        self._confirmed = confirmed

    def survey(self, place: Place) -> Survey:
        """Compare `place`. Raises FolderError if its disk is missing."""
        root = place.root
        known = self._catalog.photos.known(root.id, place.below, deep=place.deep)
        scanned = self._scan(place, known)
        if paths.is_url(root.path) and scanned.empty and known and not self._confirmed:
            raise _offline_error(place, len(known), empty=True, can_confirm=False)
        missing = self._find_unproved(place, known, scanned, confirmed=self._confirmed)
        if b"" in missing:
            can_confirm = not self._find_unproved(place, known, scanned, confirmed=True)
            raise _offline_error(place, len(known), empty=scanned.empty, can_confirm=can_confirm)
        can_wait = place.settle_seconds and not paths.is_url(root.path)  # an object appears whole
        waiting = _hide_unsettled(place, known, scanned) if can_wait else set()
        changes = diff(known, scanned.files, [*scanned.unreadable, *missing])
        named = [*changes.added, *(path for _, path in [*changes.changed, *changes.moved])]
        files = {path: scanned.files[path] for path in named}
        displaced = [*changes.removed.items(), *changes.changed]
        stats = {photo_id: known[path].stat for photo_id, path in displaced}
        unproved = {point: sum(paths.is_within(path, point) for path in known) for point in missing}
        return Survey(place, changes, files, stats, unproved, scanned.unreadable, waiting, scanned.folders)

    def _find_unproved(
        self, place: Place, known: Mapping[bytes, Known], scanned: Scan, *, confirmed: bool
    ) -> list[bytes]:
        root = place.root

        def has_photo(folder: bytes) -> bool:
            photos = self._catalog.photos.known(root.id, folder)
            return any(_is_in_place(paths.join(root.path, path), photo) for path, photo in photos.items())

        return health.find_unproved(
            root.mounted, self.table, root.path, known, scanned, has_photo=has_photo, confirmed=confirmed
        )

    def _scan(self, place: Place, known: Mapping[bytes, Known]) -> Scan:
        """Scan the place; a folder that is gone or excluded, below a root that can be listed, holds nothing."""
        root, below = place.root.path, place.below
        if paths.is_url(root):
            return scan_objects(root, below, exclusion=self._exclusion, deep=place.deep, known=known)
        try:
            without = identity(self._thumbnails)
        except OSError:
            without = None
        if not below:
            return scan(root, exclusion=self._exclusion, deep=place.deep, without=without)
        root_is_empty = is_empty(root)
        if _is_gone(paths.join(root, below)) or not reaches(root, below, self._exclusion, without):
            scanned = Scan()
        else:
            scanned = scan(root, below, exclusion=self._exclusion, deep=place.deep, without=without)
        scanned.empty = root_is_empty  # an empty root, not an empty folder in it, is the sign of a missing disk
        return scanned


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector: surveys make 100,000 tuples and no cycles, and it took 40 % of their time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_gone(folder: bytes) -> bool:
    """Whether there is no such folder; False if we may not look."""
    try:
        return not stat.S_ISDIR(os.stat(folder).st_mode)
    except OSError as error:
        return isinstance(error, GONE)


def _is_in_place(path: bytes, photo: Known) -> bool:
    try:
        return os.lstat(path).st_size == photo.stat.size or photo.failed
    except (OSError, ValueError):
        return False


def _offline_error(place: Place, photos: int, *, empty: bool, can_confirm: bool) -> FolderError:
    folder = paths.display(paths.join(place.root.path, place.below))
    state = "is empty" if empty else "holds none of its photos" if can_confirm else "is not on the disk it was on"
    command = f"index {folder} --yes" if can_confirm else f"forget {folder}"
    return FolderError(
        f"{folder} {state}, but {photos} photos were indexed there; nothing was removed.",
        f"Connect its disk, or run 'polyglance {command}' if the photos are gone for good.",
    )


def _hide_unsettled(place: Place, known: Mapping[bytes, Known], scanned: Scan) -> set[bytes]:
    """Make files that may still be written look unchanged; return their folders."""
    now = time.time_ns()
    settle_ns = int(place.settle_seconds * 1e9)
    unsettled = [
        path
        for path, stat_now in scanned.files.items()
        if 0 <= now - stat_now.mtime_ns < settle_ns and (path not in known or known[path].stat != stat_now)
    ]
    for path in unsettled:
        if path in known:
            scanned.files[path] = known[path].stat
        else:
            del scanned.files[path]
    return {os.path.dirname(path) for path in unsettled}
