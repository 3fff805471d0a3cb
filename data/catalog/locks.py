"""The locks of a library. The operating system frees a lock when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import filelock

from ...errors import LibraryBusy, LibraryError

PATIENCE_SECONDS = 2.0
"""How long a lock is waited for. A watcher holds the writer lock for an instant now and then, and a process that only
asks whether a lock is free holds it for a moment."""

FILES_SECONDS = 60.0

WRITTEN = "is being written to"
WATCHED = "is being watched"


def writer_lock(folder: Path, *, leaves_traces: bool = False) -> AbstractContextManager[bool]:
    """Hold the library's writer lock.

    Gives whether the last holder was killed: then it may have left files behind. `leaves_traces` tells the next holder
    so too. Raises LibraryBusy, naming the process that holds it.
    """
    return _hold(folder, "writer", WRITTEN, leaves_traces=leaves_traces)


def watcher_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold the lock of the one process that watches the library's roots. Raises LibraryBusy, naming the holder."""
    return _hold(folder, "watch", WATCHED)


def snapshot_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold the lock of the one process that writes snapshots of the index. Raises LibraryBusy, naming the holder."""
    return _hold(folder, "snapshot", "is having its index written")


def vectors_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold the lock of the one process that sends vectors to an engine, or raise LibraryBusy at once."""
    return _hold(folder, "vectors", "is having its vectors sent", patience=0)


def busy(folder: Path, state: str, holder: str) -> LibraryBusy:
    """The error that `holder` has a lock; `state` says what the library is meanwhile."""
    error = LibraryBusy(f"The library {folder} {state} by {holder}.", "Wait until it is done, or stop it.")
    return error.with_code("library_written")


def root_busy(root: str, holder: str) -> LibraryBusy:
    """The error that `holder` indexes a root."""
    error = LibraryBusy(f"The folder {root} is being indexed by {holder}.", "Wait until it is done, or stop it.")
    return error.with_code("library_written")


@contextlib.contextmanager
def files_lock(folder: Path) -> Iterator[None]:
    """Hold, for a moment, what changes a file that several processes may write. Raises LibraryBusy."""
    with _hold(folder, "files", "is having a file written", patience=FILES_SECONDS):
        yield


@contextlib.contextmanager
def trace(folder: Path) -> Iterator[None]:
    """Leave a file while a run shares the library with others: one that stays tells that the run was killed."""
    path = folder / f"run-{socket.gethostname()}-{os.getpid()}.txt"
    with contextlib.suppress(OSError):
        path.touch()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def traces(folder: Path) -> list[Path]:
    """The files of runs that share the library, or were killed."""
    return sorted(folder.glob("run-*.txt"))


def is_watched(folder: Path) -> bool:
    """Whether a process holds the watcher lock at this moment; False in a library that we may only read."""
    return _is_held(folder, "watch", unknown=False)


def is_being_indexed(folder: Path) -> bool:
    """Whether a process writes a snapshot of the index at this moment; True in a library that we may only read."""
    return _is_held(folder, "snapshot", unknown=True)


def is_being_written(folder: Path) -> bool:
    """Whether a process holds the writer lock at this moment; True in a library that we may only read."""
    return _is_held(folder, "writer", unknown=True)


def _is_held(folder: Path, name: str, *, unknown: bool) -> bool:
    lock = filelock.FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    except OSError:
        return unknown
    lock.release()
    return False


@contextlib.contextmanager
def _hold(
    folder: Path, name: str, state: str, *, leaves_traces: bool = False, patience: float | None = None
) -> Iterator[bool]:
    lock = filelock.FileLock(folder / f"{name}.lock")
    holder = folder / f"{name}.txt"
    try:
        lock.acquire(timeout=PATIENCE_SECONDS if patience is None else patience)
    except filelock.Timeout:
        raise busy(folder, state, _read_text(holder) or "another process") from None
    except OSError as error:
        raise LibraryError(
            f"The library {folder} cannot be written to: {error.strerror or error}.",
            "Is its disk or folder read-only, or another user's?",
        ) from error
    was_killed = holder.exists()
    try:
        with contextlib.suppress(OSError):  # on a full disk nobody is told who, and what frees space can go on
            holder.write_text(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield was_killed
    finally:
        if not (was_killed and leaves_traces):
            holder.unlink(missing_ok=True)
        lock.release()


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
