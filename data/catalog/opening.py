"""Opening a catalog: creating it, checking its schema, upgrading it after a backup."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import text

from ... import atomic
from ...errors import LibraryBusy, LibraryError, LibraryMissing
from . import locks
from .database import Database, damaged, plain_opening
from .dialect import dialect

log = logging.getLogger("polyglance")

SCHEMA = "0005"
"""Newest Alembic revision; a test compares it with the migrations."""

_VERSION = text("SELECT version_num FROM alembic_version")


def open_database(path: Path, *, create: bool = False) -> Database:
    """Open the catalog at `path`, creating or migrating it if `create`.

    That is done under the writer lock: of several processes one does it, and the others wait for it. Raises
    LibraryMissing if there is no catalog; LibraryError if the file is none, or is of another version.
    """
    if not create and not path.is_file():
        raise LibraryMissing(f"There is no library at {path.parent}.", "Run 'polyglance index FOLDER' to make one.")
    if create and not _has_content(path):
        _make_folder(path.parent)
        _migrate_in_turn(path)
    database = Database(path)
    try:
        schema = _schema(database, path)
        if schema != SCHEMA and create:
            _migrate_in_turn(path)
        elif schema != SCHEMA:
            raise LibraryError(
                f"The library {path.parent} is of an older version (schema {schema}).",
                "Run 'polyglance index' once to upgrade it.",
            )
    except BaseException:
        database.close()
        raise
    return database


def migrate(path: Path) -> None:
    """Bring the catalog to the newest schema, creating it if there is none; the caller holds the writer lock.

    A catalog of an older schema is backed up first. Raises LibraryError.
    """
    database = Database(path)
    try:
        schema = _schema(database, path)
        if schema == SCHEMA:
            return
        from .migrations import known, upgrade

        if schema is not None:
            if schema not in known():
                raise damaged(f"no polyglance made its schema {schema!r}")
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
            dialect.copy(path, temporary, schema)
    except (OSError, dialect.DriverError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise LibraryError(
            f"The library {path.parent} needs an upgrade, but its catalog cannot be backed up first: {reason}.",
            f"Nothing was changed. Free {path.stat().st_size / 1e6:.0f} MB there, or run 'polyglance check --repair'.",
        ) from error
    return target


def _migrate_in_turn(path: Path) -> None:
    """Migrate under the writer lock, however long another process has it: it may be migrating the same catalog."""
    logged = ""
    while not _is_newest(path):  # once it is, the other process may go on with something else
        try:
            with locks.writer_lock(path.parent, leaves_traces=True):
                migrate(path)
        except LibraryBusy as busy:
            if busy.message != logged:
                logged = busy.message
                log.warning("%s Waiting for that, because this library must be upgraded first.", logged)


def _is_newest(path: Path) -> bool:
    if not _has_content(path):
        return False
    database = Database(path)
    try:
        return _schema(database, path) == SCHEMA
    finally:
        database.close()


def _has_content(path: Path) -> bool:
    """Whether a process has begun to write the catalog; an empty file is made a moment before."""
    return path.is_file() and path.stat().st_size > 0


def _schema(database: Database, path: Path) -> str | None:
    """The catalog's schema; None if it is empty. Raises LibraryError if this polyglance cannot know what it holds."""
    with plain_opening(path), database.connect() as connection:
        names = dialect.object_names(connection)
        schema = connection.execute(_VERSION).scalar() if "alembic_version" in names else None
    if schema is not None and not isinstance(schema, str):
        raise damaged("its schema version is no text")
    if schema is not None and schema > SCHEMA:
        raise LibraryError(
            f"The library {path.parent} was made by a newer polyglance (schema {schema}, this one knows {SCHEMA}).",
            "Upgrade polyglance.",
        )
    if schema is None and names:
        raise LibraryError(f"{path} is a database, but not a polyglance catalog.", "Choose another --library.")
    return schema


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"The library folder {folder} cannot be made: {error.strerror}.", "Choose another with --library."
        ) from error
