"""What changed between the catalog and the disk: a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ...data.catalog.records import FileStat, Known
from ...data.paths import upwards

Place = TypeVar("Place")
"""The identity of a file: its path below one root, or a root and a path."""


@dataclass(frozen=True, slots=True)
class Diff(Generic[Place]):
    """How the files of a scan differ from the photos of the catalog, by path, inode, size and time."""

    added: list[Place]
    changed: list[tuple[int, Place]]
    """(photo id, place) of files that have changed, or may have."""
    moved: list[tuple[int, Place]]
    """(photo id, new place) of files that are the same file (inode, size, time) under another name."""
    removed: dict[int, Place]
    """Photo id -> place, of photos whose file is gone or was replaced by the file of another photo."""
    unchanged: int = 0
    still_failed: int = 0
    """Files that could not be read before and have not changed since."""


def diff(
    known: Mapping[bytes, Known], files: Mapping[bytes, FileStat], unreadable: Iterable[bytes] = ()
) -> Diff[bytes]:
    """Compare the photos known of one root with the files of a scan, both by path below the root.

    A photo in an `unreadable` folder is neither removed nor moved: its absence is not proved.
    """
    added = []
    changed = []
    unchanged = still_failed = 0
    for path, stat in files.items():
        before = known.get(path)
        if before is None:
            added.append(path)
        elif before.stat == stat:
            unchanged += not before.failed
            still_failed += before.failed
        else:
            changed.append((before.photo_id, path))
    removed = {}
    if len(files) - len(added) < len(known):  # else every known path is still there
        folders = frozenset(unreadable)
        removed = {
            photo.photo_id: path
            for path, photo in known.items()
            if path not in files and (not folders or folders.isdisjoint(upwards(path)))
        }
    result = Diff(added, changed, [], removed, unchanged, still_failed)
    displaced = [*removed.items(), *changed]
    candidates = [*added, *(path for _, path in changed)]
    if not displaced or not candidates:
        return result
    stats = [(photo_id, known[path].stat) for photo_id, path in displaced]
    return add_moves(result, find_moves(stats, candidates, files.__getitem__))


def find_moves(
    displaced: Iterable[tuple[int, FileStat]], files: Iterable[Place], get_stat: Callable[[Place], FileStat]
) -> list[tuple[int, Place]]:
    """Return (photo id, place) of each of the `files` that has the inode, size and time of a displaced photo.

    `displaced` has the ids of photos that are not at their paths any more, with their stats in the catalog. All must be
    on one file system.
    """
    by_stat: dict[FileStat, list[int]] = {}
    for photo_id, stat in displaced:
        by_stat.setdefault(stat, []).append(photo_id)
    return [(photos.pop(0), place) for place in files if (photos := by_stat.get(get_stat(place)))]


def add_moves(before: Diff[Place], moved: Sequence[tuple[int, Place]]) -> Diff[Place]:
    """Return the diff `before` with photos `moved` to places that were added or changed in it.

    A changed file whose photo has moved away is a new file. A photo whose place another photo has taken is removed.
    """
    if not moved:
        return before
    ids, destinations = {photo_id for photo_id, _ in moved}, {place for _, place in moved}
    removed = before.removed | {photo_id: place for photo_id, place in before.changed if place in destinations}
    return replace(
        before,
        added=[place for place in before.added if place not in destinations]
        + [place for photo_id, place in before.changed if photo_id in ids and place not in destinations],
        changed=[(each, place) for each, place in before.changed if each not in ids and place not in destinations],
        moved=[*before.moved, *moved],
        removed={photo_id: place for photo_id, place in removed.items() if photo_id not in ids},
    )


@dataclass(frozen=True, slots=True)
class Rewritten(Generic[Place]):
    """A file that was read and holds other bytes than before: its photo, and its content hash before and after.

    `photo_id` and `before` are None for a new file.
    """

    place: Place
    photo_id: int | None
    before: bytes | None
    after: bytes


def find_moved_contents(
    rewritten: Sequence[Rewritten[Place]], gone: Iterable[tuple[int, bytes]] = ()
) -> dict[Place, int]:
    """Return place -> id of the photo that has moved there, by content: chains of renames that inodes do not show.

    A photo whose file holds other bytes now has moved to a rewritten place that holds its bytes. It has moved to a new
    place only if a third photo has taken its own place: else the new file is a copy, made before the photo was edited.
    `gone` has (photo id, content hash) of photos whose files were not found.
    """
    free: dict[bytes, list[int]] = {}
    for photo_id, content in gone:
        free.setdefault(content, []).append(photo_id)
    for each in rewritten:
        if each.photo_id is not None and each.before is not None:
            free.setdefault(each.before, []).append(each.photo_id)
    result: dict[Place, int] = {}
    for each in rewritten:
        if each.photo_id is not None and free.get(each.after):
            result[each.place] = free[each.after].pop(0)
    displaced = {each.photo_id for each in rewritten if each.place in result}
    for each in rewritten:
        photos = free.get(each.after, []) if each.photo_id is None else []
        if lost := next((photo_id for photo_id in photos if photo_id in displaced), None):
            photos.remove(lost)
            result[each.place] = lost
    return result
