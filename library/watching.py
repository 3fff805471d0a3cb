"""Following changes in the roots until asked to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from ..data import paths, watch_state
from ..errors import Stopped
from ..indexer.run.places import Place
from ..indexer.run.report import Report
from ..indexer.run.stop import Stop
from ..indexer.run.update import update as run_update
from ..indexer.watch.service import Host, Service, Timing
from ..progress import Progress
from . import encoders, labelling, roots, runs, snapshots
from .parts import Parts
from .writing import indexing

log = logging.getLogger("polyglance")


def watch(parts: Parts, *, stop: Stop, timing: Timing, progress: Progress, on_report: Callable[[Report], None]) -> None:
    """Keep the library equal to all its roots until `stop` is asked to. See `Library.watch`."""
    encoders.active(parts)
    with parts.catalog.watcher_lock():
        host = Host(
            roots=lambda: parts.catalog.roots.all(counted=False),
            some_paths=parts.catalog.photos.some_paths,
            exclusion=partial(roots.exclusion_of, parts),
            update=lambda places, missed: update(parts, places, missed, progress, stop),
            publish=lambda coverages: watch_state.publish(parts.folder, coverages),
            report=on_report,
        )
        Service(host, timing, stop).run()


def update(parts: Parts, places: Sequence[Place], missed: Collection[int], progress: Progress, stop: Stop) -> Report:
    """Compare `places` with the disk, except in roots that were forgotten meanwhile.

    `missed` are the ids of photos that the last comparison did not find. Raises LibraryBusy.
    """
    with indexing(parts):
        pipeline = runs.pipeline(parts, encoders.active(parts), stop)
        current = _places_in_roots(parts, places)
        parts.catalog.run_locks.hold({place.root.id: place.root for place in current}.values())
        report = run_update(
            pipeline,
            current,
            progress,
            exclusion=roots.exclusion_of(parts),
            strict=False,
            missed_before=missed,
        )
        labelling.label(parts, stop)
    if (parts.vectors or any(place.is_whole for place in places)) and not stop.asked:
        with suppress(Stopped):
            snapshots.save(parts, stop)
    return report


def _places_in_roots(parts: Parts, places: Sequence[Place]) -> list[Place]:
    """Return the places whose root is still in the catalog; another root may have the id of a forgotten one by now."""
    records = {(record.id, record.path): record for record in parts.catalog.roots.all(counted=False)}
    current = []
    for place in places:
        record = records.get((place.root.id, place.root.path))
        if record is None:
            log.info("The folder %s was forgotten; it is left alone.", paths.display(place.root.path))
        else:
            current.append(replace(place, root=record))
    return current
