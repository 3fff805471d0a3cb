"""Moves between roots: the diffs of all surveyed places together."""

from __future__ import annotations

from collections.abc import Sequence

from ...data.catalog.records import FileStat, RootRecord
from ..disk.diff import Diff, add_moves, find_moves
from ..disk.scan import identity
from .survey import FilePosition, Survey


def merge_diffs(surveys: Sequence[Survey]) -> Diff[FilePosition]:
    """Return the changes of all places as one diff: a photo that one root misses may be a file that another one has."""
    merged: Diff[FilePosition] = Diff([], [], [], {})
    numbers_by_device: dict[tuple[int, int], list[int]] = {}
    for n, each in enumerate(surveys):
        merged.added.extend((n, path) for path in each.diff.added)
        merged.changed.extend((photo_id, (n, path)) for photo_id, path in each.diff.changed)
        merged.moved.extend((photo_id, (n, path)) for photo_id, path in each.diff.moved)
        merged.removed.update((photo_id, (n, path)) for photo_id, path in each.diff.removed.items())
        numbers_by_device.setdefault(_device(each.place.root, n), []).append(n)
    for numbers in numbers_by_device.values():
        if len(numbers) > 1:
            merged = add_moves(merged, _find_moves_between(surveys, numbers))
    return merged


def _find_moves_between(surveys: Sequence[Survey], numbers: Sequence[int]) -> list[tuple[int, FilePosition]]:
    """Return (photo id, new position) of files moved between the places with these numbers, on one file system."""
    stats: dict[FilePosition, FileStat] = {}
    displaced: list[tuple[int, FileStat]] = []
    for n in numbers:
        each = surveys[n]
        changed = [path for _, path in each.diff.changed]
        stats |= {(n, path): each.files[path] for path in [*each.diff.added, *changed]}
        photos = [*each.diff.removed, *(photo_id for photo_id, _ in each.diff.changed)]
        displaced += [(photo_id, each.stats[photo_id]) for photo_id in photos]
    return find_moves(displaced, stats, stats.__getitem__)


def _device(root: RootRecord, number: int) -> tuple[int, int]:
    """Return the same for roots on one file system, and something of its own for a root that cannot be reached."""
    try:
        return identity(root.path)[0], -1
    except OSError:
        return -1, number
