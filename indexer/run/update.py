"""Bring the catalog in line with the disk: scan, diff, move, read what changed, forget what is gone."""

from __future__ import annotations

import gc
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ...data import paths
from ...data.catalog.records import UNREADABLE_FOLDER, Entry, FileStat, Known, Move, RootRecord
from ...errors import FolderError
from ..disk import health
from ..disk.diff import Diff, diff, matched, with_moves
from ..disk.exclude import USUAL, Exclusion
from ..disk.mounts import Mount, mounts
from ..disk.scan import GONE, Scan, identity, is_empty, reaches, scan
from .pipeline import Failure, Job, Pipeline, Tally, Tick
from .vanished import VanishedPhotos

Spot = tuple[int, bytes]
"""A file: the number of its place among those surveyed, and its path below the root."""


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
class Doubt:
    """Photos that were not found and that are kept all the same, until the user confirms that they are gone.

    `missing` of the `photos` below the absolute `folder`, a root or a disk mounted inside one.
    """

    root_id: int
    folder: bytes
    missing: int
    photos: int

    @property
    def message(self) -> str:
        """What is wrong, in one line."""
        return f"{self.missing} of {self.photos} photos of {paths.display(self.folder)} were not found; all are kept."

    @property
    def hint(self) -> str:
        """What to do."""
        return f"Is a disk missing? If they were deleted: polyglance index {paths.display(self.folder)} --yes"


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
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def images_per_second(self) -> float:
        """Pictures encoded a second of the whole run, scan included."""
        return self.tally.encoded / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class _Surveyed:
    place: Place
    diff: Diff[bytes]
    files: dict[bytes, FileStat]
    """Of the files that the diff names, and no more: 100,000 unchanged ones are not kept in memory for the run."""
    stats: dict[int, FileStat]
    """As the photos were that are no longer in their places, or have changed."""
    unproved: dict[bytes, int]
    """Folders whose absence is not proved, and how many photos were not found there."""
    unreadable: dict[bytes, str]
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
    confirmed: bool = False,
) -> Report:
    """Make the catalog equal to the disk at `places`, of which none lies within another.

    A place whose disk is missing raises FolderError before anything is changed, or (not `strict`) is left alone and
    named in the report. Asked to stop, it ends after the batch in hand, and removes nothing: what was not looked at
    may be what seems to be gone. While files are being moved, one glance proves nothing (the file may be where nobody
    looked yet): so with `missed_before` only photos among these are removed, the others are named as missed.

    What would be most of a root is not removed, but named in the report as a doubt, unless the user has `confirmed`
    that what is missing is gone.
    """
    start = time.perf_counter()
    survey = _Survey(pipeline, exclusion, confirmed=confirmed)
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
    missed, doubts = _apply(pipeline, survey, surveyed, tally, progress, missed_before)
    whole = {place.root.id for place in places if place.is_whole}
    if not tally.stopped and all(root.id in whole for root in pipeline.catalog.roots.all(counted=False)):
        # Else a photo may be on its way between two roots, and its vector is wanted again.
        for content_hash in pipeline.catalog.vectors.prune():
            pipeline.thumbnails.remove(content_hash)
    return Report(
        tally,
        time.perf_counter() - start,
        pipeline.encoder.name,
        offline,
        [replace(each.place, below=folder, deep=False) for each in surveyed for folder in sorted(each.waiting)],
        missed,
        {each.place.root.id: each.folders for each in surveyed if each.place.is_whole},
        doubts,
    )


def _apply(
    pipeline: Pipeline,
    survey: _Survey,
    surveyed: Sequence[_Surveyed],
    tally: Tally,
    progress: Callable[[Tick], None],
    missed_before: Collection[int] | None,
) -> tuple[dict[int, Place], list[Doubt]]:
    catalog = pipeline.catalog
    _record_folders(pipeline, surveyed, tally)
    changes = _across_roots(surveyed)
    if changes.moved:
        catalog.changes.move(
            [Move(each, surveyed[n].place.root.id, path, surveyed[n].files[path]) for each, (n, path) in changes.moved]
        )
        tally.moved += len(changes.moved)
    before = catalog.photos.hashes([photo_id for photo_id, _ in changes.changed])

    def job(spot: Spot, photo_id: int | None = None) -> Job:
        number, path = spot
        there = surveyed[number]
        hash_before = before.get(photo_id) if photo_id else None
        return Job(there.place.root, path, there.files[path], is_new=photo_id is None, hash_before=hash_before)

    jobs = [*map(job, changes.added), *(job(spot, photo_id) for photo_id, spot in changes.changed)]
    rewritten = {(surveyed[n].place.root.id, path): photo_id for photo_id, (n, path) in changes.changed}
    vanished = VanishedPhotos(catalog, sorted(changes.removed), rewritten, survey.table)
    pipeline.run(jobs, vanished, tally, progress)
    if tally.stopped:
        return {}, []
    vanished.settle(tally)
    gone = {photo_id: changes.removed[photo_id] for photo_id in vanished.left()}
    missed = {
        photo_id: replace(surveyed[n].place, below=os.path.dirname(path), deep=False)
        for photo_id, (n, path) in gone.items()
        if missed_before is not None and photo_id not in missed_before
    }
    gone = {photo_id: spot for photo_id, spot in gone.items() if photo_id not in missed}
    doubts = survey.doubts(surveyed, gone)
    if gone:
        catalog.changes.remove(list(gone))
        tally.removed += sum(surveyed[n].stats[photo_id] != UNREADABLE_FOLDER for photo_id, (n, _) in gone.items())
    _record_scans(pipeline, survey, surveyed, doubts)
    return missed, doubts


def _record_folders(pipeline: Pipeline, surveyed: Sequence[_Surveyed], tally: Tally) -> None:
    """What could not be listed is a failure like a file's, tried again at every run."""
    entries = []
    for each in surveyed:
        root = each.place.root
        for path, reason in each.unreadable.items():
            entries.append(Entry(root.id, path, UNREADABLE_FOLDER, error=reason))
            tally.failures.append(Failure(paths.join(root.path, path), reason, is_final=False))
    if entries:
        pipeline.catalog.changes.commit(entries, {}, pipeline.encoder_id)


def _record_scans(pipeline: Pipeline, survey: _Survey, surveyed: Sequence[_Surveyed], doubts: Sequence[Doubt]) -> None:
    missing = Counter[int]()
    for doubt in doubts:
        missing[doubt.root_id] += doubt.missing
    for each in surveyed:
        root = each.place.root
        if each.place.is_whole:
            mounted = health.remembered(root.mounted, survey.table, root.path, list(each.unproved))
            pipeline.catalog.roots.record_scan(root.id, mounted, missing[root.id])
        elif missing[root.id]:
            pipeline.catalog.roots.record_missing(root.id, missing[root.id])


def _across_roots(surveyed: Sequence[_Surveyed]) -> Diff[Spot]:
    """The changes of all places together: a photo that one root misses may be a file that another one has."""
    total: Diff[Spot] = Diff([], [], [], {})
    devices: dict[tuple[int, int], list[int]] = {}
    for n, each in enumerate(surveyed):
        total.added.extend((n, path) for path in each.diff.added)
        total.changed.extend((photo_id, (n, path)) for photo_id, path in each.diff.changed)
        total.moved.extend((photo_id, (n, path)) for photo_id, path in each.diff.moved)
        total.removed.update((photo_id, (n, path)) for photo_id, path in each.diff.removed.items())
        devices.setdefault(_device(each.place.root, n), []).append(n)
    for numbers in devices.values():
        if len(numbers) > 1:
            total = with_moves(total, _moved_between([surveyed[n] for n in numbers], numbers))
    return total


def _moved_between(surveyed: Sequence[_Surveyed], numbers: Sequence[int]) -> list[tuple[int, Spot]]:
    """(photo id, new spot) of files moved between places on one file system."""
    stats: dict[Spot, FileStat] = {}
    displaced: list[tuple[int, FileStat]] = []
    for n, each in zip(numbers, surveyed, strict=True):
        changed = [path for _, path in each.diff.changed]
        stats |= {(n, path): each.files[path] for path in [*each.diff.added, *changed]}
        photos = [*each.diff.removed, *(photo_id for photo_id, _ in each.diff.changed)]
        displaced += [(photo_id, each.stats[photo_id]) for photo_id in photos]
    return matched(displaced, stats, stats.__getitem__)


def _device(root: RootRecord, number: int) -> tuple[int, int]:
    """What the roots have in common that are on one file system; a root that is not there is alone."""
    try:
        return identity(root.path)[0], -1
    except OSError:
        return -1, number


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

    def __init__(self, pipeline: Pipeline, exclusion: Exclusion, *, confirmed: bool) -> None:
        self.table: Sequence[Mount] = mounts()
        self._pipeline = pipeline
        self._exclusion = exclusion
        self._confirmed = confirmed

    def of(self, place: Place) -> _Surveyed:
        """What changed at `place`. Raises FolderError if its disk is missing."""
        root = place.root
        found = self._scan(place)
        known = self._pipeline.catalog.photos.known(root.id, place.below, deep=place.deep)
        missing = self._unproved(place, known, found, confirmed=self._confirmed)
        if b"" in missing:
            can_confirm = not self._unproved(place, known, found, confirmed=True)
            raise _not_there(place, len(known), empty=found.empty, can_confirm=can_confirm)
        waiting = _leave_fresh(place, known, found) if place.settle_seconds else set()
        changes = diff(known, found.files, [*found.unreadable, *missing])
        named = [*changes.added, *(path for _, path in [*changes.changed, *changes.moved])]
        files = {path: found.files[path] for path in named}
        displaced = [*changes.removed.items(), *changes.changed]
        stats = {photo_id: known[path].stat for photo_id, path in displaced}
        lost = {point: sum(paths.is_within(path, point) for path in known) for point in missing}
        return _Surveyed(place, changes, files, stats, lost, found.unreadable, waiting, found.folders)

    def doubts(self, surveyed: Sequence[_Surveyed], gone: dict[int, Spot]) -> list[Doubt]:
        """Photos that are not believed to be gone; they are taken out of `gone`."""
        points = {mount.point for mount in self.table}
        result = [
            Doubt(each.place.root.id, paths.join(each.place.root.path, point), count, count)
            for each in surveyed
            for point, count in each.unproved.items()
            if paths.join(each.place.root.path, point) in points  # else it is offline, which says enough
        ]
        if self._confirmed:
            return result
        by_root: dict[int, list[int]] = {}
        for photo_id, (n, path) in gone.items():
            if self._exclusion.reaches(path, folder=False):  # else the user said that it is no part of the library
                by_root.setdefault(surveyed[n].place.root.id, []).append(photo_id)
        if all(len(ids) <= health.LEAST_DOUBTED for ids in by_root.values()):
            return result
        for root in self._pipeline.catalog.roots.all():
            missing, photos = by_root.get(root.id, []), root.photos + root.failed
            if health.is_doubtful(len(missing), photos):
                result.append(Doubt(root.id, root.path, len(missing), photos))
                for photo_id in missing:
                    del gone[photo_id]
        return result

    def _unproved(self, place: Place, known: dict[bytes, Known], found: Scan, *, confirmed: bool) -> list[bytes]:
        root = place.root

        def on_disk(folder: bytes) -> bool:
            photos = self._pipeline.catalog.photos.known(root.id, folder)
            return any(_is_there(paths.join(root.path, path), photo) for path, photo in photos.items())

        return health.unproved(root.mounted, self.table, root.path, known, found, on_disk=on_disk, confirmed=confirmed)

    def _scan(self, place: Place) -> Scan:
        """Scan; a folder below a root that is there, but gone or excluded by now, holds nothing."""
        root, below = place.root.path, place.below
        try:
            without = identity(os.fsencode(self._pipeline.thumbnails.folder))
        except OSError:
            without = None
        if not below:
            return scan(root, exclusion=self._exclusion, deep=place.deep, without=without)
        empty = is_empty(root)
        if _is_gone(paths.join(root, below)) or not reaches(root, below, self._exclusion, without):
            found = Scan()
        else:
            found = scan(root, below, exclusion=self._exclusion, deep=place.deep, without=without)
        found.empty = empty  # what counts as proof is the root
        return found


def _is_gone(folder: bytes) -> bool:
    """Whether there is no such folder; not if it may not be asked."""
    try:
        return not stat.S_ISDIR(os.stat(folder).st_mode)
    except OSError as error:
        return isinstance(error, GONE)


def _is_there(path: bytes, photo: Known) -> bool:
    try:
        return os.lstat(path).st_size == photo.stat.size or photo.failed
    except (OSError, ValueError):
        return False


def _not_there(place: Place, photos: int, *, empty: bool, can_confirm: bool) -> FolderError:
    shown = paths.display(paths.join(place.root.path, place.below))
    seen = "is empty" if empty else "holds none of its photos" if can_confirm else "is not on the disk it was on"
    command = f"index {shown} --yes" if can_confirm else f"forget {shown}"
    return FolderError(
        f"{shown} {seen}, but {photos} photos were indexed there; nothing was removed.",
        f"Connect its disk, or run 'polyglance {command}' if the photos are gone for good.",
    )


def _leave_fresh(place: Place, known: dict[bytes, Known], found: Scan) -> set[bytes]:
    """Make files that may still be written look unchanged; return their folders."""
    now = time.time_ns()
    within = int(place.settle_seconds * 1e9)
    fresh = [
        path
        for path, seen in found.files.items()
        if 0 <= now - seen.mtime_ns < within and (path not in known or known[path].stat != seen)
    ]
    for path in fresh:
        if path in known:
            found.files[path] = known[path].stat
        else:
            del found.files[path]
    return {os.path.dirname(path) for path in fresh}
