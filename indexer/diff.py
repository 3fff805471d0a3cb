"""What changed between the catalog and the disk: a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..data.records import FileStat, Known


class Gone(NamedTuple):
    """A file that is no longer there: where it was, and what it was like."""

    path: bytes
    stat: FileStat


@dataclass(frozen=True, slots=True)
class Diff:
    """The paths are relative to the root. Nothing was opened to find this out."""

    added: list[bytes]
    changed: list[tuple[int, bytes]]
    """(photo id, path) of files that have other bytes, or may have."""
    moved: list[tuple[int, bytes]]
    """(photo id, new path) of files that are the same file (inode, size, time) under another name."""
    removed: dict[int, Gone]
    """Photo id -> the file that is gone."""
    unchanged: int
    still_failed: int
    """Files as they were when they could not be read."""


def diff(known: Mapping[bytes, Known], found: Mapping[bytes, FileStat], unreadable: Sequence[bytes] = ()) -> Diff:
    """Compare. A photo below an `unreadable` folder is neither removed nor moved: its absence is not proved."""
    added = []
    changed = []
    unchanged = still_failed = 0
    for path, stat in found.items():
        before = known.get(path)
        if before is None:
            added.append(path)
        elif before.stat == stat:
            unchanged += not before.failed
            still_failed += before.failed
        else:
            changed.append((before.photo_id, path))
    if not added and len(found) == len(known):
        return Diff([], changed, [], {}, unchanged, still_failed)
    vanished = {
        path: photo
        for path, photo in known.items()
        if path not in found and not any(_below(path, folder) for folder in unreadable)
    }
    moved = moves({photo.stat: photo.photo_id for photo in vanished.values()}, {path: found[path] for path in added})
    elsewhere = {path for _, path in moved}
    gone = {photo_id for photo_id, _ in moved}
    return Diff(
        [path for path in added if path not in elsewhere],
        changed,
        moved,
        {photo.photo_id: Gone(path, photo.stat) for path, photo in vanished.items() if photo.photo_id not in gone},
        unchanged,
        still_failed,
    )


def moves(vanished: Mapping[FileStat, int], added: Mapping[bytes, FileStat]) -> list[tuple[int, bytes]]:
    """(photo id, new path) of added files that are vanished ones, by inode, size and time; on one file system only."""
    left = dict(vanished)
    return [(left.pop(stat), path) for path, stat in added.items() if stat in left]


def _below(path: bytes, folder: bytes) -> bool:
    return path.startswith(folder + b"/")
