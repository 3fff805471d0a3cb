"""The façade: one opened library, and every operation of command line, page and Python on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .. import lazy
from ..progress import Progress, silent

import_later = partial(lazy.modules, __package__)

if TYPE_CHECKING:
    from .. import config
    from ..config import Settings
    from ..data.catalog import catalog as catalogs
    from ..data.catalog import facets as counting
    from ..data.catalog import own_data
    from ..data.catalog.catalog import Catalog
    from ..data.catalog.records import Cluster, DayInYear, EncoderRecord, PhotoRecord, RootRecord
    from ..data.check.check import Report as CheckReport
    from ..data.pictures.exif import Exposure
    from ..data.pictures.thumbnails import Thumbnails
    from ..encoders.base import Encoder
    from ..indexer.run.report import Report, Tally
    from ..indexer.run.stop import Stop
    from ..indexer.watch import service
    from ..indexer.watch.service import Timing
    from ..search import answer as answers
    from ..search.answer import Answer, Result
    from ..search.engine import Engine
    from ..search.query.filters import FilterValues
    from ..search.query.sent import SentPicture
    from . import (
        checking,
        encoders,
        exploring,
        facets,
        labelling,
        maps,
        pairs,
        parts,
        photos,
        pictures,
        preparing,
        roots,
        runs,
        searches,
        status,
        suggesting,
        timeline,
        watching,
        writing,
    )
    from .parts import AnyPath
else:
    config, catalogs, own_data, service, answers = import_later(
        "..config", "..data.catalog.catalog", "..data.catalog.own_data", "..indexer.watch.service", "..search.answer"
    )
    checking, encoders, parts, photos, pictures, preparing, roots = import_later(
        ".checking", ".encoders", ".parts", ".photos", ".pictures", ".preparing", ".roots"
    )
    exploring, facets, labelling, maps, suggesting = import_later(
        ".exploring", ".facets", ".labelling", ".maps", ".suggesting"
    )
    (pairs,) = import_later(".pairs")
    runs, searches, status, timeline, watching, writing = import_later(
        ".runs", ".searches", ".status", ".timeline", ".watching", ".writing"
    )


class Library:
    """A directory with the catalog, thumbnails and lock of one index. Photo folders are only ever read.

    Use `Library.open`, in a `with` statement or with `close()` at the end.

    >>> from polyglance import Library
    >>> with Library.open("library") as library:
    ...     report = library.index(["Pictures"])
    ...     answer = library.search("cat", 3)
    >>> report.tally.unchanged, len(answer)
    (6, 3)
    >>> answer[0].path.endswith("chelsea.png")
    True

    The examples below use a `library` that was opened like this, over the folder `Pictures`.
    """

    def __init__(self, folder: Path, settings: Settings, catalog: Catalog, encoder: Encoder | None = None) -> None:
        self._parts = parts.Parts(folder, settings, catalog, encoder)

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

        >>> from polyglance import Library
        >>> with Library.open("another-library") as another:
        ...     another.status().photos
        0
        """
        settings = settings or config.load()
        place = parts.folder_of(folder, settings)
        url = settings.catalog_url
        if not url:
            own_data.require_catalog(place / parts.CATALOG)
        return cls(place, settings, catalogs.Catalog(place / parts.CATALOG, url, create=create), encoder)

    def close(self) -> None:
        """Close the catalog.

        >>> library.close()
        """
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The directory of the library.

        >>> library.folder.name
        'library'
        """
        return self._parts.folder

    @property
    def settings(self) -> Settings:
        """The settings it was opened with.

        >>> library.settings.max_query_chars
        1000
        """
        return self._parts.settings

    @property
    def catalog(self) -> Catalog:
        """The catalog, for tests and measurements; command line and page use the methods below.

        >>> library.catalog.roots.all()[0].photos
        6
        """
        return self._parts.catalog

    @property
    def thumbnails(self) -> Thumbnails:
        """The small copies of the photos.

        >>> library.thumbnails.side
        384
        """
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

        >>> tally = library.index(["Pictures"]).tally
        >>> tally.added, tally.unchanged, tally.failures
        (0, 6, [])
        """
        return runs.index(self._parts, folders, encoder, confirmed=confirmed, progress=progress, stop=stop)

    def rescan(
        self,
        root_id: int | None = None,
        *,
        failed: bool = False,
        confirmed: bool = False,
        progress: Progress = silent,
        stop: Stop | None = None,
    ) -> Report:
        """Make the library equal to one root on disk, or to all; roots that are offline, or seem to have lost most of
        their photos, keep them.

        With `failed`, the files that could not be read are tried again, whatever root they are in; only those roots are
        compared. `confirmed` as for `index`. Raises RootNotFound, LibraryBusy, LibraryMissing, Stopped.

        >>> library.rescan().tally.unchanged
        6
        """
        return runs.rescan(self._parts, root_id, failed=failed, confirmed=confirmed, progress=progress, stop=stop)

    def reencode(self, encoder: str, *, progress: Progress = silent, stop: Stop | None = None) -> Tally:
        """Encode every photo with another encoder, then switch to it.

        Until then the old vectors answer; they are kept, so that switching back encodes nothing. After a stop, the next
        call resumes. Raises FolderError if a root is offline, LibraryBusy, EncoderError, Stopped.

        >>> library.reencode("lite").failures
        []
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

        >>> from threading import Thread
        >>> from polyglance.indexer.run.stop import Stop
        >>> stop = Stop()
        >>> thread = Thread(target=library.watch, kwargs={"stop": stop})
        >>> thread.start()
        >>> stop.ask()
        >>> thread.join()
        """
        watching.watch(
            self._parts, stop=stop, timing=timing or service.Timing(), progress=progress, on_report=on_report
        )

    def forget(self, folder: AnyPath) -> int:
        """Drop a root, its photos, vectors and thumbnails; the files stay. Returns the number of photos dropped.

        A folder below a root can be dropped too, if it is no longer there: a disk that will not come back. Marks of
        favourites are kept, for when the photos return.

        >>> library.forget("Pictures")
        6
        """
        return roots.forget(self._parts, folder)

    def would_forget(self, folder: AnyPath) -> roots.Forgettable:
        """What `forget` would drop. Raises UsageError if it is no folder of this library.

        >>> library.would_forget("Pictures").photos
        6
        """
        return roots.would_forget(self._parts, folder)

    def excluded(self) -> list[str]:
        """The library's own exclusion patterns, in gitignore's syntax; the usual ones (`exclude.DEFAULTS`) go first.

        >>> library.excluded()
        []
        """
        return self.catalog.settings.excluded()

    def exclude(self, patterns: Sequence[str]) -> None:
        """Replace the library's exclusion patterns; the next index run or rescan applies them. Raises UsageError.

        A root that a scan of another root now reaches becomes part of that root, so that no photo is indexed twice.

        >>> library.exclude(["*.tmp.jpg", "drafts/"])
        >>> library.excluded()
        ['*.tmp.jpg', 'drafts/']
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

        >>> library.search("火箭", 1)[0].path.endswith("rocket.jpg")
        True
        >>> len(library.search("cat", filters={"type": "jpg"}))
        1
        >>> page = library.search("cat", 4)
        >>> next_page = library.search("cat", 4, cursor=page.next)
        >>> [result.rank for result in next_page]
        [5, 6]
        """
        view = answers.View(count, cursor, sort, collapse, only_relevant)
        return searches.search(
            self._parts, text, view, filters=filters or {}, plain=plain, files=files, picture=picture
        )

    def similar(self, picture: int | AnyPath, count: int = 20, *, collapse: bool = False, burst: bool = True) -> Answer:
        """Find the photos like a photo of the library (its id) or like a picture file (or address, where allowed).

        `burst=False` leaves the near-duplicates of a photo of the library out: the burst that it belongs to.

        >>> library.similar("Pictures/rocket.jpg", 1)[0].path.endswith("rocket.jpg")
        True
        >>> rocket = library.search("rocket")[0].photo.id
        >>> rocket in [result.photo.id for result in library.similar(rocket)]
        False
        """
        return searches.similar(self._parts, picture, answers.View(count, collapse=collapse), burst=burst)

    def mark(self, photo_ids: Sequence[int], *, favourite: bool = True) -> list[int]:
        """Mark photos as favourites (`is:favourite` finds them), or unmark them; return their ids and those of copies.

        A favourite is a content: copies with the same bytes are marked too. Raises PhotoNotFound, LibraryBusy.

        >>> cat = library.search("cat")[0].photo.id
        >>> library.mark([cat]) == [cat]
        True
        >>> len(library.search("is:favourite"))
        1
        """
        return photos.mark(self._parts, photo_ids, favourite=favourite)

    def favourites_among(self, photo_ids: Sequence[int]) -> set[int]:
        """Those of a few photos that are favourites.

        >>> cat, other = [result.photo.id for result in library.search("cat", 2)]
        >>> ids = library.mark([cat])
        >>> library.favourites_among([cat, other]) == {cat}
        True
        """
        return self.catalog.favourites.among(photo_ids)

    def root(self, root_id: int) -> RootRecord:
        """The root with this id. Raises RootNotFound.

        >>> [(root, state)] = library.status().roots
        >>> library.root(root.id).path == root.path
        True
        """
        return roots.root(self._parts, root_id)

    def alike(self, photo_id: int) -> list[Result]:
        """The near-duplicates that a search shows as one result with this photo, itself first. Raises PhotoNotFound.

        >>> cat = library.search("cat")[0].photo.id
        >>> [result.photo.id == cat for result in library.alike(cat)]
        [True]
        """
        return searches.alike(self._parts, photo_id)

    def photo(self, photo_id: int) -> PhotoRecord:
        """The photo with this id. Raises PhotoNotFound.

        >>> photo = library.photo(library.search("cat")[0].photo.id)
        >>> photo.width, photo.height, photo.format
        (451, 300, 'PNG')
        """
        return photos.photo(self._parts, photo_id)

    def photos(self, photo_ids: Sequence[int]) -> dict[int, PhotoRecord]:
        """The photos with these ids, by id; ids that no photo has are left out.

        >>> cat = library.search("cat")[0].photo.id
        >>> list(library.photos([cat, 4711])) == [cat]
        True
        """
        return photos.photos(self._parts, photo_ids)

    def exposure(self, photo_id: int) -> Exposure:
        """How the photo was taken, read from its file: aperture, exposure time, ISO, focal length, flash.

        Raises PhotoNotFound, PictureError if its file is gone, has changed or cannot be read, DecodersBusy.

        >>> library.exposure(library.search("cat")[0].photo.id).iso is None
        True
        """
        return photos.exposure(self._parts, photo_id)

    def thumbnail_of(self, sent: SentPicture) -> bytes:
        """A picture that is sent, as a JPEG file of a thumbnail's size, for a browser that cannot decode its format.

        Raises PictureError.

        >>> from pathlib import Path
        >>> from polyglance.search.query.sent import SentPicture
        >>> sent = SentPicture(Path("Pictures/rocket.jpg").read_bytes(), 1.0, 100_000_000)
        >>> library.thumbnail_of(sent)[6:10]
        b'JFIF'
        """
        return pictures.thumbnail_of_sent(self._parts.settings, sent)

    def thumbnail(self, photo_id: int) -> Path:
        """Path of the photo's thumbnail (JPEG), made again if it was lost.

        Raises PhotoNotFound, PictureError if it cannot be made or may not be read, DiskFull if there is no space.

        >>> library.thumbnail(library.search("cat")[0].photo.id).suffix
        '.jpg'
        """
        return photos.thumbnail(self._parts, photo_id)

    def place_of(self, photo: PhotoRecord) -> tuple[bytes, bytes]:
        """(root, path relative to it) of a photo, absolute and as exact bytes. Raises PictureError.

        >>> root, name = library.place_of(library.search("cat")[0].photo)
        >>> name
        b'chelsea.png'
        """
        return photos.place_of(self._parts, photo)

    # --- in order of time -------------------------------------------------------------------------

    def months(self, filters: FilterValues | None = None) -> list[tuple[str | None, int]]:
        """(month as 2024-05, number of its photos that pass), the newest first; at the end None: without a date.

        Raises QueryError.

        >>> library.months()
        [(None, 6)]
        """
        return timeline.months(self._parts, filters or {})

    def month(
        self, month: str, offset: int = 0, count: int = 1000, *, filters: FilterValues | None = None
    ) -> list[PhotoRecord]:
        """Up to `count` photos of a month (2024-05, or `undated`) that pass, after `offset` others, the newest first.

        Raises QueryError.

        >>> len(library.month("undated", 2, filters={"type": "png"}))
        3
        """
        return timeline.month(self._parts, month, filters or {}, offset, count)

    def newest(self, count: int, *, filters: FilterValues | None = None) -> list[PhotoRecord]:
        """Up to `count` photos that pass, the newest first, those without a date last. Raises QueryError.

        >>> len(library.newest(4))
        4
        """
        return timeline.newest(self._parts, filters or {}, count)

    def on_this_day(self, day: str, count: int = 12) -> list[DayInYear]:
        """The earlier years with photos of this day, the newest first, each with up to `count` photos.

        `day` is as 11-26, which means the years before the newest of the library, or 2026-11-26, which means those
        before 2026. Raises QueryError.

        >>> library.on_this_day("11-26")
        []
        """
        return timeline.on_this_day(self._parts, day, count)

    def clusters(self, zoom: float = 1, *, filters: FilterValues | None = None) -> list[Cluster]:
        """Where the photos that pass were taken: those near each other as one cluster, the largest first.

        A map of the world at `zoom` is 256 * 2 ** `zoom` pixels wide, and a cluster has the photos of 64 x 64 of them;
        of more, if there were too many clusters within the area of the filter `within`. Raises QueryError.

        >>> library.clusters(filters={"within": "40,-10,60,20"})
        []
        """
        return maps.clusters(self._parts, filters or {}, zoom)

    def neighbours(self, photo_id: int, count: int = 10) -> tuple[Sequence[PhotoRecord], Sequence[PhotoRecord]]:
        """Up to `count` photos taken before a photo, and after it, the nearest first. Raises PhotoNotFound.

        >>> library.neighbours(library.search("cat")[0].photo.id)
        ([], [])
        """
        return timeline.neighbours(self._parts, photo_id, count)

    def place_name(self, photo: PhotoRecord, language: str = "en") -> tuple[str | None, str] | None:
        """(name of the city, country's ISO code) where a photo was taken; None if that is not known.

        The name is in `language`, one of the nine, where it is known; None if the photo was taken in no city.

        >>> library.place_name(library.search("cat")[0].photo) is None
        True
        """
        return photos.place_name(self._parts, photo, language)

    # --- what it holds ----------------------------------------------------------------------------

    def status(self) -> status.Status:
        """What the library holds.

        >>> status = library.status()
        >>> status.photos, [state for _, state in status.roots], status.failures
        (6, ['online'], [])
        """
        return status.status(self._parts)

    def generation(self) -> int:
        """A number that grows with every change of the library.

        >>> before = library.generation()
        >>> ids = library.mark([library.search("cat")[0].photo.id])
        >>> library.generation() > before
        True
        """
        return self.catalog.generation()

    def active_encoder(self) -> EncoderRecord | None:
        """The record of the encoder whose vectors answer; None if nothing was indexed. Nothing is loaded.

        >>> library.active_encoder().name
        'lite'
        """
        return self.catalog.encoders.active()

    def is_being_written(self) -> bool:
        """Whether any process, this one included, writes to the library now.

        >>> library.is_being_written()
        False
        """
        return writing.is_being_written(self._parts)

    def wait_until_writable(self) -> None:
        """Wait up to 2 seconds while any process, this one included, writes. Raises LibraryBusy if it goes on.

        >>> library.wait_until_writable()
        """
        writing.wait_until_writable(self._parts)

    def facets(self, text: str = "", *, filters: FilterValues | None = None) -> counting.Facets:
        """What there is to filter by, counted over the relevant photos of `text` (empty: all) that pass the filters.

        Each facet is counted without its own filters, so that it shows what else there is to choose. The first call
        after a change of the library takes about a second for 20,000 photos. Raises as `search` does.

        >>> library.facets().formats
        {'PNG': 5, 'JPEG': 1}
        """
        return facets.count(self._parts, text, filters or {})

    def explore(self, language: str = "en") -> exploring.Explored:
        """What it holds to wander through: things, places, folders, cameras, favourites, copies, searches to try.

        Things and places are those that index runs have recognised so far. It is computed once after each change.
        Names are in `language`, one of the nine; in English for any other.

        >>> explored = library.explore("es")
        >>> [tile.name for tile in explored.things if tile.key == "cat"]
        ['gato']
        >>> len(library.search("thing:cat"))
        1
        """
        return exploring.explore(self._parts, language)

    def suggest(self, text: str, language: str = "en", count: int = 8) -> list[suggesting.Suggestion]:
        """Suggestions for what was typed so far: things, places, folders, cameras, lenses and files of this library.

        Names match in any of the nine languages. Each suggestion leads to at least one photo.

        >>> [suggestion.text for suggestion in library.suggest("gat", "es")]
        ['gato']
        """
        return suggesting.suggest(self._parts, text, language, count)

    def label(self, stop: Stop | None = None) -> None:
        """Recognise the things and places that no index run has recognised yet. Raises LibraryBusy.

        Every index run does this as its last step; a library that an earlier version made has to catch up.

        >>> library.label()
        """
        labelling.label_in_slices(self._parts, stop)

    def duplicates(self, after: int = 0, count: int = 20) -> list[list[PhotoRecord]]:
        """Up to `count` groups of photos with equal bytes whose first photo's id is above `after`, in its order.

        >>> library.duplicates()
        []
        """
        return self.catalog.copies.page(after, count)

    def failures(self, after: int = 0, count: int = 20) -> tuple[list[PhotoRecord], int]:
        """(up to `count` files that could not be read, with ids above `after`; the number of all such files).

        >>> library.failures()
        ([], 0)
        """
        return self.catalog.failures.page(after, count)

    def write_pairs(
        self,
        output: Path,
        *,
        favourites_only: bool = False,
        folders: bool = True,
        held_out: float = 0.1,
        language: str = "en",
    ) -> pairs.Pairs:
        """Write the pictures with their captions, keywords and folder names to a file that `train align` reads.

        A share `held_out` of them is marked to validate. `language` is that of texts that do not show theirs. Raises
        LibraryMissing if no picture has a text, UsageError, OSError.

        >>> from pathlib import Path
        >>> from polyglance.errors import LibraryMissing
        >>> try:
        ...     library.write_pairs(Path("pairs.jsonl"))
        ... except LibraryMissing as error:
        ...     print(error.message.startswith("No picture of the library"))
        True
        """
        options = pairs.PairOptions(favourites_only, folders, held_out, language)
        return pairs.write_pairs(self._parts, output, options)

    def check(self, *, repair: bool = False, deep: bool = False, progress: Progress = silent) -> CheckReport:
        """Check the library's files, or repair them: see `polyglance.library.check`.

        >>> library.check().findings
        []
        """
        self.catalog.close()  # connections come back when they are needed
        return checking.check(self.folder, settings=self.settings, repair=repair, deep=deep, progress=progress)

    def prepare(self, say: Callable[[str], object] = lambda _: None) -> None:
        """Quantise the encoder for this machine with pictures of the library, measure, and keep what is fastest.

        It takes minutes, and later processes use the result. `say` is told what was measured. It needs the extra
        `fast`. Raises LibraryMissing if nothing was indexed, EncoderError if the encoder is none to prepare,
        EncoderUnavailable, UsageError if there are too few pictures.

        >>> library.prepare()
        Traceback (most recent call last):
        ...
        polyglance.errors.EncoderError: lite needs no preparing. It is for AltCLIP and the encoders of its kind.
        """
        preparing.prepare(self._parts, say)

    # --- wiring ---------------------------------------------------------------------------------

    def encoder(self) -> Encoder:
        """The encoder that this library's vectors were made with.

        Raises LibraryError if nothing was indexed, EncoderError if its fingerprint has changed.

        >>> library.encoder().encode_texts(["cat"]).shape == (1, library.encoder().dimension)
        True
        """
        return encoders.load_active(self._parts)

    def engine(self) -> Engine:
        """The search engine over the active encoder's vectors.

        >>> from polyglance.search.query.parse import parse
        >>> len(library.engine().find(parse("cat", 1000)))
        6
        """
        return searches.engine(self._parts)
