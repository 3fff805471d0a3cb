"""After a run: the snapshot of the vector index, so that the next start is fast; or its vectors, sent to an engine."""

from __future__ import annotations

import logging

from ..data.catalog import locks
from ..data.vectors import index_files
from ..errors import LibraryBusy
from ..indexer.run.stop import Stop
from . import following
from .parts import Parts

log = logging.getLogger("polyglance")


def save(parts: Parts, stop: Stop | None = None) -> None:
    """Write the active encoder's snapshot if it is older than the catalog, or send its vectors. Raises Stopped.

    This does not hold the writer lock, because the snapshot of a large library takes minutes.
    """
    if parts.vectors:
        following.send(parts, stop)
        return
    record = parts.catalog.encoders.active()
    if record is None:
        return
    try:
        with locks.snapshot_lock(parts.folder):
            index_files.save_if_stale(parts.catalog, record, lambda: stop is not None and stop.asked)
    except LibraryBusy:
        return  # another process is writing it
    except OSError as error:
        log.info(f"The snapshot of the vector index was not written: {error.strerror or error}.")
