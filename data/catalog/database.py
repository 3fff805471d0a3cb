"""Connections to a catalog: transactions, read snapshots, and errors as one line with the next step."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, exc

from ...errors import DiskFull, LibraryBusy, LibraryError
from .dialect import dialect

DAMAGE_HINT = "Run 'polyglance check --repair'."


class Database:
    """The connections to the catalog at `path`; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine: Engine = dialect.make_engine(path)
        self._thread = threading.local()

    def close(self) -> None:
        """Close all connections; they come back when they are needed."""
        self._engine.dispose()

    def connect(self) -> Connection:
        """A connection whose errors stay those of SQLAlchemy."""
        return self._engine.connect()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, with the write lock from its start.

        Raises LibraryError if it cannot be made: disk full, a lock that is not freed, a damaged file.
        """
        with (
            plain_errors(),
            self._engine.connect().execution_options(**dialect.WRITE) as connection,
            connection.begin(),
        ):
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading: that of this thread's `read_snapshot`, if there is one. Raises LibraryError."""
        if (connection := self.snapshot) is not None:
            yield connection
            return
        with plain_errors(), self._engine.connect().execution_options(**dialect.READ) as connection:
            yield connection

    @contextlib.contextmanager
    def reading_newest(self) -> Iterator[Connection]:
        """A new connection, beside the pool's: for a thread that has one, while other threads may have the rest."""
        beside = dialect.make_engine(self._path, pooled=False)
        with plain_errors(), beside.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def read_snapshot(self) -> Iterator[None]:
        """Inside, all that this thread reads is of one moment and comes by one connection, which is quicker."""
        if self.snapshot is not None:
            yield
            return
        with self.reading() as connection:
            self._thread.snapshot = connection
            try:
                yield
            finally:
                self._thread.snapshot = None

    @property
    def snapshot(self) -> Connection | None:
        """The connection of this thread's `read_snapshot`."""
        connection: Connection | None = getattr(self._thread, "snapshot", None)
        return connection


def fetch(connection: Connection, statement: Any, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    """The rows of a statement as plain tuples. SQLAlchemy's own rows cost as much again as many a query."""
    cursor = connection.execute(statement, parameters).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def damaged(reason: str) -> LibraryError:
    """The error that the catalog is damaged, and how."""
    return LibraryError(f"The catalog is damaged: {reason}.", DAMAGE_HINT)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Raise LibraryError, one line with the next step, for an error of the database or its driver."""
    try:
        yield
    except exc.TimeoutError as error:
        raise LibraryBusy("The library is asked for too much at once.", "Try again in a moment.") from error
    except dialect.ERRORS as error:
        is_no_text = isinstance(error, UnicodeDecodeError)
        reason = "a text in it is no UTF-8" if is_no_text else dialect.reason(error)
        if dialect.is_damage(error):
            raise damaged(reason) from error
        if dialect.is_full(error):
            full = DiskFull("The catalog cannot be used: its disk is full.", dialect.hint(error))
            raise full.with_code("disk_full") from error
        raise LibraryError(f"The catalog cannot be used: {reason}.", dialect.hint(error)) from error


@contextlib.contextmanager
def plain_opening(path: Path) -> Iterator[None]:
    """The same, while the catalog at `path` is opened: the message names the file."""
    try:
        yield
    except dialect.ERRORS as error:
        hint = DAMAGE_HINT if dialect.is_damage(error) else dialect.hint(error)
        raise LibraryError(f"The catalog {path} cannot be opened: {dialect.reason(error)}.", hint) from error
