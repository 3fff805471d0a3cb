"""What changed between the catalog and the disk: a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ...data.catalog.records import FileStat, Known
from ...data.paths import upwards

Place = TypeVar("Place")
"""What tells files apart: a path below one root, or a root and a path."""


@dataclass(frozen=True, slots=True)
class Diff(Generic[Place]):
    """What a scan saw, against what was known. Nothing was opened to find this out."""

    added: list[Place]
    changed: list[tuple[int, Place]]
    """(photo id, place) of files that have other bytes, or may have."""
    moved: list[tuple[int, Place]]
    """(photo id, new place) of files that are the same file (inode, size, time) under another name."""
    removed: dict[int, Place]
    """Photo id -> where its file was that is gone, or that another photo's file has replaced."""
    unchanged: int = 0
    still_failed: int = 0
    """Files as they were when they could not be read."""


def diff(
    known: Mapping[bytes, Known], found: Mapping[bytes, FileStat], unreadable: Iterable[bytes] = ()
) -> Diff[bytes]:
    """Compare one root. A photo in an `unreadable` folder is neither removed nor moved: its absence is not proved."""
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
    removed = {}
    if len(found) - len(added) < len(known):
        hidden = frozenset(unreadable)
        removed = {
            photo.photo_id: path
            for path, photo in known.items()
            if path not in found and (not hidden or hidden.isdisjoint(upwards(path)))
        }
    result = Diff(added, changed, [], removed, unchanged, still_failed)
    displaced = [*removed.items(), *changed]
    files = [*added, *(path for _, path in changed)]
    if not displaced or not files:
        return result
    return with_moves(result, matched([(each, known[path].stat) for each, path in displaced], files, found.__getitem__))


def matched(
    displaced: Iterable[tuple[int, FileStat]], files: Iterable[Place], stat_of: Callable[[Place], FileStat]
) -> list[tuple[int, Place]]:
    """(photo id, place) of the files that are photos which were elsewhere, by inode, size and time.

    `displaced` are photos that are not where they were, with the stat of then, on the files' file system.
    """
    left: dict[FileStat, list[int]] = {}
    for photo_id, stat in displaced:
        left.setdefault(stat, []).append(photo_id)
    return [(photos.pop(0), place) for place in files if (photos := left.get(stat_of(place)))]


def with_moves(before: Diff[Place], moved: Sequence[tuple[int, Place]]) -> Diff[Place]:
    """The same with photos `moved` to places that were added or changed.

    A changed file whose photo has moved away is a new one; a photo whose place another one took is removed.
    """
    if not moved:
        return before
    ids, taken = {photo_id for photo_id, _ in moved}, {place for _, place in moved}
    removed = before.removed | {photo_id: place for photo_id, place in before.changed if place in taken}
    return replace(
        before,
        added=[place for place in before.added if place not in taken]
        + [place for photo_id, place in before.changed if photo_id in ids and place not in taken],
        changed=[(each, place) for each, place in before.changed if each not in ids and place not in taken],
        moved=[*before.moved, *moved],
        removed={photo_id: place for photo_id, place in removed.items() if photo_id not in ids},
    )


@dataclass(frozen=True, slots=True)
class Rewritten(Generic[Place]):
    """A place that was read and holds other bytes than before: the photo it was, its content then and now.

    `photo_id` and `before` are None of a file that is new there.
    """

    place: Place
    photo_id: int | None
    before: bytes | None
    after: bytes


def moved_contents(rewritten: Sequence[Rewritten[Place]], gone: Iterable[tuple[int, bytes]] = ()) -> dict[Place, int]:
    """Place -> the photo that turned up there, by content: files renamed along a chain where inodes tell nothing.

    A photo whose file has other bytes now turns up at another place that was rewritten. At a new place it does only if
    its own was taken by a third photo: else a copy was made before it was edited, and it stays what it was. `gone` are
    photos, with their contents, whose files were not found.
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
