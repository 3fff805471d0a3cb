"""The catalog of a library: the only source of truth, opened once, with one attribute for each subject."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from . import opening
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
        database = self._database = opening.open_database(path, url, create=create)
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

    def close(self) -> None:
        """Close all connections; they come back when they are needed."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def generation(self) -> int:
        """How many changes were committed since the library was created."""
        return self.settings.generation()

    def newest_generation(self) -> int:
        """The generation that was committed last, also while this thread reads in `read_snapshot`."""
        return self.settings.newest_generation()

    def read_snapshot(self) -> AbstractContextManager[None]:
        """Inside, all that this thread reads is of one moment and comes by one connection, which is quicker."""
        return self._database.read_snapshot()
