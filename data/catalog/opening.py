"""Opening a catalog: creating it, checking its schema, upgrading it after a backup."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from sqlalchemy import text

from ... import atomic
from ...errors import LibraryBusy, LibraryError, LibraryMissing
from . import locks, sqlite
from .database import Database, damaged, plain_opening
from .dialect import for_url
from .suggestions import INCOMPLETE

log = logging.getLogger("polyglance")

SCHEMA = "0005"
"""Newest Alembic revision; a test compares it with the migrations."""

_VERSION = text("SELECT version_num FROM alembic_version")
_MARK = text("SELECT value FROM setting WHERE key = :key")


def open_database(path: Path, url: str = "", *, create: bool = False) -> Database:
    """Open the catalog at `path`, or in the database at `url`, creating or migrating it if `create`.

    That is done under the writer lock: of several processes one does it, and the others wait for it. Raises
    LibraryMissing if there is no catalog; LibraryError if the file is none, or is of another version.
    """
    if not create and not url and not path.is_file():
        raise _missing(path)
    if url or (create and not for_url(url).exists(path, url)):
        _make_folder(path.parent)
    if create and not url and not for_url(url).exists(path, url):
        _migrate_in_turn(path)
    database = Database(path, url)
    try:
        schema = read_schema(database)
        if schema == SCHEMA:
            require_complete(database)
            return database
        if schema is None and not create:
            raise _missing(path)
        if not create:
            raise LibraryError(
                f"The library {path.parent} is of an older version (schema {schema}).",
                "Run 'polyglance index' once to upgrade it.",
            )
        if schema is None and url:
            from .own_data import require_no_copies

            require_no_copies(database)
        _migrate_in_turn(path, url)
    except BaseException:
        database.close()
        raise
    return database


def migrate(path: Path, url: str = "") -> None:
    """Bring the catalog to the newest schema, creating it if there is none; the caller holds the writer lock.

    A catalog of an older schema is backed up first, if it is a file. Raises LibraryError.
    """
    database = Database(path, url)
    try:
        schema = read_schema(database)
        if schema == SCHEMA:
            return
        from .migrations import known, upgrade

        if schema is not None:
            if schema not in known():
                raise damaged(f"no polyglance made its schema {schema!r}")
            if not url:
                backup(path, schema)
        with database.writing() as connection:
            upgrade(connection)
    finally:
        database.close()


def backup(path: Path, schema: str) -> Path:
    """Copy the catalog, of an older `schema`, to a file beside it before it is migrated; return that file.

    The copy gets its name only when it is complete, checked and on the disk. Raises LibraryError.
    """
    target = path.with_name(f"{path.name}.schema-{schema}.backup")
    try:
        with atomic.whole_file(target) as temporary:
            sqlite.copy(path, temporary, schema)
    except (OSError, *sqlite.ERRORS) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise LibraryError(
            f"The library {path.parent} needs an upgrade, but its catalog cannot be backed up first: {reason}.",
            f"Nothing was changed. Free {path.stat().st_size / 1e6:.0f} MB there, or run 'polyglance check --repair'.",
        ) from error
    return target


def _migrate_in_turn(path: Path, url: str = "") -> None:
    """Migrate under the writer lock, however long another process has it: it may be migrating the same catalog."""
    logged = ""
    while not _is_newest(path, url):  # once it is, the other process may go on with something else
        try:
            with locks.writer_lock(path.parent, leaves_traces=True):
                if not url:
                    migrate(path)
                    continue
                database = Database(path, url)
                with contextlib.closing(database), database.locked("writer", locks.WRITTEN):
                    migrate(path, url)
        except LibraryBusy as busy:
            if busy.message != logged:
                logged = busy.message
                log.warning("%s Waiting for that, because this library must be upgraded first.", logged)


def _is_newest(path: Path, url: str) -> bool:
    if not for_url(url).exists(path, url):
        return False
    database = Database(path, url)
    try:
        return read_schema(database) == SCHEMA
    finally:
        database.close()


def require_complete(database: Database) -> None:
    """Raise LibraryError if the catalog is a copy that is not complete."""
    with plain_opening(database), database.connect() as connection:
        mark = connection.execute(_MARK, {"key": INCOMPLETE}).scalar()
    if mark is not None:
        raise incomplete_copy(database.path.parent)


def incomplete_copy(folder: Path | str) -> LibraryError:
    """The error that the library in `folder` is a copy that is not complete."""
    message = f"The library {folder} is a copy that is not complete."
    return LibraryError(message, "Run the same 'polyglance migrate' again to go on.")


def read_schema(database: Database) -> str | None:
    """The catalog's schema; None if it is empty. Raises LibraryError if this polyglance cannot know what it holds."""
    folder = database.path.parent
    with plain_opening(database), database.connect() as connection:
        names = database.dialect.object_names(connection)
        schema = connection.execute(_VERSION).scalar() if "alembic_version" in names else None
    if schema is not None and not isinstance(schema, str):
        raise damaged("its schema version is no text")
    if schema is not None and schema > SCHEMA:
        raise LibraryError(
            f"The library {folder} was made by a newer polyglance (schema {schema}, this one knows {SCHEMA}).",
            "Upgrade polyglance.",
        )
    if schema is None and {"alembic_version", "photo", "root"} <= names:
        raise damaged("its schema version is missing")
    if schema is None and names:
        advice = "Name an empty database in POLYGLANCE_CATALOG." if database.url else "Choose another --library."
        raise LibraryError(f"{database} is a database, but not a polyglance catalog.", advice)
    return schema


def _missing(path: Path) -> LibraryMissing:
    return LibraryMissing(f"There is no library at {path.parent}.", "Run 'polyglance index FOLDER' to make one.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"The library folder {folder} cannot be made: {error.strerror}.", "Choose another with --library."
        ) from error
