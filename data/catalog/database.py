"""The SQLite file of a library: engine, pragmas, transactions, schema version, and the lock of its one writer.

Durability: write-ahead log with `synchronous=NORMAL`. A killed process loses nothing that was committed. After a
power cut or a crash of the system the last commits may be missing, never half there: SQLite waits for the disk at
checkpoints, not at every commit. What is missing is read again by the next index run, which is what makes that
trade right here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock
from sqlalchemy import URL, Connection, Dialect, Engine, NullPool, Pool, create_engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry

from ... import atomic
from ...errors import DiskFull, LibraryBusy, LibraryError, LibraryMissing
from .sphere import distance_km

log = logging.getLogger("polyglance")

SCHEMA = "0004"
"""Newest Alembic revision; a test compares it with the migrations."""

BUSY_TIMEOUT_MS = 10_000
PATIENCE_SECONDS = 2.0
"""How long a lock is waited for: a watcher holds the writer lock for an instant now and then, and who only asks whether
a lock is free takes it for one."""

DAMAGE_HINT = "Run 'polyglance check --repair'."
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
"""SQLite's primary error code -> what to do, where nothing is damaged."""
_OTHER_HINT = "Run it again with --debug to see where; 'polyglance check' tells whether the catalog is whole."


def open_engine(path: Path, *, create: bool = False) -> Engine:
    """Open the catalog file at `path`, creating or migrating it if `create`.

    That is done under the writer lock: of several processes one does it, the others wait and find it done. Raises
    LibraryMissing if there is no catalog, LibraryError if it is none, or of another version.
    """
    if not create and not path.is_file():
        raise LibraryMissing(f"There is no library at {path.parent}.", "Run 'polyglance index FOLDER' to make one.")
    if create and not _has_content(path):
        _make_folder(path.parent)
        _migrate_in_turn(path)
    engine = _engine(_address(path))
    try:
        schema = _schema(engine, path)
        if schema != SCHEMA and create:
            _migrate_in_turn(path)
        elif schema != SCHEMA:
            raise LibraryError(
                f"The library {path.parent} is of an older version (schema {schema}).",
                "Run 'polyglance index' once to upgrade it.",
            )
    except BaseException:
        engine.dispose()
        raise
    return engine


def migrate(path: Path) -> None:
    """Bring the catalog to the newest schema, making it if there is none; for who holds the writer lock.

    A catalog of an older schema is backed up first. Raises LibraryError.
    """
    engine = _engine(_address(path))
    try:
        schema = _schema(engine, path)
        if schema == SCHEMA:
            return
        from .migrations import known, upgrade

        if schema is not None:
            if schema not in known():
                raise damaged(f"no polyglance made its schema {schema!r}")
            backup(path, schema)
        with writing(engine) as connection:
            upgrade(connection)
    finally:
        engine.dispose()


def _migrate_in_turn(path: Path) -> None:
    """Migrate under the writer lock, however long another process has it: it may be migrating the same catalog."""
    said = ""
    while not _is_newest(path):  # once it is, the other process may go on with something else
        try:
            with _lock(path.parent, "writer", "is being written to", leaves_traces=True):
                migrate(path)
        except LibraryBusy as busy:
            if busy.message != said:
                said = busy.message
                log.warning("%s Waiting for that, because this library must be upgraded first.", said)


def _is_newest(path: Path) -> bool:
    if not _has_content(path):
        return False
    engine = _engine(_address(path))
    try:
        return _schema(engine, path) == SCHEMA
    finally:
        engine.dispose()


def _has_content(path: Path) -> bool:
    """Whether a process has begun to write the catalog; SQLite makes an empty file a moment before."""
    return path.is_file() and path.stat().st_size > 0


def _engine(address: URL, pool: type[Pool] | None = None) -> Engine:
    engine = create_engine(address, poolclass=pool)
    event.listen(engine, "do_connect", _do_connect)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "checkin", _on_checkin)
    event.listen(engine, "begin", _on_begin)
    return engine


@contextlib.contextmanager
def _plain_opening(path: Path) -> Iterator[None]:
    try:
        yield
    except (exc.DatabaseError, sqlite3.DatabaseError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "orig", error))
        hint = DAMAGE_HINT if is_damage(error) else _hint(error)
        raise LibraryError(f"The catalog {path} cannot be opened: {reason}.", hint) from error


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that takes the write lock at its start (a deferred one fails at once under contention).

    Raises LibraryError if SQLite cannot: disk full, a lock that is not freed, a damaged file.
    """
    with _plain_errors(), engine.connect().execution_options(immediate=True) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reading. Raises LibraryError if SQLite cannot."""
    with _plain_errors(), engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def reading_beside(engine: Engine) -> Iterator[Connection]:
    """A new connection, not one of the engine's: for a thread that has one, while other threads may have the rest."""
    beside = _engine(engine.url, NullPool)
    with _plain_errors(), beside.connect() as connection:
        yield connection


def damaged(what: str) -> LibraryError:
    """The error of a catalog in which `what` was found."""
    return LibraryError(f"The catalog is damaged: {what}.", DAMAGE_HINT)


def is_damage(error: BaseException) -> bool:
    """Whether an error of SQLite or its driver says that the file is not what was written."""
    driver = getattr(error, "orig", error)
    # The driver gives no code for a text that is no UTF-8.
    return (
        isinstance(driver, UnicodeDecodeError) or _code(error) in _DAMAGE or "Could not decode to UTF-8" in str(driver)
    )


def _code(error: BaseException) -> int | None:
    """SQLite's primary error code."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _hint(error: BaseException) -> str:
    code = _code(error)
    return _OTHER_HINT if code is None else _HINTS.get(code, _OTHER_HINT)


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Make one line of what SQLite says, with what to do."""
    try:
        yield
    except exc.TimeoutError as error:
        raise LibraryBusy("The library is asked for too much at once.", "Try again in a moment.") from error
    # the driver's own errors, where rows are read past SQLAlchemy
    except (exc.DatabaseError, sqlite3.DatabaseError, UnicodeDecodeError) as error:
        reason = (
            "a text in it is no UTF-8" if isinstance(error, UnicodeDecodeError) else str(getattr(error, "orig", error))
        )
        if is_damage(error):
            raise damaged(reason) from error
        if _is_full(getattr(error, "orig", error)):
            raise DiskFull("The catalog cannot be used: its disk is full.", _hint(error)) from error
        raise LibraryError(f"The catalog cannot be used: {reason}.", _hint(error)) from error


def _is_full(error: BaseException | None) -> bool:
    """Whether SQLite found no space: for its log and the database, or for the index of the log."""
    return getattr(error, "sqlite_errorname", "") in {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"}


def writer_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold the library's writer lock; the operating system frees it when the process ends, however it ends.

    Gives whether the last holder was killed: then it may have left files behind. Raises LibraryBusy, naming the
    process that holds it.
    """
    return _lock(folder, "writer", "is being written to")


def watcher_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold the lock of the one process that watches the library's roots. Raises LibraryBusy, naming who does."""
    return _lock(folder, "watch", "is being watched")


def snapshot_lock(folder: Path) -> AbstractContextManager[bool]:
    """Hold the lock of the one process that writes snapshots of the index. Raises LibraryBusy, naming who does."""
    return _lock(folder, "snapshot", "is having its index written")


def is_watched(folder: Path) -> bool:
    """Whether a process holds the watcher lock at this moment; False in a library that we may only read."""
    return _is_held(folder, "watch", unknown=False)


def is_being_indexed(folder: Path) -> bool:
    """Whether a process writes a snapshot of the index at this moment; also if it is not ours to ask."""
    return _is_held(folder, "snapshot", unknown=True)


def is_being_written(folder: Path) -> bool:
    """Whether the writer lock is held at this moment; also if it is not ours to ask (a library we may only read)."""
    return _is_held(folder, "writer", unknown=True)


def _is_held(folder: Path, name: str, *, unknown: bool) -> bool:
    lock = filelock.FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    except OSError:
        return unknown
    lock.release()
    return False


@contextlib.contextmanager
def _lock(folder: Path, name: str, state: str, *, leaves_traces: bool = False) -> Iterator[bool]:
    """Hold a lock, giving whether its last holder was killed; `leaves_traces` lets the next holder know that too."""
    lock = filelock.FileLock(folder / f"{name}.lock")
    holder = folder / f"{name}.txt"
    try:
        lock.acquire(timeout=PATIENCE_SECONDS)
    except filelock.Timeout:
        who = _read_text(holder) or "another process"
        raise LibraryBusy(f"The library {folder} {state} by {who}.", "Wait until it is done, or stop it.") from None
    except OSError as error:
        raise LibraryError(
            f"The library {folder} cannot be written to: {error.strerror or error}.",
            "Is its disk or folder read-only, or another user's?",
        ) from error
    was_killed = holder.exists()
    try:
        with contextlib.suppress(OSError):  # on a full disk nobody is told who, and what frees space can go on
            holder.write_text(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield was_killed
    finally:
        if not (was_killed and leaves_traces):
            holder.unlink(missing_ok=True)
        lock.release()


def read_only(path: Path) -> dict[str, str] | None:
    """SQLite's URI parameters for a library that we may only read (a read-only disk, another user's); else None."""
    if not path.exists() or os.access(path.parent, os.W_OK):
        return None
    # Without a write-ahead log beside it nobody is writing; SQLite would else insist on making one.
    live = path.with_name(path.name + "-wal").exists()
    return {"mode": "ro"} if live else {"immutable": "1"}


def _address(path: Path) -> URL:
    """Where SQLite finds the file."""
    how = read_only(path)
    if how is None:
        return URL.create("sqlite", database=str(path))
    return URL.create("sqlite", database=path.as_uri(), query={"uri": "true", **how})


def _read_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"The library folder {folder} cannot be made: {error.strerror}.", "Choose another with --library."
        ) from error


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


def _do_connect(dialect: Dialect, record: ConnectionPoolEntry, arguments: Any, options: Any) -> Any:
    """Connect, also where the disk has no space for the index of the log, which processes share.

    Then nobody else has that index open, and it can be in memory: so a library on a full disk can be searched, and can
    forget what takes up the space.
    """
    connection = dialect.connect(*arguments, **options)
    try:
        connection.execute("PRAGMA journal_mode").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if not _is_full(error):
            raise
        connection = dialect.connect(*arguments, **options)
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        record.info["exclusive"] = True
    return connection


def _on_checkin(_connection: object, record: ConnectionPoolEntry) -> None:
    if record.info.get("exclusive"):  # it would keep all others out
        record.invalidate()


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _schema(engine: Engine, path: Path) -> str | None:
    """The catalog's schema, None if it is empty. Raises LibraryError if this polyglance cannot know what it holds."""
    with _plain_opening(path), engine.connect() as connection:
        tables = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
        schema = (
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            if "alembic_version" in tables
            else None
        )
    if schema is not None and not isinstance(schema, str):
        raise damaged("its schema version is no text")
    if schema is not None and schema > SCHEMA:
        raise LibraryError(
            f"The library {path.parent} was made by a newer polyglance (schema {schema}, this one knows {SCHEMA}).",
            "Upgrade polyglance.",
        )
    if schema is None and tables:
        raise LibraryError(f"{path} is a database, but not a polyglance catalog.", "Choose another --library.")
    return schema


def backup(path: Path, schema: str) -> Path:
    """Copy the catalog, of an older `schema`, to a file beside it before it is migrated; return that file.

    It is whole, checked and on the disk when it gets its name. Raises LibraryError if that cannot be done.
    """
    target = path.with_name(f"{path.name}.schema-{schema}.backup")
    try:
        with (
            atomic.whole_file(target) as temporary,
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(temporary)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise sqlite3.DatabaseError(said)
            (there,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            if there != schema:
                raise sqlite3.DatabaseError(f"it is of schema {there} by now")
    except (OSError, sqlite3.Error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise LibraryError(
            f"The library {path.parent} needs an upgrade, but its catalog cannot be backed up first: {reason}.",
            f"Nothing was changed. Free {path.stat().st_size / 1e6:.0f} MB there, or run 'polyglance check --repair'.",
        ) from error
    return target
