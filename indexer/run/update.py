"""Bring the catalog in line with the disk: scan, diff, move, read what changed, forget what is gone."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ...data import objects, paths
from ...data.catalog.records import UNREADABLE_FOLDER, Entry, Move
from ...errors import FolderError
from ...progress import Progress, silent
from ..disk import health
from ..disk.diff import Diff
from ..disk.exclude import USUAL, Exclusion
from .doubts import Doubt, find_mass_removals, find_unproved_doubts
from .moves import merge_diffs
from .pipeline import Pipeline
from .places import Place
from .prepared import Job
from .profile import Profile
from .report import Failure, Offline, Report, Tally
from .survey import FilePosition, Survey, Surveyor, collector_paused
from .vanished import VanishedPhotos


def update(
    pipeline: Pipeline,
    places: Sequence[Place],
    progress: Progress = silent,
    *,
    exclusion: Exclusion = USUAL,
    strict: bool = True,
    missed_before: Collection[int] | None = None,
    confirmed: bool = False,
) -> Report:
    """Make the catalog equal to the disk at `places`, none of which lies within another.

    A place whose disk is missing raises FolderError before anything is changed; if not `strict`, it is left alone and
    named in the report. A run that is asked to stop ends after the batch in hand and removes nothing, because photos
    that seem to be gone may be among the files not read yet.

    While files are being moved, one comparison proves nothing: a file may already be in a folder that was not compared.
    With `missed_before` only photos among these ids are removed; the report names the others as missed.

    Photos that would be most of a root are not removed: the report names them as a doubt, unless the user has
    `confirmed` that what is missing is gone.
    """
    start = time.perf_counter()
    thumbnails = os.fsencode(pipeline.thumbnails.folder)
    surveyor = Surveyor(pipeline.catalog, thumbnails, exclusion, confirmed=confirmed)
    surveys, offline = _survey_places(surveyor, places, strict=strict)
    tally = Tally(
        unchanged=sum(each.diff.unchanged for each in surveys),
        still_failed=sum(each.diff.still_failed for each in surveys),
    )
    profile = Profile()
    missed, doubts = _apply(
        pipeline,
        surveyor,
        surveys,
        tally,
        progress,
        profile,
        exclusion=exclusion,
        missed_before=missed_before,
        confirmed=confirmed,
    )
    if not tally.stopped:
        _prune(pipeline, places)
    return Report(
        tally,
        time.perf_counter() - start,
        pipeline.encoder.name,
        offline,
        [replace(each.place, below=folder, deep=False) for each in surveys for folder in sorted(each.waiting)],
        missed,
        {each.place.root.id: each.folders for each in surveys if each.place.is_whole},
        doubts,
        profile,
    )


def _survey_places(surveyor: Surveyor, places: Sequence[Place], *, strict: bool) -> tuple[list[Survey], list[Offline]]:
    surveys: list[Survey] = []
    offline: list[Offline] = []
    with collector_paused():
        for place in places:
            try:
                surveys.append(surveyor.survey(place))
            except FolderError as error:
                if strict:
                    raise
                offline.append(Offline(place, error))
    return surveys, offline


def _apply(
    pipeline: Pipeline,
    surveyor: Surveyor,
    surveys: Sequence[Survey],
    tally: Tally,
    progress: Progress,
    profile: Profile,
    *,
    exclusion: Exclusion,
    missed_before: Collection[int] | None,
    confirmed: bool,
) -> tuple[dict[int, Place], list[Doubt]]:
    """Write the differences to the catalog, counting into `tally`; return missed photos with folders, and doubts."""
    _record_unreadable(pipeline, surveys, tally)
    changes = merge_diffs(surveys)
    _record_moves(pipeline, surveys, changes, tally)
    jobs = _make_jobs(pipeline, surveys, changes)
    changed = {(surveys[n].place.root.id, path): photo_id for photo_id, (n, path) in changes.changed}
    vanished = VanishedPhotos(pipeline.catalog, sorted(changes.removed), changed, surveyor.table)
    pipeline.run(jobs, vanished, tally, progress, profile=profile)
    if tally.stopped:
        return {}, []
    vanished.settle_chains(tally)
    missing = {photo_id: changes.removed[photo_id] for photo_id in vanished.unclaimed()}
    missed = {
        photo_id: replace(surveys[n].place, below=os.path.dirname(path), deep=False)
        for photo_id, (n, path) in missing.items()
        if missed_before is not None and photo_id not in missed_before
    }
    missing = {photo_id: position for photo_id, position in missing.items() if photo_id not in missed}
    doubts = find_unproved_doubts(surveys, surveyor.table)
    if not confirmed:
        mass_removals, doubted = find_mass_removals(pipeline.catalog, surveys, missing, exclusion)
        doubts += mass_removals
        missing = {photo_id: position for photo_id, position in missing.items() if photo_id not in doubted}
    _keep_excluded(pipeline, surveys, missing, exclusion)
    _remove(pipeline, surveys, missing, tally)
    _record_scans(pipeline, surveyor, surveys, doubts)
    return missed, doubts


def _make_jobs(pipeline: Pipeline, surveys: Sequence[Survey], changes: Diff[FilePosition]) -> list[Job]:
    hashes = pipeline.catalog.photos.hashes([photo_id for photo_id, _ in changes.changed])

    def make_job(position: FilePosition, photo_id: int | None = None) -> Job:
        n, path = position
        hash_before = hashes.get(photo_id) if photo_id else None
        return Job(surveys[n].place.root, path, surveys[n].files[path], photo_id is None, hash_before)

    return [*map(make_job, changes.added), *(make_job(position, photo_id) for photo_id, position in changes.changed)]


def _record_moves(pipeline: Pipeline, surveys: Sequence[Survey], changes: Diff[FilePosition], tally: Tally) -> None:
    if changes.moved:
        pipeline.catalog.changes.move(
            [
                Move(photo_id, surveys[n].place.root.id, path, surveys[n].files[path])
                for photo_id, (n, path) in changes.moved
            ]
        )
        tally.moved += len(changes.moved)


def _record_unreadable(pipeline: Pipeline, surveys: Sequence[Survey], tally: Tally) -> None:
    """Record folders that could not be listed as failures, like files, to be tried again at every run."""
    entries = []
    for each in surveys:
        root = each.place.root
        for path, reason in each.unreadable.items():
            entries.append(Entry(root.id, path, UNREADABLE_FOLDER, error=reason))
            tally.failures.append(Failure(paths.join(root.path, path), reason, is_final=False))
    if entries:
        pipeline.catalog.changes.commit(entries, {}, pipeline.encoder_id)


def _keep_excluded(
    pipeline: Pipeline, surveys: Sequence[Survey], gone: Mapping[int, FilePosition], exclusion: Exclusion
) -> None:
    """Keep the vectors of the photos that leave because they are excluded, while their files are still there."""
    roots = {
        photo_id: surveys[n].place.root
        for photo_id, (n, path) in gone.items()
        if not exclusion.reaches(path, folder=False) and objects.is_there(paths.join(surveys[n].place.root.path, path))
    }
    if pipeline.excluded and roots:
        hashes = pipeline.catalog.photos.hashes(list(roots))
        pipeline.excluded.keep({content_hash: roots[photo_id].id for photo_id, content_hash in hashes.items()})


def _remove(pipeline: Pipeline, surveys: Sequence[Survey], gone: Mapping[int, FilePosition], tally: Tally) -> None:
    if gone:
        pipeline.catalog.changes.remove(list(gone))
        tally.removed += sum(surveys[n].stats[photo_id] != UNREADABLE_FOLDER for photo_id, (n, _) in gone.items())


def _record_scans(pipeline: Pipeline, surveyor: Surveyor, surveys: Sequence[Survey], doubts: Sequence[Doubt]) -> None:
    missing = Counter[int]()
    for doubt in doubts:
        missing[doubt.root_id] += doubt.missing
    for each in surveys:
        root = each.place.root
        if each.place.is_whole:
            mounted = health.describe_scanned(root.mounted, surveyor.table, root.path, list(each.unproved))
            pipeline.catalog.roots.record_scan(root.id, mounted, missing[root.id])
        elif missing[root.id]:
            pipeline.catalog.roots.record_missing(root.id, missing[root.id])


def _prune(pipeline: Pipeline, places: Sequence[Place]) -> None:
    """Drop contents without photos, and kept vectors of excluded ones, if all roots were compared.

    Else a photo may be on its way between two of them; or another run, of a new root, may be about to use a vector.
    """
    whole = {place.root.id for place in places if place.is_whole}
    with pipeline.catalog.run_locks.alone() as is_alone:
        if not is_alone or any(root.id not in whole for root in pipeline.catalog.roots.all(counted=False)):
            return
        pruned = pipeline.catalog.vectors.prune()
        pipeline.catalog.labels.drop(pruned)
        for content_hash in pruned:
            pipeline.thumbnails.remove(content_hash)
        if pipeline.excluded:
            pipeline.excluded.tidy()
