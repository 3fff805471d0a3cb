"""The façade: one opened library, and every operation of command line, page and Python on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from ..config import Settings, load
from ..data.catalog import facets as counting
from ..data.catalog import own_data
from ..data.catalog.catalog import Catalog
from ..data.catalog.records import EncoderRecord, PhotoRecord, RootRecord
from ..data.check.check import Report as CheckReport
from ..data.pictures.thumbnails import Thumbnails
from ..encoders.base import Encoder
from ..indexer.run.report import Report, Tally
from ..indexer.run.stop import Stop
from ..indexer.watch.service import Timing
from ..progress import Progress, silent
from ..search.answer import Answer, Result, View
from ..search.engine import Engine
from ..search.query.filters import FilterValues
from ..search.query.sent import SentPicture
from . import checking, encoders, photos, roots, runs, searches, status, watching, writing
from .parts import CATALOG, AnyPath, Parts, folder_of


class Library:
    """A directory with the catalog, thumbnails and lock of one index. Photo folders are only ever read.

    Use `Library.open`, in a `with` statement or with `close()` at the end.
    """

    def __init__(self, folder: Path, settings: Settings, catalog: Catalog, encoder: Encoder | None = None) -> None:
        self._parts = Parts(folder, settings, catalog, encoder)

    @classmethod
    def open(
        cls,
        folder: AnyPath | None = None,
        *,
        settings: Settings | None = None,
        create: bool = True,
        encoder: Encoder | None = None,
    ) -> Self:
        """Open the library in `folder` (default: the settings'), making an empty one if there is none.

        With `create=False` nothing is made or migrated. `encoder` is an encoder of your own, registered or not: a new
        library is indexed with it; a library of another encoder keeps answering with that one until
        `reencode(encoder.name)`. It has to be passed at every opening. Raises LibraryMissing, LibraryError.
        """
        settings = settings or load()
        place = folder_of(folder, settings)
        own_data.require_catalog(place / CATALOG)
        return cls(place, settings, Catalog(place / CATALOG, create=create), encoder)

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The directory of the library."""
        return self._parts.folder

    @property
    def settings(self) -> Settings:
        """The settings it was opened with."""
        return self._parts.settings

    @property
    def catalog(self) -> Catalog:
        """The catalog, for tests and measurements; command line and page use the methods below."""
        return self._parts.catalog

    @property
    def thumbnails(self) -> Thumbnails:
        """The small copies of the photos."""
        return self._parts.thumbnails

    # --- indexing -------------------------------------------------------------------------------

    def index(
        self,
        folders: Sequence[AnyPath],
        *,
        encoder: str | None = None,
        confirmed: bool = False,
        progress: Progress = silent,
        stop: Stop | None = None,
    ) -> Report:
        """Make the library equal to `folders` on disk: each becomes a root, or is rescanned.

        `encoder` names the encoder of a new library; an existing one keeps its own. A run that would remove most of a
        root removes nothing there unless `confirmed`: the report names these photos as a doubt.

        Raises FolderError, LibraryBusy, UsageError if `encoder` is not the library's, Stopped if `stop` was asked to,
        and what `registry.create` raises.
        """
        return runs.index(self._parts, folders, encoder, confirmed=confirmed, progress=progress, stop=stop)

    def rescan(
        self,
        root_id: int | None = None,
        *,
        failed: bool = False,
        progress: Progress = silent,
        stop: Stop | None = None,
    ) -> Report:
        """Make the library equal to one root on disk, or to all; roots that are offline, or seem to have lost most of
        their photos, keep them.

        With `failed`, the files that could not be read are tried again, whatever root they are in; only those roots are
        compared. Raises RootNotFound, LibraryBusy, LibraryMissing, Stopped.
        """
        return runs.rescan(self._parts, root_id, failed=failed, progress=progress, stop=stop)

    def reencode(self, encoder: str, *, progress: Progress = silent, stop: Stop | None = None) -> Tally:
        """Encode every photo with another encoder, then switch to it.

        Until then the old vectors answer; they are kept, so that switching back encodes nothing. After a stop, the next
        call resumes. Raises FolderError if a root is offline, LibraryBusy, EncoderError, Stopped.
        """
        return runs.reencode(self._parts, encoder, progress=progress, stop=stop)

    def watch(
        self,
        *,
        stop: Stop,
        timing: Timing | None = None,
        progress: Progress = silent,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        """Keep the library equal to all its roots until `stop` is asked to.

        The writer lock is held only while something is written, so other commands work meanwhile. Raises LibraryBusy
        if another process watches already, LibraryMissing if there is nothing to watch.
        """
        watching.watch(self._parts, stop=stop, timing=timing or Timing(), progress=progress, on_report=on_report)

    def forget(self, folder: AnyPath) -> int:
        """Drop a root, its photos, vectors and thumbnails; the files stay. Returns the number of photos dropped.

        A folder below a root can be dropped too, if it is no longer there: a disk that will not come back. Marks of
        favourites are kept, for when the photos return.
        """
        return roots.forget(self._parts, folder)

    def would_forget(self, folder: AnyPath) -> roots.Forgettable:
        """What `forget` would drop. Raises UsageError if it is no folder of this library."""
        return roots.would_forget(self._parts, folder)

    def excluded(self) -> list[str]:
        """The library's own exclusion patterns, in gitignore's syntax; the usual ones (`exclude.DEFAULTS`) go first."""
        return self.catalog.settings.excluded()

    def exclude(self, patterns: Sequence[str]) -> None:
        """Replace the library's exclusion patterns; the next index run or rescan applies them. Raises UsageError.

        A root that a scan of another root now reaches becomes part of that root, so that no photo is indexed twice.
        """
        roots.exclude(self._parts, patterns)

    # --- searching ------------------------------------------------------------------------------

    def search(
        self,
        text: str,
        count: int = 20,
        *,
        filters: FilterValues | None = None,
        plain: bool = False,
        files: bool = True,
        cursor: str | None = None,
        sort: str = "relevance",
        collapse: bool = True,
        only_relevant: bool = False,
        picture: SentPicture | None = None,
    ) -> Answer:
        """Find the photos that show `text`, in any of the nine languages: see `search.parse` for sums and filters.

        `filters` are filters by name (`{"after": "2024-05", "camera": "X100V"}`), added to those in the text; with
        filters or a `picture` the text may be empty. `plain` reads the text without its syntax. `files=False` refuses
        pictures by path or address: use it for texts from other people. `picture` is combined with the text.
        `search.answer.View` describes the other arguments. Raises QueryError, UsageError, PictureError, PhotoNotFound.
        """
        view = View(count, cursor, sort, collapse, only_relevant)
        return searches.search(
            self._parts, text, view, filters=filters or {}, plain=plain, files=files, picture=picture
        )

    def similar(self, picture: int | AnyPath, count: int = 20, *, collapse: bool = False) -> Answer:
        """Find the photos like a photo of the library (its id) or like a picture file (or address, where allowed)."""
        return searches.similar(self._parts, picture, View(count, collapse=collapse))

    def mark(self, photo_ids: Sequence[int], *, favourite: bool = True) -> list[int]:
        """Mark photos as favourites (`is:favourite` finds them), or unmark them; return their ids and those of copies.

        A favourite is a content: copies with the same bytes are marked too. Raises PhotoNotFound, LibraryBusy.
        """
        return photos.mark(self._parts, photo_ids, favourite=favourite)

    def favourites_among(self, photo_ids: Sequence[int]) -> set[int]:
        """Those of a few photos that are favourites."""
        return self.catalog.favourites.among(photo_ids)

    def root(self, root_id: int) -> RootRecord:
        """The root with this id. Raises RootNotFound."""
        return roots.root(self._parts, root_id)

    def alike(self, photo_id: int) -> list[Result]:
        """The near-duplicates that a search shows as one result with this photo, itself first. Raises PhotoNotFound."""
        return searches.alike(self._parts, photo_id)

    def photo(self, photo_id: int) -> PhotoRecord:
        """The photo with this id. Raises PhotoNotFound."""
        return photos.photo(self._parts, photo_id)

    def thumbnail(self, photo_id: int) -> Path:
        """Path of the photo's thumbnail (JPEG), made again if it was lost.

        Raises PhotoNotFound, PictureError if it cannot be made or may not be read, DiskFull if there is no space.
        """
        return photos.thumbnail(self._parts, photo_id)

    def place_of(self, photo: PhotoRecord) -> tuple[bytes, bytes]:
        """(root, path relative to it) of a photo, absolute and as exact bytes. Raises PictureError."""
        return photos.place_of(self._parts, photo)

    # --- what it holds ----------------------------------------------------------------------------

    def status(self) -> status.Status:
        """What the library holds."""
        return status.status(self._parts)

    def generation(self) -> int:
        """A number that grows with every change of the library."""
        return self.catalog.generation()

    def active_encoder(self) -> EncoderRecord | None:
        """The record of the encoder whose vectors answer; None if nothing was indexed. Nothing is loaded."""
        return self.catalog.encoders.active()

    def is_being_written(self) -> bool:
        """Whether any process, this one included, writes to the library now."""
        return writing.is_being_written(self._parts)

    def wait_until_writable(self) -> None:
        """Wait up to 2 seconds while any process, this one included, writes. Raises LibraryBusy if it goes on."""
        writing.wait_until_writable(self._parts)

    def facets(self) -> counting.Facets:
        """What there is to filter by; counted at each call, some tenths of a second for 100,000 photos."""
        return self.catalog.facets.count()

    def duplicates(self, after: int = 0, count: int = 20) -> list[list[PhotoRecord]]:
        """Up to `count` groups of photos with equal bytes whose first photo's id is above `after`, in its order."""
        return self.catalog.copies.page(after, count)

    def failures(self, after: int = 0, count: int = 20) -> tuple[list[PhotoRecord], int]:
        """(up to `count` files that could not be read, with ids above `after`; the number of all such files)."""
        return self.catalog.failures.page(after, count)

    def check(self, *, repair: bool = False, deep: bool = False, progress: Progress = silent) -> CheckReport:
        """Check the library's files, or repair them: see `polyglance.library.check`."""
        self.catalog.close()  # connections come back when they are needed
        return checking.check(self.folder, settings=self.settings, repair=repair, deep=deep, progress=progress)

    # --- wiring ---------------------------------------------------------------------------------

    def encoder(self) -> Encoder:
        """The encoder that this library's vectors were made with.

        Raises LibraryError if nothing was indexed, EncoderError if its fingerprint has changed.
        """
        return encoders.load_active(self._parts)

    def engine(self) -> Engine:
        """The search engine over the active encoder's vectors."""
        return searches.engine(self._parts)
