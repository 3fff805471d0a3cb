"""The user's own data, backed up by itself: folders, exclusions and other settings, favourites, the library's encoder.

Everything else in the catalog is derived from the photos. A copy is a small SQLite file in `own-data/`, with the rows
of four tables and their seals. The newest KEPT copies stay; `polyglance check --repair` restores from them.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import text

from ... import atomic
from ...errors import LibraryError
from . import integrity, plain_sqlite
from .database import Database
from .integrity import CheckedConnection
from .plain_sqlite import SqliteConnection

log = logging.getLogger("polyglance")

FOLDER = "own-data"
KEPT = 3

DERIVED = ("generation", "pruned", "removed", "labels")
"""Settings that are counters of the catalog, not the user's."""

COLUMNS = {
    "setting": ("key", "value", "seal"),
    "root": ("id", "path", "mounts", "seal"),
    "encoder": ("id", "name", "fingerprint", "dimension", "dtype", "seal"),
    "favourite": ("content_hash", "marked_at", "seal"),
}

Rows: TypeAlias = dict[str, list[Any]]
"""Table -> rows with its COLUMNS."""


def copies(catalog: Path) -> list[Path]:
    """The copies there are, newest first."""
    return sorted((catalog.parent / FOLDER).glob("own-data-" + "[0-9]" * 9 + ".db"), reverse=True)


def read(copy: Path) -> Rows | None:
    """The rows of a copy; None if it is not what was written."""
    try:
        with contextlib.closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            rows = _rows(db)
    except plain_sqlite.ERRORS:
        return None
    return rows if _is_sealed(rows) else None


def newest(catalog: Path) -> Rows:
    """The rows of the newest copy that is what was written; no rows if there is none."""
    readable = (read(copy) for copy in copies(catalog))
    return next((rows for rows in readable if rows is not None), {table: [] for table in COLUMNS})


def back_up(catalog: Path) -> None:
    """Copy own data if it differs from the newest copy; for the library's writer.

    Own data that is not what was written is not copied. A copy that cannot be written is a warning in the log.
    """
    try:
        with contextlib.closing(plain_sqlite.connect(catalog)) as db:
            db.execute("BEGIN")
            rows = _rows(db)
            existing = copies(catalog)
            if existing and rows == read(existing[0]):
                return
            if not _is_sealed(rows) or plain_sqlite.complaints(db, COLUMNS):
                log.warning("Folders, exclusions and favourites were not backed up: the catalog is damaged.")
                return
        _write(catalog, rows, existing)
    except (OSError, *plain_sqlite.ERRORS) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        log.warning("Folders, exclusions and favourites were not backed up: %s.", reason)


def back_up_database(database: Database) -> None:
    """The same for a catalog in a database elsewhere; the copy is a file in the library's folder."""
    rows: dict[str, list[Any]] = {}
    with database.reading() as connection:
        for table, names in COLUMNS.items():
            order = ", ".join(names[:1])
            statement = text(f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}")
            rows[table] = [dict(row._mapping) for row in connection.execute(statement)]
    rows["setting"] = [row for row in rows["setting"] if row["key"] not in DERIVED]
    try:
        existing = copies(database.path)
        newest_copy = read(existing[0]) if existing else None
        if newest_copy is not None and _plain(rows) == _plain(newest_copy):
            return
        if not _is_sealed(rows):
            log.warning("Folders, exclusions and favourites were not backed up: the catalog is damaged.")
            return
        _write(database.path, rows, existing)
    except (OSError, *plain_sqlite.ERRORS) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        log.warning("Folders, exclusions and favourites were not backed up: %s.", reason)


def _plain(rows: Rows) -> dict[str, list[tuple[object, ...]]]:
    """The values of rows in an order of their own, whatever database they are from."""
    return {
        table: sorted((tuple(row[name] for name in names) for row in rows[table]), key=repr)
        for table, names in COLUMNS.items()
    }


def restore(db: CheckedConnection, table: str, rows: Rows) -> int:
    """Insert those rows that the catalog lacks, inside the caller's transaction; return how many."""
    names = COLUMNS[table]
    restored = _insert(db, table, names, rows)
    if table == "root":  # another root may have got the id
        restored += _insert(db, table, names[1:], rows)
    return restored


def put_back(db: CheckedConnection, table: str, row: Any, own: Rows) -> bool:
    """Give a damaged row the values it has in the backup, if that has one with its id; whatever belongs to it stays."""
    names = COLUMNS[table]
    kept = next((each for each in own[table] if "id" in names and each["id"] == row["id"]), None)
    if kept is not None:
        values = [kept[name] for name in names[1:]]
        assignments = ", ".join(f"{name} = ?" for name in names[1:])
        db.execute(f"UPDATE {table} SET {assignments} WHERE id = ?", (*values, row["id"]))
    return kept is not None


def require_catalog(catalog: Path) -> None:
    """Raise LibraryError if the catalog is gone and own data can be restored: an empty catalog would hide it."""
    if not catalog.exists() and copies(catalog):
        raise LibraryError(
            f"The catalog of the library {catalog.parent} is gone; folders, exclusions and favourites are backed up.",
            "Run 'polyglance check --repair', then 'polyglance index FOLDER'.",
        )


def require_no_copies(database: Database) -> None:
    """Raise LibraryError if own data can be restored to a database that has no catalog: an empty one would hide it."""
    if copies(database.path):
        raise LibraryError(
            f"The database {database} has no catalog; folders, exclusions and favourites of the library"
            f" {database.path.parent} are backed up.",
            "Check POLYGLANCE_CATALOG; or run 'polyglance check --repair', then 'polyglance index FOLDER'.",
        )


def _write(catalog: Path, rows: Rows, existing: list[Path]) -> None:
    folder = catalog.parent / FOLDER
    folder.mkdir(exist_ok=True)
    number = int(existing[0].stem.rpartition("-")[2]) + 1 if existing else 1
    with (
        atomic.whole_file(folder / f"own-data-{number:09}.db") as temporary,
        contextlib.closing(sqlite3.connect(temporary, isolation_level=None, factory=SqliteConnection)) as copy,
    ):
        copy.execute("BEGIN")
        for table, names in COLUMNS.items():
            copy.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            _insert(copy, table, names, rows)
        copy.execute("COMMIT")
    for path in existing[KEPT - 1 :]:
        path.unlink(missing_ok=True)


def _insert(db: CheckedConnection, table: str, names: tuple[str, ...], rows: Rows) -> int:
    marks = ", ".join("?" * len(names))
    values = [tuple(row[name] for name in names) for row in rows[table]]
    if not values:
        return 0
    after_insert, end = db.OR_IGNORE
    statement = f"INSERT {after_insert} INTO {table} ({', '.join(names)}) VALUES ({marks}) {end}"
    return max(0, int(db.executemany(statement, values).rowcount))


def _rows(db: sqlite3.Connection) -> Rows:
    rows = {table: db.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall() for table, names in COLUMNS.items()}
    rows["setting"] = [row for row in rows["setting"] if row["key"] not in DERIVED]
    return rows


def _is_sealed(rows: Rows) -> bool:
    return all(integrity.is_sealed(table, row) for table in COLUMNS for row in rows[table])
