"""Roots: adding and forgetting them, and the patterns that exclude parts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..data import objects, paths
from ..data.catalog.records import RootRecord
from ..errors import DiskFull, RootNotFound, UsageError
from ..indexer.disk.exclude import Exclusion
from ..indexer.run.places import Place, covers
from .parts import AnyPath, Parts
from .writing import writing

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Forgettable:
    """How much dropping a folder removes from a library. `favourites` of the `photos` are marked; marks are kept."""

    photos: int
    failed: int
    favourites: int


def root(parts: Parts, root_id: int) -> RootRecord:
    """The root with this id. Raises RootNotFound."""
    for record in parts.catalog.roots.all(counted=False):
        if record.id == root_id:
            return record
    raise RootNotFound(f"No folder of the library has the id {root_id}.", "'polyglance status' lists them.")


def add(parts: Parts, folder: bytes, exclusion: Exclusion) -> Place:
    """Make `folder` a root that absorbs the roots inside it; or return its place in the root that covers it."""
    roots = parts.catalog.roots.all(counted=False)
    for record in roots:
        if covers(record.path, folder, exclusion):
            return Place(record, paths.relative_to(folder, record.path))
    absorbed = [record for record in roots if covers(folder, record.path, exclusion)]
    return Place(parts.catalog.roots.add(folder, absorbed))


def touched(parts: Parts, folders: Sequence[bytes], exclusion: Exclusion) -> list[RootRecord]:
    """The roots that cover one of these folders, or would become part of it."""
    return [
        record
        for record in parts.catalog.roots.all(counted=False)
        if any(covers(record.path, each, exclusion) or covers(each, record.path, exclusion) for each in folders)
    ]


def forget(parts: Parts, folder: AnyPath) -> int:
    """Drop a root, or a folder below it that is no longer there; return the number of photos dropped."""
    with writing(parts):
        photos_before = _count_photos(parts)
        record, below = _root_around(parts, folder)
        _with_space(parts, partial(_drop, parts, record.id, below), (record.id, below))
        for content_hash in _with_space(parts, parts.catalog.vectors.prune, (record.id, below)):
            parts.thumbnails.remove(content_hash)
        parts.excluded_vectors().tidy()
        return photos_before - _count_photos(parts)


def would_forget(parts: Parts, folder: AnyPath) -> Forgettable:
    """What `forget` would drop. Raises UsageError if it is no folder of this library."""
    record, below = _root_around(parts, folder)
    known = parts.catalog.photos.known(record.id, below).values()
    readable = [photo.photo_id for photo in known if not photo.failed]
    return Forgettable(len(readable), len(known) - len(readable), parts.catalog.favourites.count_among(readable))


def exclusion_of(parts: Parts) -> Exclusion:
    """The library's own exclusion patterns and the usual ones, compiled."""
    return Exclusion(parts.catalog.settings.excluded())


def exclude(parts: Parts, patterns: Sequence[str]) -> None:
    """Replace the exclusion patterns; roots that another root then reaches become part of it. Raises UsageError."""
    exclusion = Exclusion(patterns)
    with writing(parts):
        parts.catalog.settings.exclude(patterns)
        remaining = sorted(parts.catalog.roots.all(counted=False), key=lambda record: len(record.path))
        while remaining:
            outer, *others = remaining
            inner = [record for record in others if covers(outer.path, record.path, exclusion)]
            if inner:
                parts.catalog.roots.add(outer.path, inner)
            remaining = [record for record in others if record not in inner]


def _count_photos(parts: Parts) -> int:
    return sum(record.photos for record in parts.catalog.roots.all())


def _root_around(parts: Parts, folder: AnyPath) -> tuple[RootRecord, bytes]:
    """(root, folder relative to it); b"" for the root itself. A folder below a root must not exist any more."""
    path = paths.absolute(folder)
    for record in parts.catalog.roots.all(counted=False):
        if record.path == path:
            return record, b""
        if paths.is_within(path, record.path) and not objects.is_there(path):
            return record, paths.relative_to(path, record.path)
    raise UsageError(
        f"{paths.display(path)} is not a folder of this library.",
        "Run 'polyglance status' to see them; what is inside one is left out with 'polyglance exclude'.",
    )


def _drop(parts: Parts, root_id: int, below: bytes) -> None:
    if below:
        parts.catalog.changes.remove_folder(root_id, below)
    else:
        parts.catalog.roots.remove(root_id)


def _with_space(parts: Parts, work: Callable[[], _T], dropped: tuple[int, bytes]) -> _T:
    """Do `work`; if the disk is full, do it again after removing thumbnails that only the `dropped` photos have."""
    try:
        return work()
    except DiskFull:
        parts.thumbnails.sweep(parts.catalog.photos.contents(without=dropped))
        return work()
