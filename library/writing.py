"""The writer lock: one process at a time writes to a library, and in it one run, with short writes in between."""

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
        if after_a_kill:
            parts.thumbnails.sweep(parts.catalog.photos.contents())
        parts.is_writing = True
        try:
            yield
        finally:
            with parts.guests:
                parts.is_writing = False
                back_up_own_data(parts)


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
    with writing(parts):
        yield


def back_up_own_data(parts: Parts) -> None:
    """Copy folders, exclusions and favourites if they have changed; for who holds the writer lock."""
    parts.catalog.back_up_own_data()


def is_being_written(parts: Parts) -> bool:
    """Whether any process, this one included, writes to the library now."""
    return parts.catalog.is_being_written()


def wait_until_writable(parts: Parts) -> None:
    """Wait for a moment while a process writes. Raises LibraryBusy if it does not end in that time."""
    end = time.monotonic() + locks.PATIENCE_SECONDS
    while is_being_written(parts):
        if time.monotonic() >= end:
            error = LibraryBusy("Another process is writing to the library.", "Wait until it is done, or stop it.")
            raise error.with_code("library_written")
        time.sleep(0.05)
