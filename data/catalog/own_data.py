"""The user's own data, backed up by itself: folders, exclusions and other settings, favourites, the library's encoder.

Everything else in the catalog is derived from the photos. A copy is a small SQLite file in `own-data/`, with the rows
of four tables and their seals. The newest KEPT copies stay; `polyglance check --repair` restores from them.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path
from typing import TypeAlias

from ... import atomic
from ...errors import LibraryError
from . import integrity

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

Rows: TypeAlias = dict[str, list[sqlite3.Row]]
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
    except integrity.ERRORS:
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
        with contextlib.closing(integrity.connect(catalog)) as db:
            db.execute("BEGIN")
            rows = _rows(db)
            existing = copies(catalog)
            if existing and rows == read(existing[0]):
                return
            if not _is_sealed(rows) or integrity.complaints(db, COLUMNS):
                log.warning("Folders, exclusions and favourites were not backed up: the catalog is damaged.")
                return
        _write(catalog, rows, existing)
    except (OSError, *integrity.ERRORS) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        log.warning("Folders, exclusions and favourites were not backed up: %s.", reason)


def restore(db: sqlite3.Connection, table: str, rows: Rows) -> int:
    """Insert those rows that the catalog lacks, inside the caller's transaction; return how many."""
    before = db.total_changes
    names = COLUMNS[table]
    _insert(db, table, names, rows)
    if table == "root":  # another root may have got the id
        _insert(db, table, names[1:], rows)
    return db.total_changes - before


def require_catalog(catalog: Path) -> None:
    """Raise LibraryError if the catalog is gone and own data can be restored: an empty catalog would hide it."""
    if not catalog.exists() and copies(catalog):
        raise LibraryError(
            f"The catalog of the library {catalog.parent} is gone; folders, exclusions and favourites are backed up.",
            "Run 'polyglance check --repair', then 'polyglance index FOLDER'.",
        )


def _write(catalog: Path, rows: Rows, existing: list[Path]) -> None:
    folder = catalog.parent / FOLDER
    folder.mkdir(exist_ok=True)
    number = int(existing[0].stem.rpartition("-")[2]) + 1 if existing else 1
    with (
        atomic.whole_file(folder / f"own-data-{number:09}.db") as temporary,
        contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as copy,
    ):
        copy.execute("BEGIN")
        for table, names in COLUMNS.items():
            copy.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            _insert(copy, table, names, rows)
        copy.execute("COMMIT")
    for path in existing[KEPT - 1 :]:
        path.unlink(missing_ok=True)


def _insert(db: sqlite3.Connection, table: str, names: tuple[str, ...], rows: Rows) -> None:
    marks = ", ".join("?" * len(names))
    values = [tuple(row[name] for name in names) for row in rows[table]]
    db.executemany(f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})", values)


def _rows(db: sqlite3.Connection) -> Rows:
    rows = {table: db.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall() for table, names in COLUMNS.items()}
    rows["setting"] = [row for row in rows["setting"] if row["key"] not in DERIVED]
    return rows


def _is_sealed(rows: Rows) -> bool:
    return all(integrity.is_sealed(table, row) for table in COLUMNS for row in rows[table])
