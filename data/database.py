"""The SQLite file of a library: engine, pragmas, transactions, schema version, and the lock of its one writer.

Durability: write-ahead log with `synchronous=NORMAL`. A killed process loses nothing that was committed. After a
power cut or a crash of the system the last commits may be missing, never half there: SQLite waits for the disk at
checkpoints, not at every commit. What is missing is read again by the next index run, which is what makes that
trade right here.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc

from ..errors import LibraryBusy, LibraryError, LibraryMissing
from . import atomic
from .sphere import distance_km

SCHEMA = "0004"
"""Newest Alembic revision; a test compares it with the migrations."""

BUSY_TIMEOUT_MS = 10_000
PATIENCE_SECONDS = 2.0
"""How long a lock is waited for: a watcher holds the writer lock for an instant now and then, and who only asks whether
a lock is free takes it for one."""

_HINTS = {
    "disk is full": "Free some space on its disk, then run the same command to go on.",
    "locked": "Another process holds it; try again.",
    "readonly": "Its disk or folder is read-only.",
    "disk I/O error": "Its disk fails or was taken away; check the disk.",
    "unable to open": "Are its files still there, and may you read them?",
}
"""What SQLite says of trouble that is no damage -> what to do."""


def open_engine(path: Path, *, create: bool = False) -> Engine:
    """Open the catalog file at `path`, creating or migrating it if `create`.

    Raises LibraryMissing if there is none, LibraryError if it is no catalog, or of another version.
    """
    if not create and not path.is_file():
        raise LibraryMissing(f"There is no library at {path.parent}.", "Run 'polyglance index FOLDER' to make one.")
    if create:
        _make_folder(path.parent)
    engine = create_engine(_address(path))
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    try:
        _require_schema(engine, path, migrate=create)
    except (exc.DatabaseError, sqlite3.DatabaseError, UnicodeDecodeError) as error:
        engine.dispose()
        reason = str(getattr(error, "orig", error))
        raise LibraryError(
            f"The catalog {path} cannot be opened: {reason}.",
            "Is the disk full or read-only? If not, run 'polyglance check --repair'.",
        ) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


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


def damaged(what: str) -> LibraryError:
    """The error of a catalog in which `what` was found."""
    return LibraryError(f"The catalog is damaged: {what}.", "Run 'polyglance check --repair'.")


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Make one line of what SQLite says, with what to do."""
    try:
        yield
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:  # the driver's own, where rows are read past SQLAlchemy
        reason = str(getattr(error, "orig", error))
        for said, hint in _HINTS.items():
            if said in reason:
                raise LibraryError(f"The catalog cannot be used: {reason}.", hint) from error
        raise damaged(reason) from error
    except UnicodeDecodeError as error:  # the driver's own, over a damaged text
        raise damaged("a text in it is no UTF-8") from error


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
def _lock(folder: Path, name: str, state: str) -> Iterator[bool]:
    lock = filelock.FileLock(folder / f"{name}.lock")
    holder = folder / f"{name}.txt"
    try:
        lock.acquire(timeout=PATIENCE_SECONDS)
    except filelock.Timeout:
        who = _read_text(holder) or "another process"
        raise LibraryBusy(f"The library {folder} {state} by {who}.", "Wait until it is done, or stop it.") from None
    was_killed = holder.exists()
    try:
        holder.write_text(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield was_killed
    finally:
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


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _require_schema(engine: Engine, path: Path, *, migrate: bool) -> None:
    with engine.connect() as connection:
        tables = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
        found = (
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            if "alembic_version" in tables
            else None
        )
    if found is not None and not isinstance(found, str):
        raise damaged("its schema version is no text")
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        raise LibraryError(
            f"The library {path.parent} was made by a newer polyglance (schema {found}, this one knows {SCHEMA}).",
            "Upgrade polyglance.",
        )
    if found is None and tables:
        raise LibraryError(f"{path} is a database, but not a polyglance catalog.", "Choose another --library.")
    if not migrate:
        raise LibraryError(
            f"The library {path.parent} is of an older version (schema {found}).",
            "Run 'polyglance index' once to upgrade it.",
        )
    from .migrations import known, upgrade

    if found is not None:
        if found not in known():
            raise damaged(f"no polyglance made its schema {found!r}")
        backup(path, found)
    with writing(engine) as connection:
        upgrade(connection)


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
    except (OSError, sqlite3.Error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise LibraryError(
            f"The library {path.parent} needs an upgrade, but its catalog cannot be backed up first: {reason}.",
            f"Nothing was changed. Free {path.stat().st_size / 1e6:.0f} MB there, or run 'polyglance check --repair'.",
        ) from error
    return target
