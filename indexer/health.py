"""Is a root's disk really there? Only then does a missing file mean that it is gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from ..data import paths
from ..data.records import FileStat, Known, Mounted, RootRecord
from .mounts import Mount, covering, mounted
from .scan import Scan


def unproved(
    before: Mounted | None, table: Sequence[Mount], root: bytes, known: Mapping[bytes, Known], found: Scan
) -> list[bytes]:
    """Folders below `root` whose files may be missing only because a disk is; an empty path stands for the whole root.

    A disk is there if it is mounted as it was at the last whole scan, or if one of the photos known to be on it is
    still in its place (someone copied the disk). An empty root is believed only if it is the very folder it was, not on
    a network, and no mount point of a nameless disk: another disk's top folder has the same inode. `known` and `found`
    cover the same part of the root.
    """
    if not known:
        return []
    if before is None:
        return [b""] if found.empty else []
    now = mounted(table, root)
    if not _same(before, now) and not _any_in_place(known, found.files):
        return [b""]
    nameless = now.point == root and not now.volume
    if found.empty and (before.inode != now.inode or nameless or covering(table, root).remote):
        return [b""]  # another folder or disk is in its place; or a server lost the disk while the share stays mounted
    lost = (point for point in before.below if point not in now.below)
    return [point for point in lost if not _any_in_place(_within(known, point), found.files)]


def state(root: RootRecord, table: Sequence[Mount], some_paths: Callable[[], Sequence[bytes]]) -> str:
    """ "online", "offline", or "partly offline" if a disk inside the root is missing; opens and lists nothing.

    `some_paths` gives a few of the root's photos, looked for where the mount alone decides nothing.
    """
    if not os.path.isdir(root.path):
        return "offline"
    before, now = root.mounted, mounted(table, root.path)
    if before is None:
        return "online"
    if not _same(before, now):
        photos = some_paths()
        if photos and not any(os.path.lexists(paths.join(root.path, path)) for path in photos):
            return "offline"
    return "partly offline" if set(before.below) - set(now.below) else "online"


def remembered(before: Mounted | None, table: Sequence[Mount], root: bytes, missing: Sequence[bytes]) -> Mounted:
    """What to remember of a root scanned whole: how it is mounted now, and the disks still `missing` inside it."""
    now = mounted(table, root)
    waited_for = [point for point in missing if before and point in before.below]
    return Mounted(now.point, now.inode, now.volume, tuple(sorted({*now.below, *waited_for})))


def _same(before: Mounted, now: Mounted) -> bool:
    other_volume = before.volume and now.volume and before.volume != now.volume
    return before.point == now.point and not other_volume


def _within(known: Mapping[bytes, Known], folder: bytes) -> dict[bytes, Known]:
    return {path: photo for path, photo in known.items() if paths.is_within(path, folder)}


def _any_in_place(known: Mapping[bytes, Known], files: Mapping[bytes, FileStat]) -> bool:
    return any(path in files and files[path].size == photo.stat.size for path, photo in known.items())


def is_absence_proved(
    root: RootRecord, path: bytes, table: Sequence[Mount], some_paths: Callable[[], Sequence[bytes]]
) -> bool:
    """Whether a file that is not at `path` below `root` is really gone: no disk it may be on is missing."""
    if root.mounted is None or state(root, table, some_paths) == "offline":
        return False
    lost = set(root.mounted.below) - set(mounted(table, root.path).below)
    return not any(paths.is_within(path, point) for point in lost)
