"""Bring the catalog in line with the disk: scan, diff, move, read what changed, forget what is gone."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ..data import paths
from ..data.records import FileStat, Known, Move, RootRecord
from ..errors import FolderError
from . import health
from .diff import Diff, diff, moves
from .exclude import USUAL, Exclusion
from .mounts import Mount, mounts
from .pipeline import Job, Pipeline, Tally, Tick
from .scan import Scan, is_empty, reaches, scan
from .vanished import VanishedPhotos


@dataclass(frozen=True, slots=True)
class Place:
    """What to compare: a root, the folder `below` it (empty for all of it), and (`deep`) the folders in that one.

    Files that changed less than `settle_seconds` ago, and so may still be written, are left as they were.
    """

    root: RootRecord
    below: bytes = b""
    deep: bool = True
    settle_seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the root."""
        return self.deep and not self.below


@dataclass(frozen=True, slots=True)
class Offline:
    """A place that could not be compared, because its disk is missing or it may not be read: nothing was changed."""

    place: Place
    error: FolderError


@dataclass(frozen=True, slots=True)
class Report:
    """What an index run did; `seconds` is wall time, `encoded` the pictures that went through the encoder."""

    tally: Tally
    seconds: float
    encoder: str
    offline: list[Offline] = field(default_factory=list)
    waiting: list[Place] = field(default_factory=list)
    """Folders with files that may still be written: to be compared again."""
    missed: dict[int, Place] = field(default_factory=dict)
    """Photos that were not found where they were, and the folder to compare again before that is believed."""
    folders: dict[int, int] = field(default_factory=dict)
    """Root id -> number of folders listed, of the roots that were scanned whole."""

    @property
    def images_per_second(self) -> float:
        """Pictures encoded a second of the whole run, scan included."""
        return self.tally.encoded / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class _Surveyed:
    place: Place
    diff: Diff
    files: dict[bytes, FileStat]
    """Of the files that the diff names, and no more: 100,000 unchanged ones are not kept in memory for the run."""
    missing: list[bytes]
    """Folders whose absence is not proved."""
    waiting: set[bytes]
    folders: int


def check_folder(folder: bytes) -> None:
    """Raise FolderError with what to do unless `folder` is a directory we may list."""
    shown = paths.display(folder)
    if not os.path.lexists(folder):
        raise FolderError(f"There is no folder {shown}.", "Check the spelling, or connect the disk it is on.")
    if not os.path.isdir(folder):
        parent = paths.display(os.path.dirname(folder))
        raise FolderError(f"{shown} is a file, not a folder.", f"Give the folder it is in: {parent}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FolderError(f"The folder {shown} may not be read by you.", "Change its permissions first.")


def update(
    pipeline: Pipeline,
    places: Sequence[Place],
    progress: Callable[[Tick], None] = lambda _: None,
    *,
    exclusion: Exclusion = USUAL,
    strict: bool = True,
    missed_before: Collection[int] | None = None,
) -> Report:
    """Make the catalog equal to the disk at `places`, of which none lies within another.

    A place whose disk is missing raises FolderError before anything is changed, or (not `strict`) is left alone and
    named in the report. Asked to stop, it ends after the batch in hand, and removes nothing: what was not looked at
    may be what seems to be gone. While files are being moved, one glance proves nothing (the file may be where nobody
    looked yet): so with `missed_before` only photos among these are removed, the others are named as missed.
    """
    start = time.perf_counter()
    survey = _Survey(pipeline, exclusion)
    surveyed: list[_Surveyed] = []
    offline: list[Offline] = []
    with _collector_paused():
        for place in places:
            try:
                surveyed.append(survey.of(place))
            except FolderError as error:
                if strict:
                    raise
                offline.append(Offline(place, error))
    tally = Tally(
        unchanged=sum(each.diff.unchanged for each in surveyed),
        still_failed=sum(each.diff.still_failed for each in surveyed),
    )
    missed = _apply(pipeline, survey, surveyed, tally, progress, missed_before)
    whole = {place.root.id for place in places if place.is_whole}
    if not tally.stopped and all(root.id in whole for root in pipeline.catalog.roots(counted=False)):
        # Else a photo may be on its way between two roots, and its vector is wanted again.
        for content_hash in pipeline.catalog.prune():
            pipeline.thumbnails.remove(content_hash)
    return Report(
        tally,
        time.perf_counter() - start,
        pipeline.encoder.name,
        offline,
        [replace(each.place, below=folder, deep=False) for each in surveyed for folder in sorted(each.waiting)],
        missed,
        {each.place.root.id: each.folders for each in surveyed if each.place.is_whole},
    )


def _apply(
    pipeline: Pipeline,
    survey: _Survey,
    surveyed: Sequence[_Surveyed],
    tally: Tally,
    progress: Callable[[Tick], None],
    missed_before: Collection[int] | None,
) -> dict[int, Place]:
    catalog = pipeline.catalog
    moved, jobs, removed = _across_roots(surveyed)
    if moved:
        catalog.move(moved)
        tally.moved += len(moved)
    before = catalog.hashes([photo_id for each in surveyed for photo_id, _ in each.diff.changed])
    jobs += [
        Job(each.place.root, path, each.files[path], is_new=False, hash_before=before.get(photo_id))
        for each in surveyed
        for photo_id, path in each.diff.changed
    ]
    vanished = VanishedPhotos(catalog, removed, survey.table)
    pipeline.run(jobs, vanished, tally, progress)
    if tally.stopped:
        return {}
    gone = vanished.left()
    missed = [] if missed_before is None else [photo_id for photo_id in gone if photo_id not in missed_before]
    if gone := [photo_id for photo_id in gone if photo_id not in set(missed)]:
        catalog.remove(gone)
        tally.removed = len(gone)
    for each in surveyed:
        if each.place.is_whole:
            root = each.place.root
            catalog.scanned(root.id, health.remembered(root.mounted, survey.table, root.path, each.missing))
    return _places_of(missed, surveyed)


def _places_of(missed: Collection[int], surveyed: Sequence[_Surveyed]) -> dict[int, Place]:
    wanted = set(missed)
    return {
        photo_id: replace(each.place, below=os.path.dirname(gone.path), deep=False)
        for each in surveyed
        for photo_id, gone in each.diff.removed.items()
        if photo_id in wanted
    }


def _across_roots(surveyed: Sequence[_Surveyed]) -> tuple[list[Move], list[Job], list[int]]:
    """(moves, jobs for the files that are new, ids of the photos that are gone) of all places together."""
    moved = [
        Move(photo_id, each.place.root.id, path, each.files[path])
        for each in surveyed
        for photo_id, path in each.diff.moved
    ]
    removed = {photo_id for each in surveyed for photo_id in each.diff.removed}
    jobs = []
    for each in surveyed:
        root, files = each.place.root, each.files
        others = {
            gone.stat: photo_id
            for other in surveyed
            if other is not each and _same_device(root, other.place.root)
            for photo_id, gone in other.diff.removed.items()
            if photo_id in removed
        }
        found = moves(others, {path: files[path] for path in each.diff.added}) if others else []
        for photo_id, path in found:
            moved.append(Move(photo_id, root.id, path, files[path]))
            removed.remove(photo_id)
        elsewhere = {path for _, path in found}
        jobs += [Job(root, path, files[path], is_new=True) for path in each.diff.added if path not in elsewhere]
    return moved, jobs, sorted(removed)


def _same_device(one: RootRecord, other: RootRecord) -> bool:
    try:
        return one.id == other.id or os.stat(one.path).st_dev == os.stat(other.path).st_dev
    except OSError:
        return False


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A survey makes some 100,000 tuples and no cycles; walking them again and again took 40 % of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Survey:
    """Compares catalog and disk, place by place, with one look at what is mounted."""

    def __init__(self, pipeline: Pipeline, exclusion: Exclusion) -> None:
        self.table: Sequence[Mount] = mounts()
        self._pipeline = pipeline
        self._exclusion = exclusion

    def of(self, place: Place) -> _Surveyed:
        """What changed at `place`. Raises FolderError if its disk is missing."""
        root = place.root
        found = self._scan(place)
        known = self._pipeline.catalog.known(root.id, place.below, deep=place.deep)
        missing = health.unproved(root.mounted, self.table, root.path, known, found)
        if b"" in missing:
            raise _not_there(place, len(known), empty=found.empty)
        waiting = _leave_fresh(place, known, found) if place.settle_seconds else set()
        changes = diff(known, found.files, [*found.unreadable, *missing])
        named = [*changes.added, *(path for _, path in [*changes.changed, *changes.moved])]
        files = {path: found.files[path] for path in named}
        return _Surveyed(place, changes, files, missing, waiting, found.folders)

    def _scan(self, place: Place) -> Scan:
        """Scan; a folder below a root that is there, but gone or excluded by now, holds nothing."""
        root, below = place.root.path, place.below
        without = os.fsencode(self._pipeline.thumbnails.folder)
        if not below:
            return scan(root, exclusion=self._exclusion, deep=place.deep, without=without)
        empty = is_empty(root)
        if os.path.isdir(paths.join(root, below)) and reaches(root, below, self._exclusion):
            found = scan(root, below, exclusion=self._exclusion, deep=place.deep, without=without)
        else:
            found = Scan()
        found.empty = empty  # what counts as proof is the root
        return found


def _not_there(place: Place, photos: int, *, empty: bool) -> FolderError:
    shown = paths.display(paths.join(place.root.path, place.below))
    seen = "is empty" if empty else "is not on the disk it was on"
    return FolderError(
        f"{shown} {seen}, but {photos} photos were indexed there; nothing was removed.",
        f"Connect its disk, or run 'polyglance forget {shown}' if the photos are gone for good.",
    )


def _leave_fresh(place: Place, known: dict[bytes, Known], found: Scan) -> set[bytes]:
    """Make files that may still be written look unchanged; return their folders."""
    now = time.time_ns()
    within = int(place.settle_seconds * 1e9)
    fresh = [
        path
        for path, stat in found.files.items()
        if 0 <= now - stat.mtime_ns < within and (path not in known or known[path].stat != stat)
    ]
    for path in fresh:
        if path in known:
            found.files[path] = known[path].stat
        else:
            del found.files[path]
    return {os.path.dirname(path) for path in fresh}
