"""Is the disk of a root present? Only then does a missing file prove that it was deleted."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence

from ...data import paths
from ...data.catalog.records import Disk, FileStat, Known, Mounted, RootRecord
from .mounts import Mount, covering, mounted
from .scan import Scan

SomePaths = Callable[[bytes], Collection[bytes]]
"""Gives the paths of a few photos below a folder (empty: the root itself); all paths are relative to the root."""

MAX_UNDOUBTED = 50
MAX_UNDOUBTED_SHARE = 0.5
"""A run that would remove more photos than this, and more than this share of a root, does not remove them unasked.

A user who cleans up deletes tens of photos, or a part of them. A wrong mount, a wrong link or a restored older state
makes nearly all photos disappear. A wrong removal costs the time to encode the photos again.
"""


def find_unproved(
    before: Mounted | None,
    table: Sequence[Mount],
    root: bytes,
    known: Mapping[bytes, Known],
    scanned: Scan,
    *,
    has_photo: Callable[[bytes], bool] = lambda folder: False,
    confirmed: bool = False,
) -> list[bytes]:
    """Return the folders below `root` whose files may be missing only because a disk is; b"" is the whole root.

    `before` describes the mounts at the last complete scan, `table` has the mounts of now. A disk is proved to be
    present if its volume has a name, the same as before, and the folder is the same; or if a known photo is in its
    place (the disk may have been copied). Device and inode of a disk without a name can only prove that it is another
    disk. For a folder that is not the top of a disk, or is on the system's own disk, they prove that it is the same.

    `known` and `scanned` cover the same part of the root. `has_photo` tells whether a photo known below a folder is at
    its path. `confirmed` means that the user says that what is missing is gone; it decides where nothing contradicts.
    """
    if not known:
        return []
    now = mounted(table, root)

    def is_without_photos(folder: bytes) -> bool:
        expected = _select_below(known, folder)
        return bool(expected) and not _is_any_present(expected, scanned.files) and not has_photo(folder)

    if not _is_same_root(before, now, table, root, confirmed=confirmed) and is_without_photos(b""):
        return [b""]
    points = before.below if before else ()
    return [
        point
        for point in points
        if not _is_same_inside(before, now, table, root, point, confirmed=confirmed) and is_without_photos(point)
    ]


def state(root: RootRecord, table: Sequence[Mount], some_paths: SomePaths) -> str:
    """Return "online", "offline", or "partly offline" if a disk inside the root is missing; no folder is listed.

    Object storage counts as online: asking it may take minutes, and the next scan says it.

    A few photos from `some_paths` are looked for where the mounts alone prove nothing.
    """
    if paths.is_url(root.path):
        return "online"
    if not os.path.isdir(root.path):
        return "offline"
    before, now = root.mounted, mounted(table, root.path)
    if before is None:
        return "online"
    if not _is_same_root(before, now, table, root.path) and _are_all_missing(root, some_paths(b"")):
        return "offline"
    return "partly offline" if _find_lost_disks(root, before, now, table, some_paths) else "online"


def is_absence_proved(root: RootRecord, path: bytes, table: Sequence[Mount], some_paths: SomePaths) -> bool:
    """Whether a file that is not at `path` below `root` is gone: no disk that it may be on is missing."""
    if root.mounted is None or state(root, table, some_paths) == "offline":
        return False
    lost_disks = _find_lost_disks(root, root.mounted, mounted(table, root.path), table, some_paths)
    return not any(paths.is_within(path, point) for point in lost_disks)


def is_doubtful(missing: int, photos: int) -> bool:
    """Whether `missing` of a root's `photos` are too many to be removed unasked."""
    return missing > MAX_UNDOUBTED and missing > MAX_UNDOUBTED_SHARE * photos


def describe_scanned(before: Mounted | None, table: Sequence[Mount], root: bytes, missing: Sequence[bytes]) -> Mounted:
    """Return the record of a root scanned whole: how it is mounted now, and the disks still `missing` inside it."""
    now = mounted(table, root)
    still_missing = [point for point in missing if before and point in before.below]
    disks = {**now.disks, **{point: before.disks.get(point, Disk()) for point in still_missing if before}}
    below = tuple(sorted({*now.below, *still_missing}))
    return Mounted(now.point, now.inode, now.volume, below, now.device, disks)


def _is_same_root(
    before: Mounted | None, now: Mounted, table: Sequence[Mount], root: bytes, *, confirmed: bool = False
) -> bool:
    if before is None:
        return confirmed  # no scan of it was ever complete: nothing is recorded to compare with
    if before.point != now.point or _is_other_disk(before.disk, now.disk):
        return False
    if confirmed:
        return True
    if covering(table, root).remote or before.inode != now.inode:
        return False  # a server may have lost the disk while the share stays mounted
    is_named = bool(before.volume and now.volume)
    return is_named or now.point == b"/" or now.point != root


def _is_same_inside(
    before: Mounted | None,
    now: Mounted,
    table: Sequence[Mount],
    root: bytes,
    point: bytes,
    *,
    confirmed: bool = False,
) -> bool:
    """Whether a disk mounted inside the root is the same as before: at the top of a disk only its name proves that."""
    if before is None or point not in now.below:
        return False
    disk_before, disk_now = before.disks.get(point, Disk()), now.disks.get(point, Disk())
    if _is_other_disk(disk_before, disk_now):
        return False
    remote = covering(table, paths.join(root, point)).remote
    return confirmed or (bool(disk_before.volume and disk_now.volume) and not remote)


def _is_other_disk(before: Disk, now: Disk) -> bool:
    """Whether this is certainly another disk; False where disks without names cannot be told apart."""
    if before.volume and now.volume:
        return before.volume != now.volume
    devices_differ = before.device and now.device and before.device != now.device
    inodes_differ = before.inode and now.inode and before.inode != now.inode
    return bool(devices_differ or inodes_differ)


def _find_lost_disks(
    root: RootRecord, before: Mounted, now: Mounted, table: Sequence[Mount], some_paths: SomePaths
) -> list[bytes]:
    """Return the mount points inside a root whose disks are missing, or not proved to be the same as before."""
    return [
        point
        for point in before.below
        if point not in now.below
        or (not _is_same_inside(before, now, table, root.path, point) and _are_all_missing(root, some_paths(point)))
    ]


def _are_all_missing(root: RootRecord, photos: Collection[bytes]) -> bool:
    """Whether there are photos to look for, and none of them exists."""
    return bool(photos) and not any(os.path.lexists(paths.join(root.path, path)) for path in photos)


def _select_below(known: Mapping[bytes, Known], folder: bytes) -> Mapping[bytes, Known]:
    if not folder:
        return known
    return {path: photo for path, photo in known.items() if paths.is_within(path, folder)}


def _is_any_present(known: Mapping[bytes, Known], files: Mapping[bytes, FileStat]) -> bool:
    """Whether a known photo is at its path, or is the same file under another name."""
    if any(path in files and (photo.failed or files[path].size == photo.stat.size) for path, photo in known.items()):
        return True
    stats = {photo.stat for photo in known.values()}
    return any(stat in stats for stat in files.values())
