"""The catalog of a library: the only source of truth, opened once, with one attribute for each subject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Self

from . import locks, opening, own_data
from .browsing import Browsing
from .changes import Changes
from .copies import Copies
from .encoders import Encoders
from .facets import FacetCounts
from .failures import Failures
from .favourites import Favourites
from .labels import Labels
from .maps import PhotoMap
from .photos import Photos
from .roots import Roots
from .run_locks import RunLocks
from .selection import Selection
from .settings import LibrarySettings
from .timeline import Timeline
from .vectors import Vectors
from .words import Words


class Catalog:
    """The database of one library; safe to use from several threads."""

    def __init__(self, path: Path, url: str = "", *, create: bool = False) -> None:
        """Open the catalog at `path`, or in the database at `url`; `create` creates or upgrades it first.

        Raises LibraryMissing, LibraryError.
        """
        self.folder = path.parent
        database = self.database = self._database = opening.open_database(path, url, create=create)
        self.settings = LibrarySettings(database)
        self.encoders = Encoders(database, self.settings)
        self.roots = Roots(database)
        self.photos = Photos(database)
        self.vectors = Vectors(database, self.settings)
        self.words = Words(database)
        self.favourites = Favourites(database)
        self.failures = Failures(database)
        self.selection = Selection(database)
        self.timeline = Timeline(database)
        self.maps = PhotoMap(database)
        self.facets = FacetCounts(database, self.settings)
        self.labels = Labels(database)
        self.browsing = Browsing(database)
        self.copies = Copies(database)
        self.changes = Changes(database, self.roots, self.photos)
        self.run_locks = RunLocks(database)

    def close(self) -> None:
        """Close all connections; they come back when they are needed."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- locks of the library, which processes on other machines see too if the catalog is in a database elsewhere ---

    @contextmanager
    def writer_lock(self) -> Iterator[bool]:
        """Hold the writer lock; gives what `locks.writer_lock` does. Raises LibraryBusy, naming the holder."""
        with locks.writer_lock(self.folder) as after_a_kill, self._database.locked("writer", locks.WRITTEN):
            yield after_a_kill

    @contextmanager
    def watcher_lock(self) -> Iterator[None]:
        """Hold the lock of the one process that watches the library's roots. Raises LibraryBusy, naming the holder."""
        with locks.watcher_lock(self.folder), self._database.locked("watch", locks.WATCHED):
            yield

    @property
    def is_shared(self) -> bool:
        """Whether several processes, each with roots of its own, may index at a time."""
        return bool(self._database.url)

    def is_being_written(self, *, exclusively: bool = False) -> bool:
        """Whether any process holds the writer lock, or holds it `exclusively`; True if we may only read."""
        holder = self._database.lock_holder("writer", exclusively=exclusively)
        return locks.is_being_written(self.folder) or holder is not None

    def files_lock(self) -> AbstractContextManager[None]:
        """Hold what changes a file of the library's folder, if several processes may."""
        return locks.files_lock(self.folder) if self.is_shared else nullcontext()

    def back_up_own_data(self) -> None:
        """Copy own data to the library's folder if it has changed; for the writer."""
        if self.is_shared:
            with self.files_lock():
                own_data.back_up_database(self._database)
        else:
            own_data.back_up(self._database.path)

    def generation(self) -> int:
        """How many changes were committed since the library was created."""
        return self.settings.generation()

    def newest_generation(self) -> int:
        """The generation that was committed last, also while this thread reads in `read_snapshot`."""
        return self.settings.newest_generation()

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Inside, all that this thread reads is of one moment and comes by one connection, which is quicker."""
        return self._database.read_snapshot()
