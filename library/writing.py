"""Who writes to a library: one process at a time, and within it one run, which lets short writes in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..data.catalog import locks
from ..errors import LibraryBusy
from .parts import Parts


@contextmanager
def writing(parts: Parts) -> Iterator[None]:
    """Hold the writer lock, and first remove what a killed writer left. Raises LibraryBusy."""
    with locks.writer_lock(parts.folder) as after_a_kill:
        if after_a_kill:
            parts.thumbnails.sweep(parts.catalog.photos.contents())
        parts.is_writing = True
        try:
            yield
        finally:
            with parts.guests:
                parts.is_writing = False


@contextmanager
def short_write(parts: Parts) -> Iterator[None]:
    """Hold the writer lock for a moment; while a run of this process holds it, share it. Raises LibraryBusy.

    The run releases the lock only after the short write has ended.
    """
    with parts.guests:
        if parts.is_writing:
            yield
            return
    with writing(parts):
        yield


def is_being_written(parts: Parts) -> bool:
    """Whether any process, this one included, writes to the library now."""
    return locks.is_being_written(parts.folder)


def wait_until_writable(parts: Parts) -> None:
    """Wait for a moment while a process writes. Raises LibraryBusy if it does not end in that time."""
    end = time.monotonic() + locks.PATIENCE_SECONDS
    while is_being_written(parts):
        if time.monotonic() >= end:
            raise LibraryBusy("Another process is writing to the library.", "Wait until it is done, or stop it.")
        time.sleep(0.05)
