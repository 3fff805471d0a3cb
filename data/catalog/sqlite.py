"""SQLite: all that the catalog does in the way of this one database. No other module of `data/` names its constructs.

Exceptions: the migrations create this schema, `data/check/` repairs this file format, and `models` has options that
SQLAlchemy reserves for one dialect (`sqlite_where`). `dialect.Dialect` says what a dialect module provides.

Durability: write-ahead log with `synchronous=NORMAL`. A killed process loses nothing that was committed. After a power
cut or a crash of the system the last commits may be missing, but none is there in part: SQLite waits for the disk at
checkpoints, not at every commit. The next index run reads again what is missing, so the trade costs only time.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, NullPool, Pool, create_engine, event, exc, text
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import ConnectionPoolEntry

from .constructs import WORDS_ID, DistanceKm, Floor, HasByte, IdList, IsMatch, Unindexed
from .dialect import WEIGHTS
from .expression import AllOf, AnyOf, Expression, Phrase
from .sphere import distance_km

BUSY_TIMEOUT_MS = 10_000

READ: dict[str, Any] = {}
WRITE: dict[str, Any] = {"immediate": True}
"""Options of a connection. A deferred transaction that begins to write fails at once under contention; an immediate one
waits."""

# --- engine -----------------------------------------------------------------------------------


def make_engine(path: Path, url: str = "", *, pooled: bool = True) -> Engine:
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


def display(path: Path, url: str = "") -> str:
    """The file's path."""
    return str(path)


def exists(path: Path, url: str = "") -> bool:
    """Whether a process has begun to write the catalog; an empty file is made a moment before."""
    return path.is_file() and path.stat().st_size > 0


class NoLocks:
    """No locks: the files of `locks` are all that other processes can see, because the catalog is on this machine."""

    holder: int | None = None

    def acquire(self, name: str, number: int = 0, *, shared: bool = False, patience: float = 0) -> None:
        """Nothing to take."""

    def release(self, name: str, number: int = 0, *, shared: bool = False) -> None:
        """Nothing to free."""


@contextlib.contextmanager
def lock_session(engine: Engine) -> Iterator[NoLocks]:
    """See `NoLocks`."""
    yield NoLocks()


def lock_holder(engine: Engine, name: str, number: int = 0, *, exclusively: bool = False) -> str | None:
    """Nobody: see `NoLocks`."""
    return None


def require_held(connection: Connection, holder: int) -> None:
    """Nothing to require: see `NoLocks`."""


def copy(source: Path, target: Path, schema: str) -> None:
    """Copy a catalog of this `schema`, which may be in use, to one file, and check the copy.

    Raises sqlite3.Error, with the reason, if the catalog cannot be copied, or if the copy is damaged or of another
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

ERRORS = (exc.DatabaseError, sqlite3.Error, UnicodeDecodeError)
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


def is_unavailable(error: BaseException) -> bool:
    """A file needs no server."""
    return False


def reason(error: BaseException) -> str:
    """What the driver says."""
    is_no_text = isinstance(error, UnicodeDecodeError)
    return "a text in it is no UTF-8" if is_no_text else str(_driver_error(error))


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


def insert_or_ignore(model: Any) -> Insert:
    """An INSERT that leaves rows as they are whose key exists."""
    return insert(model).on_conflict_do_nothing()


def upsert(model: Any, keys: Sequence[str], changes: Callable[[Any], Mapping[str, Any]]) -> Insert:
    """An INSERT that updates rows whose `keys` exist; `changes` gives the new values, from the inserted ones."""
    statement = insert(model)
    return statement.on_conflict_do_update(index_elements=keys, set_=dict(changes(statement.excluded)))


def last_id(connection: Connection, table: str) -> int:
    """The highest id that a table has given; the highest there is, if it may give ids again."""
    highest = f"SELECT max(id) AS id FROM {table} UNION ALL SELECT seq FROM sqlite_sequence WHERE name = '{table}'"
    (number,) = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM ({highest})").one()
    return int(number)


def continue_ids(connection: Connection, table: str, last: int = 0) -> None:
    """Let new ids be above `last` in a table that gives none twice. Above the highest there is they are anyway."""
    connection.exec_driver_sql(f"UPDATE sqlite_sequence SET seq = {last} WHERE name = '{table}' AND seq < {last}")
    if _is_numbered(connection, table):
        missing = f"NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')"
        connection.exec_driver_sql(f"INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', {last} WHERE {missing}")


def _is_numbered(connection: Connection, table: str) -> bool:
    statement = f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '{table}'"
    return "AUTOINCREMENT" in connection.exec_driver_sql(statement).scalar_one().upper()


@compiles(IdList, "sqlite")
def _id_list(element: IdList, compiler: Any, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(Unindexed, "sqlite")
def _unindexed(element: Unindexed, compiler: Any, **options: Any) -> str:
    """With `+` before an expression SQLite uses no index for it."""
    return f"+({compiler.process(element.clauses, **options)})"


@compiles(HasByte, "sqlite")
def _has_byte(element: HasByte, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


@compiles(Floor, "sqlite")
def _floor(element: Floor, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


@compiles(DistanceKm, "sqlite")
def _distance_km(element: DistanceKm, compiler: Any, **options: Any) -> str:
    return f"distance_km({compiler.process(element.clauses, **options)})"


# --- full text --------------------------------------------------------------------------------

WORDS_SCHEMA = (
    "CREATE VIRTUAL TABLE words USING fts5(name, folder, caption, keyword, tokenize = 'ascii')",
    "CREATE TRIGGER words_gone AFTER DELETE ON photo BEGIN DELETE FROM words WHERE rowid = old.id; END",
    "CREATE TRIGGER words_failed AFTER UPDATE OF error ON photo WHEN new.error IS NOT NULL"
    " BEGIN DELETE FROM words WHERE rowid = new.id; END",
)
"""`ascii` takes every character beyond ASCII for part of a token, so that no table of Unicode's age decides."""

_BEST_MATCH = text(f"bm25(words, {', '.join(map(str, WEIGHTS.values()))})")


def words_schema() -> tuple[str, ...]:
    """The statements that make the index of words, empty."""
    return WORDS_SCHEMA


@compiles(IsMatch, "sqlite")
def _is_match(element: IsMatch, compiler: Any, **options: Any) -> str:
    return f"words MATCH {compiler.process(element.clauses, **options)}"


def best_first(
    connection: Connection, statement: Any, expression: Expression, limit: int | None
) -> list[tuple[Any, ...]]:
    """The rows of a statement over WORDS, the best match first: FTS5's own order."""
    ordered = statement.order_by(_BEST_MATCH, WORDS_ID).limit(limit)
    cursor = connection.execute(ordered, {"expression": expression}).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def expression_text(expression: Expression) -> str:
    """FTS5's expression."""
    if isinstance(expression, Phrase):
        phrase = '"' + " ".join(expression.tokens) + '"' + (" *" if expression.is_prefix else "")
        return f"{expression.column} : {phrase}" if expression.column else phrase
    if isinstance(expression, AllOf | AnyOf):
        joint = " AND " if isinstance(expression, AllOf) else " OR "
        return joint.join(f"({expression_text(part)})" for part in expression.parts)
    return f"({expression_text(expression.included)}) NOT ({expression_text(expression.excluded)})"
