"""SQLite: all that the catalog does in the way of this one database. No other module of `data/` names its constructs.

Exceptions: the migrations create this schema, `data/check/` repairs this file format, and `models` has options that
SQLAlchemy reserves for one dialect (`sqlite_where`). Another dialect is a module with the same names, chosen in
`dialect`. It has to provide:

- `make_engine`: an engine that begins every transaction explicitly, enforces foreign keys and has a function
  `distance_km`; `READ` and `WRITE`, the options of a connection that reads one snapshot or that takes the write lock at
  once; `object_names` of a database; `copy`, a checked copy of a database in use;
- `DriverError` and `ERRORS`, what statements raise, and what an error means: `is_damage`, `is_full`,
  `reason`, `hint`;
- `insert_or_ignore`, `upsert`; `id_list` and `id_list_value`, ids as one parameter; `unindexed`, an expression that no
  index serves; `has_byte`, a condition on bytes; `LARGEST_ID`;
- full text: `WORDS_SCHEMA`, the table `WORDS` with its key `WORDS_ID`, `is_match`, `match_value`, `names_value`,
  `beginning_value` and `BEST_MATCH`.

Durability: write-ahead log with `synchronous=NORMAL`. A killed process loses nothing that was committed. After a power
cut or a crash of the system the last commits may be missing, but none is there in part: SQLite waits for the disk at
checkpoints, not at every commit. The next index run reads again what is missing, so the trade costs only time.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    NullPool,
    Pool,
    TextClause,
    column,
    create_engine,
    event,
    exc,
    func,
    table,
    text,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from ...languages import tokens
from .name_query import NameQuery
from .sphere import distance_km
from .word_query import Units, WordQuery

LARGEST_ID = 2**63 - 1
BUSY_TIMEOUT_MS = 10_000

READ: dict[str, Any] = {}
WRITE: dict[str, Any] = {"immediate": True}
"""Options of a connection. A deferred transaction that begins to write fails at once under contention; an immediate one
waits."""

# --- engine -----------------------------------------------------------------------------------


def make_engine(path: Path, *, pooled: bool = True) -> Engine:
    """The engine over the file at `path`; without a pool, every connection is new and is closed after its use."""
    pool: type[Pool] | None = None if pooled else NullPool
    engine = create_engine(_address(path), poolclass=pool)
    event.listen(engine, "do_connect", _do_connect)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "checkin", _on_checkin)
    event.listen(engine, "begin", _on_begin)
    return engine


def _address(path: Path) -> URL:
    parameters = read_only(path)
    if parameters is None:
        return URL.create("sqlite", database=str(path))
    return URL.create("sqlite", database=path.as_uri(), query={"uri": "true", **parameters})


def read_only(path: Path) -> dict[str, str] | None:
    """SQLite's URI parameters for a library that we may only read (a read-only disk, another user's); else None."""
    if not path.exists() or os.access(path.parent, os.W_OK):
        return None
    # Without a write-ahead log beside it nobody is writing; SQLite would otherwise insist on creating one.
    live = path.with_name(path.name + "-wal").exists()
    return {"mode": "ro"} if live else {"immutable": "1"}


def _do_connect(dialect: Dialect, record: ConnectionPoolEntry, arguments: Any, options: Any) -> Any:
    """Connect, also where the disk has no space for the index of the log, which processes share.

    Then nobody else has that index open, and it can be in memory. So a library on a full disk can be searched, and can
    forget what takes up the space.
    """
    connection = dialect.connect(*arguments, **options)
    try:
        connection.execute("PRAGMA journal_mode").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if not is_full(error):
            raise
        connection = dialect.connect(*arguments, **options)
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        record.info["exclusive"] = True
    return connection


def _on_connect(connection: Any, _record: object) -> None:
    # The driver's own transaction handling is switched off: _on_begin says how each one starts.
    connection.isolation_level = None
    connection.create_function("distance_km", 4, distance_km, deterministic=True)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):  # it stays with the file
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()


def _on_checkin(_connection: object, record: ConnectionPoolEntry) -> None:
    if record.info.get("exclusive"):  # it would keep all others out
        record.invalidate()


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def object_names(connection: Connection) -> set[str]:
    """Names of all tables, indexes, views and triggers."""
    return {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master")}


def copy(source: Path, target: Path, schema: str) -> None:
    """Copy a catalog of this `schema`, which may be in use, to one file, and check the copy.

    Raises DriverError, with the reason, if the catalog cannot be copied, or if the copy is damaged or of another
    schema.
    """
    with contextlib.closing(sqlite3.connect(source)) as catalog, contextlib.closing(sqlite3.connect(target)) as backup:
        catalog.backup(backup)
        backup.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        message = backup.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if message != "ok":
            raise sqlite3.DatabaseError(message)
        (copied,) = backup.execute("SELECT version_num FROM alembic_version").fetchone()
        if copied != schema:
            raise sqlite3.DatabaseError(f"it is of schema {copied} by now")


# --- errors -----------------------------------------------------------------------------------

DriverError = sqlite3.Error
ERRORS = (exc.DatabaseError, DriverError, UnicodeDecodeError)
"""What is raised by statements: by SQLAlchemy, and by the driver where rows are read past it."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_HINTS = {
    sqlite3.SQLITE_FULL: "Free some space on its disk, then run the same command to go on.",
    sqlite3.SQLITE_BUSY: "Another process holds it; try again.",
    sqlite3.SQLITE_LOCKED: "Another process holds it; try again.",
    sqlite3.SQLITE_READONLY: "Its disk or folder is read-only.",
    sqlite3.SQLITE_IOERR: "Its disk fails or was taken away; check the disk.",
    sqlite3.SQLITE_CANTOPEN: "Are its files still there, and may you read them?",
    sqlite3.SQLITE_PERM: "Are its files still there, and may you read them?",
    sqlite3.SQLITE_AUTH: "Are its files still there, and may you read them?",
    sqlite3.SQLITE_CONSTRAINT: "Nothing was changed. What it is about was changed or removed meanwhile: try again.",
    sqlite3.SQLITE_NOMEM: "Memory is short; end other programs, then try again.",
}
"""SQLite's primary error code -> the next step, where nothing is damaged."""
_OTHER_HINT = "Run it again with --debug to see where; 'polyglance check' tells whether the catalog is whole."


def is_damage(error: BaseException) -> bool:
    """Whether an error of SQLite or its driver says that the file is not what was written."""
    driver = getattr(error, "orig", error)
    # The driver gives no code for a text that is no UTF-8.
    return (
        isinstance(driver, UnicodeDecodeError) or _code(error) in _DAMAGE or "Could not decode to UTF-8" in str(driver)
    )


def is_full(error: BaseException) -> bool:
    """Whether SQLite has no space: for its log and the database, or for the index of the log."""
    return getattr(_driver_error(error), "sqlite_errorname", "") in {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"}


def reason(error: BaseException) -> str:
    """What the driver says."""
    return str(_driver_error(error))


def hint(error: BaseException) -> str:
    """What to do about an error that is no damage."""
    code = _code(error)
    return _OTHER_HINT if code is None else _HINTS.get(code, _OTHER_HINT)


def _code(error: BaseException) -> int | None:
    """SQLite's primary error code."""
    code = getattr(_driver_error(error), "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _driver_error(error: BaseException) -> BaseException:
    driver: BaseException = getattr(error, "orig", None) or error
    return driver


# --- statements -------------------------------------------------------------------------------

_PLUS: custom_op[Any] = custom_op("+")


def insert_or_ignore(model: Any) -> Insert:
    """An INSERT that leaves rows as they are whose key exists."""
    return insert(model).on_conflict_do_nothing()


def upsert(model: Any, keys: Sequence[str], changes: Callable[[Any], Mapping[str, Any]]) -> Insert:
    """An INSERT that updates rows whose `keys` exist; `changes` gives the new values, from the inserted ones."""
    statement = insert(model)
    return statement.on_conflict_do_update(index_elements=keys, set_=dict(changes(statement.excluded)))


def id_list(parameter: str = "ids") -> TextClause:
    """The right side of IN: any number of ids as one parameter, so that the statement is compiled once."""
    return text(f"SELECT value FROM json_each(:{parameter})")


def id_list_value(ids: Iterable[int]) -> str:
    """The value of the parameter of `id_list`."""
    return json.dumps([int(number) for number in ids])


def unindexed(expression: Any) -> UnaryExpression[Any]:
    """The expression, with `+` before it: SQLite then uses no index for it."""
    return UnaryExpression(expression.self_group(), operator=_PLUS)


def has_byte(value: ColumnElement[bytes], byte: bytes) -> ColumnElement[bool]:
    """Whether bytes contain a byte."""
    return func.instr(value, byte) > 0


# --- full text --------------------------------------------------------------------------------

WORDS_SCHEMA = (
    "CREATE VIRTUAL TABLE words USING fts5(name, folder, caption, keyword, tokenize = 'ascii')",
    "CREATE TRIGGER words_gone AFTER DELETE ON photo BEGIN DELETE FROM words WHERE rowid = old.id; END",
    "CREATE TRIGGER words_failed AFTER UPDATE OF error ON photo WHEN new.error IS NOT NULL"
    " BEGIN DELETE FROM words WHERE rowid = new.id; END",
)
"""`ascii` takes every character beyond ASCII for part of a token, so that no table of Unicode's age decides."""

WORDS = table("words", *(column(name) for name in ("rowid", "name", "folder", "caption", "keyword")))
"""The FTS5 table: tokens of a photo, with spaces between them, under the photo's id."""

WORDS_ID = WORDS.c.rowid

BEST_MATCH = text("bm25(words, 8.0, 2.0, 4.0, 6.0)")
"""Sorts the best match first: a file's own name says most, its folder least. Weights in order of the columns."""


def is_match(parameter: str = "expression") -> TextClause:
    """The condition that a row of WORDS matches an expression; its parameter gets a `match_value`."""
    return text(f"words MATCH :{parameter}")


def match_value(query: WordQuery, *, column_name: str = "") -> str:
    """FTS5's expression for a query, if need be in one column; empty if the query asks for no word."""
    asked = " OR ".join(f"({_all_units(units)})" for units in query.texts)
    without = " OR ".join(f"({_all_units(units)})" for units in query.without)
    if asked and without:
        asked = f"({asked}) NOT ({without})"
    return f"{column_name} : ({asked})" if asked and column_name else asked


def names_value(query: NameQuery) -> str:
    """FTS5's expression for the photos that a name may mean, and those in folders that it may mean."""
    asked = " AND ".join(
        "(" + " OR ".join(f'"{" ".join(phrase)}"' + (" *" if unit.is_prefix else "") for phrase in unit.phrases) + ")"
        for unit in query.units
    )
    return f"name : ({asked})" + (f" OR folder : ({asked})" if query.may_be_folder else "")


def beginning_value(units: Sequence[Sequence[str]]) -> str:
    """FTS5's expression for names that have all units, the last of which may be a beginning; empty if there is none."""
    phrases = ['"' + " ".join(unit) + '"' for unit in units]
    return f"name : ({' AND '.join(phrases)} *)" if phrases else ""


def _all_units(units: Units) -> str:
    return " AND ".join(f'"{" ".join(unit)}"' + (" *" if tokens.is_prefix(list(unit)) else "") for unit in units)
