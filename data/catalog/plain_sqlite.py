"""A plain connection of sqlite3 to a catalog for the statements of `integrity`, and what is checked only of this file.

It reads rows of any type, and text of any bytes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from . import migrations, opening, sqlite, words
from .integrity import ROWS_AT_ONCE, SPARE_IDS, bump

ERRORS = (sqlite3.Error, UnicodeError)
"""What sqlite3 raises over a damaged file."""

NOT_DAMAGE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_FULL,
}
"""SQLite's primary error codes that say nothing of the file's content."""


class SqliteConnection(sqlite3.Connection):
    """A connection with what the statements below need to know of SQLite."""

    CASCADES: ClassVar[bool] = False  # foreign keys are not enforced unless a connection asks for it
    HASH_BEFORE: ClassVar[str] = "CASE typeof(content_hash) WHEN 'blob' THEN content_hash ELSE hash_before END"
    OR_IGNORE: ClassVar[tuple[str, str]] = ("OR IGNORE", "")
    """What stands after INSERT, and at the end, if rows that cannot be inserted are left out."""
    VECTOR_IDS: ClassVar[tuple[str, ...]] = (
        "DELETE FROM sqlite_sequence",
        f"INSERT INTO sqlite_sequence (name, seq) SELECT 'vector', coalesce(max(id), 0) + {SPARE_IDS} FROM vector",
    )

    def key(self, table: str) -> tuple[str, Any]:
        """The column that rows are read and deleted by, and a value below all of it."""
        return "rowid", -1


def connect(path: Path) -> SqliteConnection:
    """A plain connection that reads text as it is, whatever its bytes."""
    how = sqlite.read_only(path)
    place = f"{path.as_uri()}?{urlencode(how)}" if how else path
    wait = sqlite.BUSY_TIMEOUT_MS / 1000
    connection = sqlite3.connect(place, isolation_level=None, timeout=wait, uri=bool(how), factory=SqliteConnection)
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.row_factory = sqlite3.Row
    return connection


def is_damage(error: BaseException) -> bool:
    """Whether an error of sqlite3 tells of a damaged file, not of a lock, a full disk or missing rights."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)) & 0xFF not in NOT_DAMAGE


# --- the file ---------------------------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """What is wrong with the file as a whole; `remedy` is "rebuild", "upgrade" or, for polyglance itself, "newer"."""

    code: str
    message: str
    remedy: str = "rebuild"


def problem(path: Path) -> Problem | None:
    """What is wrong with the file; None if its statements can be trusted.

    Raises sqlite3.Error if it cannot be told: a lock, a full disk, missing rights.
    """
    try:
        with contextlib.closing(connect(path)) as db:
            db.execute("PRAGMA query_only=ON")
            schema = _schema(db)
            versions = [row[0] for row in db.execute("SELECT version_num FROM alembic_version")]
            newer = [
                version for version in versions if re.fullmatch(r"\d{4}", str(version)) and version > opening.SCHEMA
            ]
            if newer and schema != expected_schema():
                message = f"it is of schema {newer[0]}, which is newer than {opening.SCHEMA}"
                return Problem("catalog-version", message, "newer")
            lines = complaints(db) or _refusal(db, path)
    except ERRORS as error:
        if not is_damage(error):
            raise
        return Problem("catalog-unreadable", f"it cannot be read: {error}")
    if lines:
        return Problem("catalog-structure", lines[0])
    if len(versions) == 1 and versions[0] in migrations.known() and versions[0] != opening.SCHEMA:
        message = f"it is of schema {versions[0]}, an older version's"
        return Problem("catalog-version", message, "upgrade")
    if schema != expected_schema():
        return Problem("catalog-schema", "its tables are not described as this version makes them")
    return None if versions == [opening.SCHEMA] else Problem("catalog-schema", "it does not name its schema")


def _refusal(db: sqlite3.Connection, path: Path) -> list[str]:
    """Why SQLite takes a file that we may write for one that can only be read: a damaged header."""
    if sqlite.read_only(path) or not os.access(path, os.W_OK):
        return []
    db.execute("PRAGMA query_only=OFF")
    db.execute("PRAGMA busy_timeout=0")
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM setting WHERE 0")  # BEGIN alone succeeds on a file that can only be read
        db.execute("ROLLBACK")
    except sqlite3.OperationalError as error:  # SQLITE_BUSY beside a writer
        return [str(error)] if is_damage(error) else []
    return []


def complaints(db: sqlite3.Connection, tables: Iterable[str] = ("",)) -> list[str]:
    """What SQLite's integrity check says of these tables, or of the whole file; the index of words has its own."""
    statements = [f"PRAGMA integrity_check({table})" if table else "PRAGMA integrity_check" for table in tables]
    lines = [" ".join(str(row[0]).split()) for statement in statements for row in db.execute(statement)]
    return [line for line in lines if line != "ok" and "fts5" not in line.lower()]


@functools.cache
def expected_schema() -> list[tuple[Any, ...]]:
    """(type, name, table, statement) of everything in a fresh catalog."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.db"
        opening.migrate(path)
        with contextlib.closing(connect(path)) as db:
            return _schema(db)


def _schema(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, db.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master")))


# --- the index of words -----------------------------------------------------------------------------------------------


def words_problem(path: Path) -> str:
    """What is wrong with the index of words; empty if nothing is."""
    try:
        with contextlib.closing(connect(path)) as db:
            db.execute("PRAGMA query_only=ON")
            db.execute("BEGIN")
            stored = db.execute(f"SELECT rowid, {', '.join(words.COLUMNS)} FROM words ORDER BY rowid")
            expected = (
                (row[0], *words.photo_words(*tuple(row)[1:])) for row in db.execute(f"{words.SOURCE} ORDER BY 1")
            )
            if any(a is None or tuple(a) != b for a, b in itertools.zip_longest(stored, expected)):
                return "the index of words does not say what the photos' records say"
        return _index_problem(path)
    except sqlite3.DatabaseError as error:
        return f"the index of words cannot be read ({error})"


def _index_problem(path: Path) -> str:
    """What FTS5 says of its index. That needs the write lock: omitted beside a writer, and where we only read."""
    if sqlite.read_only(path):
        return ""
    with contextlib.closing(connect(path)) as db:
        db.execute("PRAGMA busy_timeout=0")
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return ""
        try:
            db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            return f"the index of words is damaged ({error})"
        finally:
            db.execute("ROLLBACK")
    return ""


def make_words(path: Path) -> bool:
    """Drop the index of words and make it again from the photos' records; False if it cannot be dropped."""
    with contextlib.closing(connect(path)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("DROP TABLE words")
            db.execute(sqlite.WORDS_SCHEMA[0])
            fill_words(db)
            bump(db)
            db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return False
    return True


def fill_words(db: sqlite3.Connection) -> None:
    """Write the words of all photos into an empty index."""
    statement = f"INSERT INTO words (rowid, {', '.join(words.COLUMNS)}) VALUES (?, ?, ?, ?, ?)"
    last = 0
    select = f"{words.SOURCE} AND photo.id > ? ORDER BY photo.id LIMIT {ROWS_AT_ONCE}"
    while batch := db.execute(select, (last,)).fetchall():
        db.executemany(statement, [(row[0], *words.photo_words(*tuple(row)[1:])) for row in batch])
        last = batch[-1][0]
