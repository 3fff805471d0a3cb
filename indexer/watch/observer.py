"""Events of the file system -> dirty folders. An event is only a hint: it may be lost, late, or wrong."""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.utils import BaseThread

from ...data import paths
from ...data.pictures.images import EXTENSIONS
from ..disk.exclude import Exclusion
from ..disk.scan import identity

OnDirty = Callable[[bytes, bool], None]
"""Called with a folder, relative to the root, and whether the folders in it are dirty too; from any thread."""

# Linux reports the end of writing. Modification events would report every single write, and overflow the queue.
_WRITTEN: list[type[FileSystemEvent]] = [FileClosedEvent] if sys.platform == "linux" else [FileModifiedEvent]
_FOLDER_EVENTS: list[type[FileSystemEvent]] = [DirCreatedEvent, DirMovedEvent, DirDeletedEvent]
_EVENTS = [*_WRITTEN, *_FOLDER_EVENTS, FileCreatedEvent, FileMovedEvent, FileDeletedEvent]

JOIN_SECONDS = 2.0

# watchdog warns, in a thread of its own, about a folder that moved while its watch was set up. Nobody can act on it.
warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)


class WatchRefused(Exception):
    """The system does not report changes of a folder; `errno` is the reason (0 if unknown)."""

    def __init__(self, errno: int, reason: str) -> None:
        super().__init__(reason)
        self.errno = errno


class RootWatch:
    """A running watchdog observer over one root. Raises WatchRefused if the system does not allow it."""

    def __init__(self, root: bytes, exclusion: Exclusion, on_dirty: OnDirty) -> None:
        self._root = root
        threads_before, descriptors_before = set(threading.enumerate()), _inotify_descriptors()
        try:
            self._identity = identity(root)
            self._observer = Observer()
            self._observer.schedule(
                _Handler(root, exclusion, on_dirty), os.fsdecode(root), recursive=True, event_filter=_EVENTS
            )
            self._observer.start()
        except OSError as error:
            self._end(set(threading.enumerate()) - threads_before)
            raise WatchRefused(error.errno or 0, error.strerror or str(error)) from error
        new_threads = set(threading.enumerate()) - threads_before
        self._threads = [thread for thread in new_threads if isinstance(thread, BaseThread)]
        self._descriptors = _inotify_descriptors() - descriptors_before

    @property
    def is_alive(self) -> bool:
        """Whether all its threads run, and the path still leads to the folder that it was started on."""
        try:
            is_same = identity(self._root) == self._identity
        except OSError:
            return False
        return is_same and all(thread.is_alive() for thread in self._threads)

    @property
    def watched(self) -> int | None:
        """How many folders the kernel watches for it; None on systems without inotify."""
        if not self._descriptors:
            return None
        return sum(_count_watches(descriptor) for descriptor in self._descriptors)

    def stop(self) -> None:
        """Stop its threads, also if some have ended already."""
        self._end(set(self._threads))

    def _end(self, threads: set[threading.Thread]) -> None:
        for thread in threads:
            if isinstance(thread, BaseThread):
                thread.stop()
        for thread in threads:
            if isinstance(thread, BaseThread) and thread.is_alive():
                thread.join(JOIN_SECONDS)


class Troubles(logging.Handler):
    """Calls `on_trouble` for each warning of watchdog, such as an overflow of the queue, and does not print it."""

    def __init__(self, on_trouble: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._on_trouble = on_trouble
        self._logger = logging.getLogger("watchdog")

    def __enter__(self) -> Troubles:
        self._logger.addHandler(self)
        self._was_propagating = self._logger.propagate
        self._logger.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = self._was_propagating

    def emit(self, record: logging.LogRecord) -> None:
        """Report a warning: events may have been lost."""
        self._on_trouble()


class _Handler(FileSystemEventHandler):
    """Marks folders as dirty. It never raises: an exception would end watchdog's thread."""

    def __init__(self, root: bytes, exclusion: Exclusion, on_dirty: OnDirty) -> None:
        self._root = root
        self._exclusion = exclusion
        self._on_dirty = on_dirty

    def on_any_event(self, event: FileSystemEvent) -> None:
        try:
            for name in (event.src_path, event.dest_path):
                if name:
                    self._mark(os.fsencode(name), folder=event.is_directory)
        except Exception:  # noqa: BLE001 - comparing the whole root is right after any error
            self._on_dirty(b"", True)

    def _mark(self, path: bytes, *, folder: bool) -> None:
        if not paths.is_within(path, self._root):
            return
        relative = paths.relative_to(path, self._root)
        if folder:
            if self._exclusion.reaches(relative, folder=True):
                self._on_dirty(relative, True)
        elif os.path.splitext(relative)[1].lower() in EXTENSIONS and self._exclusion.reaches(relative, folder=False):
            self._on_dirty(os.path.dirname(relative), False)


def _inotify_descriptors() -> set[str]:
    """Return the numbers of this process's inotify descriptors; empty on other systems than Linux."""
    try:
        numbers = os.listdir("/proc/self/fd")
    except OSError:
        return set()
    return {number for number in numbers if _is_inotify(number)}


def _is_inotify(number: str) -> bool:
    try:
        return "inotify" in os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return False


def _count_watches(number: str) -> int:
    try:
        with open(f"/proc/self/fdinfo/{number}") as info:
            return sum(line.startswith("inotify") for line in info)
    except OSError:
        return 0
