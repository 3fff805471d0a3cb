"""Runs that make the library equal to folders on disk, or encode its photos with another encoder."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from ..data.catalog.records import EncoderRecord
from ..data.vectors import stores
from ..encoders.base import Preparable
from ..errors import LibraryBusy, Stopped
from ..indexer.run.pipeline import Pipeline
from ..indexer.run.places import Place, check_folders, outermost, refuse_library
from ..indexer.run.ray_address import Address
from ..indexer.run.ray_worker import Task
from ..indexer.run.ray_workers import RayWorkers
from ..indexer.run.reencode import encode_missing
from ..indexer.run.report import Report, Tally
from ..indexer.run.stop import Stop
from ..indexer.run.update import update
from ..progress import Progress
from . import encoders, labelling, roots, snapshots
from .parts import AnyPath, Parts
from .writing import back_up_own_data, indexing, writing

log = logging.getLogger("polyglance")


def index(
    parts: Parts,
    folders: Sequence[AnyPath],
    encoder: str | None,
    *,
    confirmed: bool,
    progress: Progress,
    stop: Stop | None,
) -> Report:
    """Make the library equal to `folders` on disk: each becomes a root, or is rescanned. See `Library.index`."""
    exclusion = roots.exclusion_of(parts)
    outer_folders = outermost(check_folders(folders), exclusion)
    refuse_library(outer_folders, os.fsencode(parts.folder))
    with indexing(parts):
        with parts.catalog.run_locks.setup():
            record = encoders.active_or_new(parts, encoder)
        work = _pipeline_with_workers(parts, record, stop)
        with parts.catalog.run_locks.setup():
            parts.catalog.run_locks.hold(roots.touched(parts, outer_folders, exclusion))
            places = [roots.add(parts, folder, exclusion) for folder in outer_folders]
            parts.catalog.run_locks.hold(place.root for place in places)
        back_up_own_data(parts)  # the run may take hours
        report = _unless_stopped(update(work, places, progress, exclusion=exclusion, confirmed=confirmed))
        labelling.label(parts, stop, progress)
    snapshots.save(parts, stop)
    return report


def rescan(
    parts: Parts, root_id: int | None, *, failed: bool, confirmed: bool, progress: Progress, stop: Stop | None
) -> Report:
    """Make the library equal to one root on disk, or to all. See `Library.rescan`."""
    exclusion = roots.exclusion_of(parts)
    busy: dict[int, LibraryBusy] = {}
    with writing(parts) if failed else indexing(parts):  # a failed file may be in any root
        record = encoders.active(parts)
        if failed:
            places = _whole_roots(parts, parts.catalog.failures.retry())
        else:
            places = _whole_roots(parts, None if root_id is None else [root_id])
            busy = parts.catalog.run_locks.hold_free(place.root for place in places)
            if busy and len(busy) == len(places):
                raise next(iter(busy.values()))
            places = [place for place in places if place.root.id not in busy]
        if root_id is not None:
            roots.root(parts, root_id)
        work = _pipeline_with_workers(parts, record, stop)
        report = _unless_stopped(update(work, places, progress, exclusion=exclusion, strict=False, confirmed=confirmed))
        labelling.label(parts, stop, progress)
    snapshots.save(parts, stop)
    return replace(report, busy=list(busy.values()))


def reencode(parts: Parts, name: str, *, progress: Progress, stop: Stop | None) -> Tally:
    """Encode every photo with another encoder, then switch to it. See `Library.reencode`."""
    before = parts.catalog.encoders.active()
    with writing(parts):
        record = encoders.register(parts, encoders.create(parts, name, parts.settings))
        tally = encode_missing(_pipeline_with_workers(parts, record, stop), progress)
        parts.excluded_vectors().rename(record.id, record.fingerprint)
        parts.catalog.encoders.activate(record.id, record.name, record.fingerprint)
        labelling.label(parts, stop, progress)
    snapshots.save(parts, stop)
    if parts.vectors and before is not None and before.id != record.id:
        log.info(
            "%s keeps the vectors of %s, so that nothing is sent if you switch back. "
            "To free the memory: polyglance check --repair",
            stores.kind(parts.vectors),
            before.name,
        )
    return tally


def pipeline(parts: Parts, record: EncoderRecord, stop: Stop | None) -> Pipeline:
    """The pipeline that encodes photos with the encoder of `record`."""
    encoder = encoders.load(parts, record)
    if isinstance(encoder, Preparable):
        encoder.prepare_beside()
    return Pipeline(
        parts.catalog, encoder, record.id, parts.thumbnails, parts.settings, stop or Stop(), parts.excluded_vectors()
    )


def _pipeline_with_workers(parts: Parts, record: EncoderRecord, stop: Stop | None) -> Pipeline:
    """The pipeline whose pictures are encoded where the setting `workers` says."""
    made = pipeline(parts, record, stop)
    if not parts.settings.workers:
        return made
    address = Address.from_url(parts.settings.workers)
    own = parts.own_encoder if parts.own_encoder is made.encoder else None
    task = Task(record.name, record.fingerprint, own, parts.settings.without_passwords(), made.decode_options())
    return replace(made, workers=RayWorkers(address, task))


def _whole_roots(parts: Parts, root_ids: Collection[int] | None) -> list[Place]:
    """The roots with these ids, whole; all roots if `root_ids` is None."""
    records = parts.catalog.roots.all(counted=False)
    return [Place(record) for record in records if root_ids is None or record.id in root_ids]


def _unless_stopped(report: Report) -> Report:
    if report.tally.stopped:
        raise Stopped
    return report
