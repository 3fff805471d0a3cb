"""Connections to a catalog: transactions, read snapshots, and errors as one line with the next step."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, exc

from ...errors import CatalogUnavailable, DiskFull, LibraryBusy, LibraryError
from . import dialect as dialects
from .dialect import Dialect, LockHeld, LockSession
from .locks import PATIENCE_SECONDS, WRITTEN, busy

DAMAGE_HINT = "Run 'polyglance check --repair'."


class Database:
    """The connections to a catalog; safe to use from several threads.

    It is in the file at `path`, or in the database at `url`; the library's folder is that of `path` in both cases.
    """

    def __init__(self, path: Path, url: str = "") -> None:
        self.path, self.url = path, url
        self.dialect: Dialect = dialects.for_url(url)
        self._engine: Engine = self.dialect.make_engine(path, url)
        self._beside: Engine | None = None
        self._thread = threading.local()
        self._one_writer = threading.Lock()
        self._holder: int | None = None
        """Who holds the lock of this process, if it is one that can be lost: it is checked in every transaction."""

    def __str__(self) -> str:
        return self.dialect.display(self.path, self.url)

    def close(self) -> None:
        """Close all connections; they come back when they are needed."""
        self._engine.dispose()
        if self._beside is not None:
            self._beside.dispose()

    def connect(self) -> Connection:
        """A connection whose errors stay those of SQLAlchemy."""
        return self._engine.connect()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, with the write lock from its start.

        Raises LibraryError if it cannot be made: disk full, a lock that is not freed, a damaged file.
        """
        with (
            plain_errors(self.dialect),
            self._engine.connect().execution_options(
                **self.dialect.WRITE, in_run=self._holder is not None
            ) as connection,
            connection.begin(),
        ):
            if self._holder is not None:
                self.dialect.require_held(connection, self._holder)
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading: that of this thread's `read_snapshot`, if there is one. Raises LibraryError."""
        if (connection := self.snapshot) is not None:
            yield connection
            return
        with plain_errors(self.dialect), self._engine.connect().execution_options(**self.dialect.READ) as connection:
            yield connection

    @contextlib.contextmanager
    def reading_newest(self) -> Iterator[Connection]:
        """A connection beside the pool's: for a thread that has one, while other threads may have the rest."""
        with plain_errors(self.dialect), self.beside.connect() as connection:
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

    # --- locks that other machines see ---

    @property
    def beside(self) -> Engine:
        """The engine of connections beside the pool's."""
        if self._beside is None:
            self._beside = self.dialect.make_engine(self.path, self.url, pooled=False)
        return self._beside

    @contextlib.contextmanager
    def locked(self, name: str, state: str) -> Iterator[None]:
        """Hold one of the catalog's locks; `state` says what the library is while it is held.

        Raises LibraryBusy, naming the holder. While the lock "writer" is held, `writing` raises LibraryBusy if it was
        lost: after a restart of the server another process may have it.
        """
        with self.lock_session() as session:
            self.acquire(session, name, state)
            with self._holding(session) if name == "writer" else contextlib.nullcontext():
                yield

    @contextlib.contextmanager
    def sharing(self) -> Iterator[LockSession]:
        """Hold the lock "writer" together with others who do so; gives what takes further locks. Raises LibraryBusy.

        `writing` raises LibraryBusy if it was lost. One thread of a process does so at a time.
        """
        if not self._one_writer.acquire(timeout=PATIENCE_SECONDS):
            raise busy(self.path.parent, WRITTEN, "this process")
        try:
            with self.lock_session() as session:
                self.acquire(session, "writer", WRITTEN, shared=True)
                with self._holding(session):
                    yield session
        finally:
            self._one_writer.release()

    @contextlib.contextmanager
    def lock_session(self) -> Iterator[LockSession]:
        """What takes locks that other machines see. Raises LibraryError."""
        with contextlib.ExitStack() as stack:
            with plain_errors(self.dialect):
                session = stack.enter_context(self.dialect.lock_session(self.beside))
            yield session

    def acquire(
        self, session: LockSession, name: str, state: str, *, shared: bool = False, patience: float = PATIENCE_SECONDS
    ) -> None:
        """Take a lock of the whole library. Raises LibraryBusy, naming the holder."""
        with plain_errors(self.dialect):
            try:
                session.acquire(name, shared=shared, patience=patience)
            except LockHeld as held:
                raise busy(self.path.parent, state, str(held)) from None

    @contextlib.contextmanager
    def _holding(self, session: LockSession) -> Iterator[None]:
        self._holder = session.holder
        try:
            yield
        finally:
            self._holder = None

    def holds_lock_of(self, other: Database) -> bool:
        """Whether the writer lock that `other` holds is a lock of this database: then both are the same one."""
        if other._holder is None or self.url == "":
            return False
        with plain_opening(self), self.connect() as connection:
            try:
                self.dialect.require_held(connection, other._holder)
            except LibraryBusy:
                return False
        return True

    def lock_holder(self, name: str, *, exclusively: bool = False) -> str | None:
        """Who holds one of the catalog's locks; None if nobody does, or if the catalog has only locks of files."""
        with plain_errors(self.dialect):
            return self.dialect.lock_holder(self.beside, name, exclusively=exclusively)


def fetch(connection: Connection, statement: Any, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    """The rows of a statement as plain tuples. SQLAlchemy's own rows cost as much again as many a query."""
    cursor = connection.execute(statement, parameters).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def damaged(reason: str) -> LibraryError:
    """The error that the catalog is damaged, and how."""
    return LibraryError(f"The catalog is damaged: {reason}.", DAMAGE_HINT)


@contextlib.contextmanager
def plain_errors(dialect: Dialect) -> Iterator[None]:
    """Raise LibraryError, one line with the next step, for an error of the database or its driver."""
    try:
        yield
    except exc.TimeoutError as error:
        raise LibraryBusy("The library is asked for too much at once.", "Try again in a moment.") from error
    except dialect.ERRORS as error:
        if dialect.is_damage(error):
            raise damaged(dialect.reason(error)) from error
        if dialect.is_full(error):
            full = DiskFull("The catalog cannot be used: its disk is full.", dialect.hint(error))
            raise full.with_code("disk_full") from error
        kind = CatalogUnavailable if dialect.is_unavailable(error) else LibraryError
        raise kind(f"The catalog cannot be used: {dialect.reason(error)}.", dialect.hint(error)) from error


@contextlib.contextmanager
def plain_opening(database: Database) -> Iterator[None]:
    """The same, while a catalog is opened: the message names it."""
    dialect = database.dialect
    try:
        yield
    except dialect.ERRORS as error:
        hint = DAMAGE_HINT if dialect.is_damage(error) else dialect.hint(error)
        raise LibraryError(f"The catalog {database} cannot be opened: {dialect.reason(error)}.", hint) from error
