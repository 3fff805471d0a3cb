"""Bring the catalog in line with the disk: scan every root, diff, move, read what changed, forget what is gone."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..data import paths
from ..data.records import Move, RootRecord
from ..errors import FolderError
from .diff import Diff, diff
from .pipeline import Job, Pipeline, Tally, Tick
from .scan import Scan, scan


@dataclass(frozen=True, slots=True)
class Place:
    """What to index: a root, and the folder `below` it (empty for all of it)."""

    root: RootRecord
    below: bytes = b""


@dataclass(frozen=True, slots=True)
class Report:
    """What an index run did; `seconds` is wall time, `encoded` the pictures that went through the encoder."""

    tally: Tally
    seconds: float
    encoder: str

    @property
    def images_per_second(self) -> float:
        """Pictures encoded a second of the whole run, scan included."""
        return self.tally.encoded / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class _Surveyed:
    place: Place
    found: Scan
    diff: Diff


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


def update(pipeline: Pipeline, places: Sequence[Place], progress: Callable[[Tick], None] = lambda _: None) -> Report:
    """Make the catalog equal to the disk at `places`."""
    start = time.perf_counter()
    catalog = pipeline.catalog
    with _collector_paused():
        surveyed = [_survey(pipeline, place) for place in places]
    tally = Tally(
        unchanged=sum(survey.diff.unchanged for survey in surveyed),
        still_failed=sum(survey.diff.still_failed for survey in surveyed),
    )
    for survey in surveyed:
        if survey.diff.moved:
            catalog.move([_move(survey, photo_id, path) for photo_id, path in survey.diff.moved])
            tally.moved += len(survey.diff.moved)
    missing = [photo_id for survey in surveyed for photo_id in survey.diff.removed]
    vanished = _by_hash(catalog.hashes(missing))
    unreadable = set(missing).difference(*vanished.values())
    pipeline.run([job for survey in surveyed for job in _jobs(pipeline, survey)], vanished, tally, progress)
    gone = [*unreadable, *(photo_id for ids in vanished.values() for photo_id in ids)]
    if gone:
        catalog.remove(gone)
        tally.removed = len(gone)
    for content_hash in catalog.prune():
        pipeline.thumbnails.remove(content_hash)
    for survey in surveyed:
        if not survey.place.below:
            catalog.scanned(survey.place.root.id)
    return Report(tally, time.perf_counter() - start, pipeline.encoder.name)


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


def _survey(pipeline: Pipeline, place: Place) -> _Surveyed:
    known = pipeline.catalog.known(place.root.id, place.below)
    found = scan(place.root.path, place.below, os.fsencode(pipeline.thumbnails.folder))
    if found.empty and known:
        shown = paths.display(paths.join(place.root.path, place.below))
        raise FolderError(
            f"{shown} is empty, but {len(known)} photos were indexed there; nothing was removed.",
            f"Connect its disk, or run 'polyglance forget {shown}' if the photos are gone for good.",
        )
    return _Surveyed(place, found, diff(known, found.files, found.unreadable))


def _move(survey: _Surveyed, photo_id: int, path: bytes) -> Move:
    return Move(photo_id, survey.place.root.id, path, survey.found.files[path])


def _jobs(pipeline: Pipeline, survey: _Surveyed) -> list[Job]:
    root, files = survey.place.root, survey.found.files
    before = pipeline.catalog.hashes([photo_id for photo_id, _ in survey.diff.changed])
    return [Job(root, path, files[path], is_new=True) for path in survey.diff.added] + [
        Job(root, path, files[path], is_new=False, hash_before=before.get(photo_id))
        for photo_id, path in survey.diff.changed
    ]


def _by_hash(hashes: Mapping[int, bytes]) -> dict[bytes, list[int]]:
    result: dict[bytes, list[int]] = {}
    for photo_id, content_hash in hashes.items():
        result.setdefault(content_hash, []).append(photo_id)
    return result
