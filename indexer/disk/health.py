"""Is a root's disk really there? Only then does a missing file mean that it is gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence

from ...data import paths
from ...data.catalog.records import Disk, FileStat, Known, Mounted, RootRecord
from .mounts import Mount, covering, mounted
from .scan import Scan

SomePaths = Callable[[bytes], Collection[bytes]]
"""A few of the photos below a folder of a root, the root itself if it is empty; all paths are relative to the root."""

LEAST_DOUBTED = 50
MOST = 0.5
"""A run that would remove more photos than that, and more than this share of a root, is not believed unasked.

Who cleans up deletes tens of photos, or a part; a mount that went wrong in a way that nothing above notices, a wrong
link or a restored older state takes nearly all. What is lost by a wrong removal is the time to encode them again.
"""


def unproved(
    before: Mounted | None,
    table: Sequence[Mount],
    root: bytes,
    known: Mapping[bytes, Known],
    found: Scan,
    *,
    on_disk: Callable[[bytes], bool] = lambda folder: False,
    confirmed: bool = False,
) -> list[bytes]:
    """Folders below `root` whose files may be missing only because a disk is; an empty path stands for the whole root.

    A disk is there if its volume has a name, which is that of the last whole scan, and the folder is the same; or if a
    photo known to be on it is still there (someone copied the disk). Without a name, device and inode only tell that a
    disk is another one. They prove something of a folder that is no top of a disk, or on the system's own disk.

    `known` and `found` cover the same part of the root; `on_disk` looks for any photo below a folder, wherever it is
    known to be. `confirmed` if the user says that what is missing is gone, which decides where nothing contradicts it.
    """
    if not known:
        return []
    now = mounted(table, root)

    def is_without_photos(folder: bytes) -> bool:
        expected = _within(known, folder)
        return bool(expected) and not _any_there(expected, found.files) and not on_disk(folder)

    if not _is_same_root(before, now, table, root, confirmed=confirmed) and is_without_photos(b""):
        return [b""]
    points = before.below if before else ()
    return [
        point
        for point in points
        if not _is_same_inside(before, now, table, root, point, confirmed=confirmed) and is_without_photos(point)
    ]


def state(root: RootRecord, table: Sequence[Mount], some_paths: SomePaths) -> str:
    """ "online", "offline", or "partly offline" if a disk inside the root is missing; opens and lists nothing.

    `some_paths` gives a few of the root's photos, looked for where the mount alone decides nothing.
    """
    if not os.path.isdir(root.path):
        return "offline"
    before, now = root.mounted, mounted(table, root.path)
    if before is None:
        return "online"
    if not _is_same_root(before, now, table, root.path) and _none_there(root, some_paths(b"")):
        return "offline"
    return "partly offline" if _lost_inside(root, before, now, table, some_paths) else "online"


def is_absence_proved(root: RootRecord, path: bytes, table: Sequence[Mount], some_paths: SomePaths) -> bool:
    """Whether a file that is not at `path` below `root` is really gone: no disk it may be on is missing."""
    if root.mounted is None or state(root, table, some_paths) == "offline":
        return False
    lost = _lost_inside(root, root.mounted, mounted(table, root.path), table, some_paths)
    return not any(paths.is_within(path, point) for point in lost)


def is_doubtful(gone: int, photos: int) -> bool:
    """Whether a run that misses so many of a root's photos is not to remove them unasked."""
    return gone > LEAST_DOUBTED and gone > MOST * photos


def remembered(before: Mounted | None, table: Sequence[Mount], root: bytes, missing: Sequence[bytes]) -> Mounted:
    """What to remember of a root scanned whole: how it is mounted now, and the disks still `missing` inside it."""
    now = mounted(table, root)
    waited_for = [point for point in missing if before and point in before.below]
    disks = {**now.disks, **{point: before.disks.get(point, Disk()) for point in waited_for if before}}
    below = tuple(sorted({*now.below, *waited_for}))
    return Mounted(now.point, now.inode, now.volume, below, now.device, disks)


def _is_same_root(
    before: Mounted | None, now: Mounted, table: Sequence[Mount], root: bytes, *, confirmed: bool = False
) -> bool:
    if before is None:
        return confirmed  # no scan of it was ever completed: nothing tells what it was
    if before.point != now.point or _is_another(before.disk, now.disk):
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
    """The same of a disk mounted inside the root: it lies at the top of a disk, so only its name proves anything."""
    if before is None or point not in now.below:
        return False
    was, there = before.disks.get(point, Disk()), now.disks.get(point, Disk())
    if _is_another(was, there):
        return False
    remote = covering(table, paths.join(root, point)).remote
    return confirmed or (bool(was.volume and there.volume) and not remote)


def _is_another(before: Disk, now: Disk) -> bool:
    """Whether two looks saw different disks for certain, as far as disks without names can be told apart."""
    if before.volume and now.volume:
        return before.volume != now.volume
    pairs = ((before.device, now.device), (before.inode, now.inode))
    return any(one and other and one != other for one, other in pairs)


def _lost_inside(
    root: RootRecord, before: Mounted, now: Mounted, table: Sequence[Mount], some_paths: SomePaths
) -> list[bytes]:
    """The disks inside a root that are missing, or that nothing proves to be what they were."""
    return [
        point
        for point in before.below
        if point not in now.below
        or (not _is_same_inside(before, now, table, root.path, point) and _none_there(root, some_paths(point)))
    ]


def _none_there(root: RootRecord, photos: Collection[bytes]) -> bool:
    """Whether there are photos to look for, and none is in its place."""
    return bool(photos) and not any(os.path.lexists(paths.join(root.path, path)) for path in photos)


def _within(known: Mapping[bytes, Known], folder: bytes) -> Mapping[bytes, Known]:
    if not folder:
        return known
    return {path: photo for path, photo in known.items() if paths.is_within(path, folder)}


def _any_there(known: Mapping[bytes, Known], files: Mapping[bytes, FileStat]) -> bool:
    """Whether a known photo is in its place, or is the same file under another name."""
    if any(path in files and (photo.failed or files[path].size == photo.stat.size) for path, photo in known.items()):
        return True
    stats = {photo.stat for photo in known.values()}
    return any(stat in stats for stat in files.values())
