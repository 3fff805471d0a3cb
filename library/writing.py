"""The writer lock: one process at a time writes to a library, and in it one run, with short writes in between.

If other machines see the catalog, several processes index at a time, each its own roots.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..data.catalog import locks
from ..errors import LibraryBusy
from .following import following
from .parts import Parts


@contextmanager
def writing(parts: Parts) -> Iterator[None]:
    """Hold the writer lock. Remove what a killed writer left; back up own data at the end. Raises LibraryBusy."""
    with following(parts), parts.catalog.writer_lock() as after_a_kill:
        _sweep(parts, after_a_kill=after_a_kill)
        with _as_the_writer(parts):
            yield


@contextmanager
def indexing(parts: Parts) -> Iterator[None]:
    """The same for a run that changes its own roots only, which it has to hold by `catalog.run_locks`.

    If other machines see the catalog, others may index other roots meanwhile.
    """
    if not parts.catalog.is_shared:
        with writing(parts):
            yield
        return
    with following(parts), parts.catalog.run_locks.sharing():
        with parts.catalog.run_locks.alone() as is_alone:
            if is_alone:
                _sweep(parts, after_a_kill=False)
        with locks.trace(parts.folder), _as_the_writer(parts):
            yield


@contextmanager
def short_write(parts: Parts) -> Iterator[None]:
    """Hold the writer lock for a moment; while a run of this process holds it, share it. Raises LibraryBusy.

    The run releases the lock only after the short write has ended.
    """
    with parts.guests:
        if parts.is_writing:
            yield
            back_up_own_data(parts)
            return
    with indexing(parts):
        yield


@contextmanager
def _as_the_writer(parts: Parts) -> Iterator[None]:
    parts.is_writing = True
    try:
        yield
    finally:
        with parts.guests:
            parts.is_writing = False
            back_up_own_data(parts)


def _sweep(parts: Parts, *, after_a_kill: bool) -> None:
    """Remove what killed writers left; for who writes alone."""
    traces = locks.traces(parts.folder)
    if after_a_kill or traces:
        parts.thumbnails.sweep(parts.catalog.photos.contents())
    for trace in traces:
        trace.unlink(missing_ok=True)


def back_up_own_data(parts: Parts) -> None:
    """Copy folders, exclusions and favourites if they have changed; for who holds the writer lock."""
    parts.catalog.back_up_own_data()


def is_being_written(parts: Parts) -> bool:
    """Whether any process, this one included, writes to the library now."""
    return parts.catalog.is_being_written()


def wait_until_writable(parts: Parts) -> None:
    """Wait for a moment while a process has the whole library. Raises LibraryBusy if it does not end in that time."""
    end = time.monotonic() + locks.PATIENCE_SECONDS
    while parts.catalog.is_being_written(exclusively=True):
        if time.monotonic() >= end:
            error = LibraryBusy("Another process is writing to the library.", "Wait until it is done, or stop it.")
            raise error.with_code("library_written")
        time.sleep(0.05)
