"""One opened library: the composition root, where catalog, encoder, indexer and search are wired together."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from .config import Settings, load
from .data import paths, watch_state
from .data.catalog import database
from .data.catalog.catalog import Catalog
from .data.catalog.records import EncoderRecord, PhotoRecord, RootRecord
from .data.check import check as checking
from .data.pictures import decoding
from .data.pictures.thumbnails import Thumbnails
from .data.vectors import index_files
from .data.vectors.index import VectorIndex
from .data.watch_state import WatchState
from .encoders import registry
from .encoders.base import Encoder
from .errors import (
    DiskFull,
    EncoderError,
    EncoderUnavailable,
    LibraryBusy,
    LibraryMissing,
    PhotoNotFound,
    PictureError,
    RootNotFound,
    Stopped,
    UnknownEncoder,
    UsageError,
)
from .indexer.disk import health
from .indexer.disk.exclude import Exclusion
from .indexer.disk.mounts import mounts
from .indexer.run.pipeline import Pipeline, Tally, Tick
from .indexer.run.places import check_folders, covers, outermost, refuse_library
from .indexer.run.reencode import encode_missing
from .indexer.run.stop import Stop
from .indexer.run.update import Place, Report, update
from .indexer.watch.service import Host, Service, Timing
from .search.engine import Answer, Engine, Result, View
from .search.query import filters as filter_texts
from .search.query import pictures
from .search.query.filters import Given
from .search.query.parse import Query, is_url, parse, with_filters
from .search.query.sent import Sent

CATALOG = "catalog.db"

_T = TypeVar("_T")

log = logging.getLogger("polyglance")

Path_ = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Progress = Callable[[Tick], None]
CheckProgress = Callable[[int, int], None]


def _silent(_: Tick) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds, as `polyglance status` tells it."""

    folder: Path
    roots: list[tuple[RootRecord, str]]
    """Each root with its state: "online", "offline" or "partly offline"."""
    failures: list[PhotoRecord]
    encoder: EncoderRecord | None
    index: str
    """How its vectors are searched: "exact", or "clustered" in a large library."""
    generation: int
    watch: WatchState | None
    """None if no process watches the library."""

    @property
    def photos(self) -> int:
        """Photos that can be found."""
        return sum(root.photos for root, _ in self.roots)


@dataclass(frozen=True, slots=True)
class Forgettable:
    """What dropping a folder takes out of a library: `favourites` of the `photos`, whose marks are kept."""

    photos: int
    failed: int
    favourites: int


class Library:
    """A directory with the catalog, thumbnails and lock of one index. Photo folders are only ever read.

    Use `Library.open`, in a `with` statement or with `close()` at the end.
    """

    def __init__(self, folder: Path, settings: Settings, catalog: Catalog, encoder: Encoder | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.catalog = catalog
        self.thumbnails = Thumbnails(folder / "thumbnails", settings.thumbnail_side)
        self._own_encoder = encoder
        self._encoders: dict[int, Encoder] = {}
        self._engines: dict[int, Engine] = {}
        self._lock = threading.RLock()
        self._guests = threading.Lock()
        self._is_writing = False

    @classmethod
    def open(
        cls,
        folder: Path_ | None = None,
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
        place = Path(os.fsdecode(paths.absolute(folder))) if folder is not None else settings.library
        return cls(place, settings, Catalog(place / CATALOG, create=create), encoder)

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- indexing -------------------------------------------------------------------------------

    def index(
        self,
        folders: Sequence[Path_],
        *,
        encoder: str | None = None,
        confirmed: bool = False,
        progress: Progress = _silent,
        stop: Stop | None = None,
    ) -> Report:
        """Make the library equal to `folders` on disk: each becomes a root, or is rescanned.

        `encoder` names the encoder of a new library; an existing one keeps its own. What would remove most of a root is
        left to be `confirmed`: the report names it as a doubt. Raises FolderError, LibraryBusy, UsageError if `encoder`
        is not the library's, Stopped if `stop` was asked to, and what `registry.create` raises.
        """
        exclusion = self._exclusion()
        wanted = outermost(check_folders(folders), exclusion)
        refuse_library(wanted, os.fsencode(self.folder))
        with self._writing():
            record = self._active_or_new(encoder)
            pipeline = self._pipeline(self._encoder_of(record), record, stop)
            places = [self._place(folder, exclusion) for folder in wanted]
            report = update(pipeline, places, progress, exclusion=exclusion, confirmed=confirmed)
            if report.tally.stopped:
                raise Stopped
        self._save_snapshot(stop)
        return report

    def rescan(
        self,
        root_id: int | None = None,
        *,
        failed: bool = False,
        progress: Progress = _silent,
        stop: Stop | None = None,
    ) -> Report:
        """Make the library equal to one root on disk, or to all; roots that are offline, or seem to have lost most of
        their photos, keep them.

        With `failed`, the files that could not be read are tried again, whatever root they are in; only those roots are
        compared. Raises RootNotFound, LibraryBusy, LibraryMissing, Stopped.
        """
        exclusion = self._exclusion()
        with self._writing():
            record = self._active()
            wanted = set(self.catalog.retry_failures()) if failed else {root_id}
            roots = self.catalog.roots(counted=False)
            places = [Place(root) for root in roots if root.id in wanted or wanted == {None}]
            if root_id is not None:
                self.root(root_id)
            pipeline = self._pipeline(self._encoder_of(record), record, stop)
            report = update(pipeline, places, progress, exclusion=exclusion, strict=False)
            if report.tally.stopped:
                raise Stopped
        self._save_snapshot(stop)
        return report

    def reencode(self, encoder: str, *, progress: Progress = _silent, stop: Stop | None = None) -> Tally:
        """Encode every photo with another encoder, beside the vectors there are, then switch to it.

        The old vectors keep answering meanwhile and stay, so that switching back costs nothing. A stopped run
        resumes. Returns what was done. Raises FolderError if a root is offline, LibraryBusy, EncoderError, Stopped.
        """
        with self._writing():
            made = self._create(encoder, self.settings)
            record = self._register(made)
            tally = encode_missing(self._pipeline(made, record, stop), progress)
            self.catalog.activate(record.id)
        self._save_snapshot(stop)
        return tally

    def watch(
        self,
        *,
        stop: Stop,
        timing: Timing | None = None,
        progress: Progress = _silent,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        """Keep the library equal to all its roots until `stop` is asked to.

        The writer lock is held only while something is written, so other commands work meanwhile. Raises LibraryBusy
        if another process watches already, LibraryMissing if there is nothing to watch.
        """
        self._active()
        with database.watcher_lock(self.folder):
            host = Host(
                roots=lambda: self.catalog.roots(counted=False),
                some_paths=self.catalog.some_paths,
                exclusion=self._exclusion,
                update=lambda places, missed: self._update(places, missed, progress, stop),
                publish=lambda coverages: watch_state.publish(self.folder, coverages),
                report=on_report,
            )
            Service(host, timing or Timing(), stop).run()

    def forget(self, folder: Path_) -> int:
        """Drop a root, its photos, vectors and thumbnails; the files stay. Returns the number of photos dropped.

        A folder below a root can be dropped too, if it is no longer there: a disk that will not come back. Marks of
        favourites are kept, for when the photos return.
        """
        with self._writing():
            before = sum(root.photos for root in self.catalog.roots())
            root, below = self._dropped(folder)
            gone = (root.id, below)
            self._making_space(partial(self._drop, *gone), gone)
            for content_hash in self._making_space(self.catalog.prune, gone):
                self.thumbnails.remove(content_hash)
            return before - sum(root.photos for root in self.catalog.roots())

    def would_forget(self, folder: Path_) -> Forgettable:
        """What `forget` would drop. Raises UsageError if it is no folder of this library."""
        root, below = self._dropped(folder)
        known = self.catalog.known(root.id, below).values()
        readable = [photo.photo_id for photo in known if not photo.failed]
        return Forgettable(len(readable), len(known) - len(readable), self.catalog.count_favourites(readable))

    def excluded(self) -> list[str]:
        """The library's own exclusion patterns, in gitignore's syntax; the usual ones (`exclude.DEFAULTS`) go first."""
        return self.catalog.excluded()

    def exclude(self, patterns: Sequence[str]) -> None:
        """Replace the library's exclusion patterns; the next index run or rescan applies them. Raises UsageError.

        A root that another one reaches by them becomes part of that one, lest its photos be found twice.
        """
        exclusion = Exclusion(patterns)
        with self._writing():
            self.catalog.exclude(patterns)
            roots = sorted(self.catalog.roots(counted=False), key=lambda root: len(root.path))
            while roots:
                outer, *others = roots
                inner = [root for root in others if covers(outer.path, root.path, exclusion)]
                if inner:
                    self.catalog.add_root(outer.path, inner)
                roots = [root for root in others if root not in inner]

    # --- searching ------------------------------------------------------------------------------

    def search(
        self,
        text: str,
        count: int = 20,
        *,
        filters: Given | None = None,
        plain: bool = False,
        files: bool = True,
        cursor: str | None = None,
        sort: str = "relevance",
        collapse: bool = True,
        only_relevant: bool = False,
        picture: Sent | None = None,
    ) -> Answer:
        """Find the photos that show `text`, in any of the nine languages: see `search.parse` for sums and filters.

        `filters` are filters by name (`{"after": "2024-05", "camera": "X100V"}`) beside those in the text, which may
        then be empty; `plain` takes the text as it is. `files=False` refuses pictures by path or address, which is
        what to use for texts from elsewhere. `picture` is added to what the text says, which may then be empty too.
        `search.engine.View` has the rest. Raises QueryError, UsageError, PictureError, PhotoNotFound.
        """
        more = filter_texts.given(filters or {})
        beside = (picture.term,) if picture else ()
        if (more and not beside) and not text.strip():
            asked = Query(())
        else:
            asked = parse(text, self.settings.max_query_chars, plain=plain, beside=beside)
        view = View(count, cursor, sort, collapse, only_relevant)
        reader = pictures.reader(self.encoder, self.settings, by_path=files, sent=picture)
        return self.engine().find(with_filters(asked, more), view, reader)

    def similar(self, picture: int | Path_, count: int = 20, *, collapse: bool = False) -> Answer:
        """Find the photos like a photo of the library (its id) or like a picture file (or address, where allowed)."""
        view = View(count, collapse=collapse)
        if isinstance(picture, int):
            return self.engine().similar_to_photo(picture, view)
        if isinstance(picture, str) and is_url(picture):
            read = pictures.from_url(picture, self.encoder().image_side, self.settings)
            return self.engine().similar_to_image(read, picture, view)
        path = paths.absolute(picture)
        read = pictures.from_file(path, self.encoder().image_side, self.settings)
        return self.engine().similar_to_image(read, paths.display(path), view)

    def mark(self, photo_ids: Sequence[int], *, favourite: bool = True) -> list[int]:
        """Make photos favourites (`is:favourite` finds them), or no longer; return the ids of all that now are so.

        A favourite is a content: copies with the same bytes are marked with it. Raises PhotoNotFound, LibraryBusy.
        """
        with self._visiting():
            for photo_id in photo_ids:
                self.photo(photo_id)
            return self.catalog.mark(photo_ids, favourite=favourite)

    def root(self, root_id: int) -> RootRecord:
        """The root with this id. Raises RootNotFound."""
        found = next((root for root in self.catalog.roots(counted=False) if root.id == root_id), None)
        if found is None:
            raise RootNotFound(f"No folder of the library has the id {root_id}.", "'polyglance status' lists them.")
        return found

    def alike(self, photo_id: int) -> list[Result]:
        """The photos that are shown as one with this one, itself first. Raises PhotoNotFound."""
        return self.engine().alike(self.photo(photo_id))

    def photo(self, photo_id: int) -> PhotoRecord:
        """The photo with this id. Raises PhotoNotFound."""
        photo = self.catalog.photo(photo_id)
        # A NUL: another file has taken its place, and the run that found so has not yet looked for it elsewhere.
        if photo is None or photo.error is not None or b"\0" in photo.path:
            raise PhotoNotFound(f"No photo has the id {photo_id}.")
        return photo

    def thumbnail(self, photo_id: int) -> Path:
        """Path of the photo's thumbnail (JPEG), made again if it was lost.

        Raises PhotoNotFound, and PictureError if it cannot be made, or may not be read.
        """
        photo = self.photo(photo_id)
        assert photo.content_hash is not None
        path = self.thumbnails.path(photo.content_hash)
        try:
            if not os.access(path, os.R_OK):
                if path.exists():
                    raise PermissionError
                self._make_thumbnail(photo)
        except PermissionError:
            raise PictureError(
                "has a small copy in the library that you may not read or make",
                f"Its owner can let you: chmod -R a+rX {self.thumbnails.folder}",
            ) from None
        return path

    def _make_thumbnail(self, photo: PhotoRecord) -> None:
        content_hash, picture = decoding.ON_DEMAND.read(
            *self.place_of(photo), _thumbnail_wish(self.settings), is_wanted=lambda found: found == photo.content_hash
        )
        if picture is None:
            raise PictureError("has changed since it was indexed", "Run 'polyglance index' again.")
        self.thumbnails.write(content_hash, picture.jpeg)

    def place_of(self, photo: PhotoRecord) -> tuple[bytes, bytes]:
        """(root, path relative to it) of a photo, absolute and as exact bytes. Raises PictureError."""
        for root in self.catalog.roots(counted=False):
            if paths.is_within(photo.path, root.path):
                return root.path, paths.relative_to(photo.path, root.path)
        raise PictureError("is no longer in a folder of the library", "Run 'polyglance index' again.")

    def status(self) -> Status:
        """What the library holds."""
        roots = self.catalog.roots()
        table = mounts()
        states = [health.state(root, table, partial(self.catalog.some_paths, root.id)) for root in roots]
        return Status(
            self.folder,
            list(zip(roots, states, strict=True)),
            self.catalog.failures(),
            encoder := self.catalog.active_encoder(),
            index_files.kind(self.catalog, encoder) if encoder else index_files.EXACT,
            self.catalog.generation(),
            watch_state.read(self.folder),
        )

    def check(
        self, *, repair: bool = False, deep: bool = False, progress: CheckProgress = lambda done, total: None
    ) -> checking.Report:
        """Prove what is promised of the library's files, or mend it: see the function `check`."""
        self.catalog.close()  # connections come back when they are needed
        return check(self.folder, settings=self.settings, repair=repair, deep=deep, progress=progress)

    # --- wiring ---------------------------------------------------------------------------------

    def encoder(self) -> Encoder:
        """The encoder that this library's vectors were made with.

        Raises LibraryError if nothing was indexed, EncoderError if the encoder here is another than it was then.
        """
        return self._encoder_of(self._active())

    def engine(self) -> Engine:
        """The search engine over the active encoder's vectors."""
        record = self._active()
        encoder = self._encoder_of(record)
        with self._lock:
            if record.id not in self._engines:
                store = VectorIndex(self.catalog, record.id, record.dimension)
                self._engines[record.id] = Engine(self.catalog, encoder, store)
            return self._engines[record.id]

    def _active(self) -> EncoderRecord:
        record = self.catalog.active_encoder()
        if record is None:
            raise LibraryMissing(
                f"Nothing was indexed in the library {self.folder}.", "Run 'polyglance index FOLDER' first."
            )
        return record

    def _active_or_new(self, wanted: str | None) -> EncoderRecord:
        record = self.catalog.active_encoder()
        if wanted is None and self._own_encoder is not None:
            wanted = self._own_encoder.name
        if record is None:
            record = self._register(self._create(wanted or self.settings.encoder, self.settings))
            self.catalog.activate(record.id)
        elif wanted not in {None, "auto", record.name}:
            raise UsageError(
                f"This library's encoder is {record.name}.",
                f"Switch it with 'polyglance reencode --encoder {wanted}', or use another --library.",
            )
        return record

    def _create(self, name: str, settings: Settings) -> Encoder:
        """The encoder called `name`; the caller's own goes before one that is registered."""
        if self._own_encoder is not None and self._own_encoder.name == name:
            return self._own_encoder
        return registry.create(registry.resolve(name, settings), settings)

    def _register(self, encoder: Encoder) -> EncoderRecord:
        fingerprint = encoder.fingerprint
        record = self.catalog.add_encoder(encoder.name, fingerprint.digest, encoder.dimension, fingerprint.dtype)
        self._encoders[record.id] = encoder
        return record

    def _encoder_of(self, record: EncoderRecord) -> Encoder:
        with self._lock:
            if record.id not in self._encoders:
                # The precision is part of the fingerprint: the one the vectors were made with, not today's default.
                settings = self.settings.model_copy(update={"precision": record.dtype})
                try:
                    encoder = self._create(record.name, settings)
                except UnknownEncoder as error:
                    raise EncoderUnavailable(
                        f"This library was indexed with the encoder {record.name}, which is not here.",
                        "Install its package, open the library with Library.open(…, encoder=…), or switch it: "
                        f"polyglance reencode --encoder {registry.EMBEDDED.name}",
                    ) from error
                if encoder.fingerprint.digest != record.fingerprint:
                    raise EncoderError(
                        f"The encoder {record.name} here is not the one this library was indexed with.",
                        f"Run 'polyglance reencode --encoder {record.name}' to bring the library up to it.",
                    )
                self._encoders[record.id] = encoder
            return self._encoders[record.id]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the writer lock, and take away first what a killed writer left."""
        with database.writer_lock(self.folder) as after_a_kill:
            if after_a_kill:
                self.thumbnails.sweep(self.catalog.contents())
            self._is_writing = True
            try:
                yield
            finally:
                with self._guests:
                    self._is_writing = False

    @contextmanager
    def _visiting(self) -> Iterator[None]:
        """Hold the writer lock for a moment; while this process indexes, within its hold, which waits for us."""
        with self._guests:
            if self._is_writing:
                yield
                return
        with self._writing():
            yield

    def _exclusion(self) -> Exclusion:
        return Exclusion(self.catalog.excluded())

    def _update(self, places: Sequence[Place], missed: Collection[int], progress: Progress, stop: Stop) -> Report:
        with self._writing():
            record = self._active()
            pipeline = self._pipeline(self._encoder_of(record), record, stop)
            places = self._still_roots(places)
            report = update(pipeline, places, progress, exclusion=self._exclusion(), strict=False, missed_before=missed)
        if any(place.is_whole for place in places) and not stop.asked:
            with suppress(Stopped):
                self._save_snapshot(stop)
        return report

    def _still_roots(self, places: Sequence[Place]) -> list[Place]:
        """Those of folders that were not forgotten before we came to write; the id of one may be another's by now."""
        roots = {(root.id, root.path): root for root in self.catalog.roots(counted=False)}
        named = [(place, roots.get((place.root.id, place.root.path))) for place in places]
        for place, root in named:
            if root is None:
                log.info("The folder %s was forgotten; it is left alone.", paths.display(place.root.path))
        return [replace(place, root=root) for place, root in named if root is not None]

    def _drop(self, root_id: int, below: bytes) -> None:
        if below:
            self.catalog.forget_below(root_id, below)
        else:
            self.catalog.forget_root(root_id)

    def _making_space(self, work: Callable[[], _T], gone: tuple[int, bytes]) -> _T:
        """Do it; where the disk is full, after removing thumbnails that only the photos in `gone` have."""
        try:
            return work()
        except DiskFull:
            self.thumbnails.sweep(self.catalog.contents(without=gone))
            return work()

    def _dropped(self, folder: Path_) -> tuple[RootRecord, bytes]:
        """The root that is dropped, or in which the folder below it is."""
        wanted = paths.absolute(folder)
        for root in self.catalog.roots(counted=False):
            if root.path == wanted:
                return root, b""
            if paths.is_within(wanted, root.path) and not os.path.lexists(wanted):
                return root, paths.relative_to(wanted, root.path)
        raise UsageError(
            f"{paths.display(wanted)} is not a folder of this library.",
            "Run 'polyglance status' to see them; what is inside one is left out with 'polyglance exclude'.",
        )

    def _save_snapshot(self, stop: Stop | None = None) -> None:
        """Write the active encoder's snapshot where it has fallen behind, for the next start to be quick.

        Not under the writer lock: a large library's takes minutes. Raises Stopped.
        """
        record = self.catalog.active_encoder()
        if record is None:
            return
        try:
            with database.snapshot_lock(self.folder):
                index_files.save_if_stale(self.catalog, record, lambda: stop is not None and stop.asked)
        except LibraryBusy:
            return  # another process is writing it
        except OSError as error:
            log.info(f"The snapshot of the vector index was not written: {error.strerror or error}.")

    def _pipeline(self, encoder: Encoder, record: EncoderRecord, stop: Stop | None) -> Pipeline:
        return Pipeline(self.catalog, encoder, record.id, self.thumbnails, self.settings, stop or Stop())

    def _place(self, folder: bytes, exclusion: Exclusion) -> Place:
        roots = self.catalog.roots(counted=False)
        for root in roots:
            if covers(root.path, folder, exclusion):
                return Place(root, paths.relative_to(folder, root.path))
        absorbed = [root for root in roots if covers(folder, root.path, exclusion)]
        return Place(self.catalog.add_root(folder, absorbed))


def _thumbnail_wish(settings: Settings) -> decoding.Wish:
    side = settings.thumbnail_side
    return decoding.wish(settings, side, pixels=False, jpeg_side=side)


def check(
    folder: Path_ | None = None,
    *,
    settings: Settings | None = None,
    repair: bool = False,
    deep: bool = False,
    progress: CheckProgress = lambda done, total: None,
) -> checking.Report:
    """Check the library in `folder` (default: the settings'), also one that is too damaged to be opened.

    `repair` mends what can be mended; `deep` reads every thumbnail and every photo that is there. `progress` is
    called with (done, total). Raises LibraryMissing, LibraryBusy if it is to repair while another process writes.
    """
    settings = settings or load()
    place = Path(os.fsdecode(paths.absolute(folder))) if folder is not None else settings.library
    thumbnails = Thumbnails(place / "thumbnails", settings.thumbnail_side)
    wish = _thumbnail_wish(settings)
    report = checking.check(checking.Plan(place / CATALOG, thumbnails, wish, repair, deep), progress)
    if repair and report.ok and any(finding.code.startswith("snapshot") for finding in report.findings):
        with Library.open(place, settings=settings, create=False) as opened, database.writer_lock(place):
            opened._save_snapshot()
    return report
