"""Copying a library to other engines and another folder. Nothing is encoded: the catalog has all vectors."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..config import Settings, load
from ..data import excluded
from ..data.catalog import own_data
from ..data.catalog.catalog import Catalog
from ..data.catalog.records import EncoderRecord
from ..data.copying import copying
from ..data.copying.files import Files
from ..data.copying.rows import Content
from ..data.vectors import snapshot, stores
from ..errors import LibraryError, UsageError
from ..indexer.run.stop import Stop
from ..progress import Progress, silent
from . import snapshots
from .parts import CATALOG, THUMBNAILS, AnyPath, Parts, folder_of

log = logging.getLogger("polyglance")


@dataclass(frozen=True, slots=True)
class Migration:
    """A copy that is complete. `settings` name it; `sent` is how many vectors its engine has, None with FAISS."""

    settings: Settings
    tables: dict[str, Content]
    files: Files
    written: int
    sent: int | None
    seconds: float

    @property
    def engine(self) -> str:
        """What searches its vectors: "faiss", "milvus" or "pgvector"."""
        return stores.kind(self.settings.vectors.get_secret_value() if self.settings.vectors else "")


def migrate(
    to: AnyPath,
    catalog: str = "",
    vectors: str = "",
    *,
    folder: AnyPath | None = None,
    settings: Settings | None = None,
    progress: Progress = silent,
    stop: Stop | None = None,
) -> Migration:
    """Copy the library in `folder` (default: the settings') to the folder `to`, and prove that the copy is equal.

    `catalog` and `vectors` are the settings of those names for the copy: where its catalog and its vectors are. The
    library is only read, but for the name that tells it from others. No other process writes to it meanwhile. A copy
    that was stopped goes on where it was. Raises UsageError if there is something else at the target; LibraryMissing,
    LibraryError, LibraryBusy, Stopped, OSError.

    >>> from polyglance.library import migrate
    >>> migrate("copy", folder="library").tables["photo"].rows
    6
    """
    start = time.perf_counter()
    settings = settings or load()
    place = folder_of(folder, settings)
    chosen = _target_settings(folder_of(to, settings), catalog, vectors, settings)
    copying.require_apart(place, chosen.library)
    if not settings.catalog_url:
        own_data.require_catalog(place / CATALOG)
    stop = stop or Stop()
    with (
        stop.observed(),
        contextlib.closing(Catalog(place / CATALOG, settings.catalog_url)) as source,
        source.writer_lock(),
    ):
        _require_engine(chosen, source)
        names = (THUMBNAILS, excluded.FOLDER, own_data.FOLDER, *(() if chosen.vectors else (snapshot.FOLDER,)))
        durable = (excluded.FOLDER, own_data.FOLDER)
        plan = copying.Plan(source, chosen.library, chosen.catalog_url, names, durable)
        with _options_in_hints():
            copied = copying.copy(plan, progress, lambda: stop.asked)
    with contextlib.closing(Catalog(chosen.library / CATALOG, chosen.catalog_url)) as copy:
        with copy.writer_lock():
            copy.back_up_own_data()
        sent = _arrange_vectors(chosen, copy, stop)
    return Migration(chosen, *copied, sent, time.perf_counter() - start)


def _target_settings(folder: Path, catalog: str, vectors: str, settings: Settings) -> Settings:
    """The settings that open the copy. Raises UsageError."""
    values = settings.model_dump() | {"library": folder, "catalog": catalog or None, "vectors": vectors or None}
    try:
        return Settings(**values)
    except ValueError as error:
        reason = str(error).splitlines()[2].strip().partition(" [")[0].removeprefix("Value error, ")
        name = "--catalog" if "postgresql" in reason else "--vectors"
        raise UsageError(f"The option {name} cannot be used: {reason}.", "docs/cluster.md has examples.") from error


def _require_engine(chosen: Settings, source: Catalog) -> None:
    """Raise VectorsUnavailable, before anything is copied, if the copy's engine of vectors cannot have them."""
    record = source.encoders.active()
    if chosen.vectors and record is not None:
        stores.require_reachable(chosen.vectors.get_secret_value(), chosen.catalog_url, source, record)


def _arrange_vectors(chosen: Settings, copy: Catalog, stop: Stop) -> int | None:
    """Send the vectors to the engine and compare them, or write FAISS's snapshot; return how many the engine has."""
    record = copy.encoders.active()
    if not chosen.vectors:
        snapshots.save(Parts(chosen.library, chosen, copy), stop)
        return None
    if record is None:
        return 0
    try:
        return _send(chosen.vectors.get_secret_value(), copy, record, stop)
    except LibraryError as error:
        message = f"The catalog and the files are copied, and the vectors are not all sent: {error.message}"
        raise LibraryError(message, "Run the same command again to send the rest.") from error


def _send(url: str, copy: Catalog, record: EncoderRecord, stop: Stop) -> int:
    from ..data.check import engine

    stores.send(url, copy, record, lambda: stop.asked)
    if differences := engine.examine(url, copy, record, repair=False):
        raise LibraryError(f"{differences[0].message}.")
    return copy.vectors.count(record.id)


@contextlib.contextmanager
def _options_in_hints() -> Iterator[None]:
    """Name the option, not the variable, in what to do about a database that cannot be used."""
    try:
        yield
    except LibraryError as error:
        error.hint = error.hint.replace("POLYGLANCE_CATALOG", "--catalog")
        raise
