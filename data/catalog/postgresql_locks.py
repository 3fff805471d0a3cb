"""PostgreSQL's advisory locks that outlast a transaction. See `dialect`.

They belong to a connection of their own. The server frees them when the connection ends, so every transaction of their
holder proves first that the connection still holds them. A proxy that gives connections to other clients between
transactions (PgBouncer's transaction mode) cannot be used for them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from ...errors import LibraryBusy
from .dialect import LockHeld

ATTEMPTS_PER_SECOND = 20

# The first number of an advisory lock says what it is for, the second whose it is.
_LOCKS = {
    "write": 0x706F0001,
    "writer": 0x706F0002,
    "watch": 0x706F0003,
    "root": 0x706F0004,
    "setup": 0x706F0005,
    "labels": 0x706F0006,
}
_OWN = "hashtext(current_schema())"
_OWN_NUMBERED = "hashtext(current_schema() || '/' || {number})"

WRITE_LOCK = f"{_LOCKS['write']}, {_OWN}"
"""The arguments of the lock that every writing transaction takes."""

_HOLDER = (
    "SELECT application_name, to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS') FROM pg_locks JOIN pg_stat_activity"
    " USING (pid) WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database"
    " WHERE datname = current_database()) AND classid = {name} AND objid = ({whose}::bigint & 4294967295)::oid"
    " AND mode IN ({modes}) ORDER BY backend_start LIMIT 1"
)
_IS_HELD = text(
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :holder AND database = (SELECT oid FROM"
    f" pg_database WHERE datname = current_database()) AND classid = {_LOCKS['writer']}"
    f" AND objid = ({_OWN}::bigint & 4294967295)::oid"
)


@dataclass(frozen=True)
class LockSession:
    """A connection that holds locks. It may take one several times, and frees it as often."""

    connection: Any

    @property
    def holder(self) -> int | None:
        """The server's number of this connection."""
        number: int = self.connection.info.backend_pid
        return number

    def acquire(self, name: str, number: int = 0, *, shared: bool = False, patience: float = 0) -> None:
        """Take a lock; wait for it up to `patience` seconds. Raises LockHeld.

        Once it is held, no transaction of an earlier holder is under way.
        """
        arguments, end = _arguments(name, number), time.monotonic() + patience
        function = f"pg_try_advisory_lock{'_shared' if shared else ''}"
        while not self.connection.execute(f"SELECT {function}({arguments})").fetchone()[0]:
            if time.monotonic() >= end:
                row = self.connection.execute(_holder_statement(name, number)).fetchone()
                raise LockHeld(_described(row) or "another process")
            time.sleep(1 / ATTEMPTS_PER_SECOND)
        self.connection.execute(f"SELECT pg_advisory_lock({WRITE_LOCK})")
        self.connection.execute(f"SELECT pg_advisory_unlock({WRITE_LOCK})")

    def release(self, name: str, number: int = 0, *, shared: bool = False) -> None:
        """Free a lock once."""
        self.connection.execute(f"SELECT pg_advisory_unlock{'_shared' if shared else ''}({_arguments(name, number)})")


@contextlib.contextmanager
def lock_session(engine: Engine) -> Iterator[LockSession]:
    """A connection of its own that holds locks until it is closed."""
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    pooled.detach()
    try:
        connection.autocommit = True
        # A holder's machine that is cut off is noticed; the server's default is two hours.
        for setting in ("keepalives_idle = 30", "keepalives_interval = 10", "keepalives_count = 3"):
            connection.execute(f"SET tcp_{setting}")
        connection.execute("SET lock_timeout = 0")  # a long transaction of another run is waited for
        yield LockSession(connection)
    finally:
        connection.close()


def lock_holder(engine: Engine, name: str, number: int = 0, *, exclusively: bool = False) -> str | None:
    """Who holds a lock now, or who holds it `exclusively`; None if nobody does."""
    with engine.connect() as connection:
        statement = _holder_statement(name, number, exclusively=exclusively)
        return _described(connection.exec_driver_sql(statement).first())


def require_held(connection: Connection, holder: int) -> None:
    """Raise LibraryBusy if the connection that held the writer lock has ended: another process may be writing."""
    if connection.execute(_IS_HELD, {"holder": holder}).first() is None:
        raise LibraryBusy("The writer lock was lost: the database ended its connection.", "Run the same command again.")


def _whose(number: int) -> str:
    return _OWN_NUMBERED.format(number=number) if number else _OWN


def _arguments(name: str, number: int) -> str:
    return f"{_LOCKS[name]}, {_whose(number)}"


def _holder_statement(name: str, number: int, *, exclusively: bool = False) -> str:
    modes = "'ExclusiveLock'" if exclusively else "'ExclusiveLock', 'ShareLock'"
    return _HOLDER.format(name=_LOCKS[name], whose=_whose(number), modes=modes)


def _described(row: Any) -> str | None:
    if row is None:
        return None
    name, since = row
    return f"{name or 'another process'} since {since}" if since else name or "another process"
