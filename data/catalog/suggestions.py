"""Short reads of a catalog, which write nothing and import no SQLAlchemy: for a shell's completion and `overview`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

CONNECT_SECONDS = 2

STATEMENTS = {
    "roots": "SELECT path FROM root ORDER BY path",
    "cameras": "SELECT DISTINCT camera FROM photo WHERE camera IS NOT NULL ORDER BY camera LIMIT 200",
    "encoders": "SELECT DISTINCT name FROM encoder ORDER BY name",
}

INCOMPLETE = "incomplete"
"""The setting of a copy that is not complete: its value says of which library it is one."""


class Reader(Protocol):
    """A connection that only reads."""

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """Execute a statement with `?` for values; gives a cursor."""


def suggestions(catalog: Path, url: str, what: Literal["roots", "cameras", "encoders"]) -> list[bytes]:
    """The roots (exact bytes), cameras or encoders (UTF-8) of a catalog; none of a copy that is not complete.

    Raises OSError, sqlite3.Error.
    """
    if not url and not catalog.is_file():
        return []
    with reading_only(catalog, url) as connection:
        if is_incomplete(connection):
            return []
        return [as_bytes(value) for (value,) in connection.execute(STATEMENTS[what])]


def is_incomplete(connection: Reader) -> bool:
    """Whether the catalog is a copy that is not complete."""
    ((marks,),) = connection.execute("SELECT count(*) FROM setting WHERE key = ?", (INCOMPLETE,))
    return bool(marks)


def as_bytes(value: Any) -> bytes:
    """A text or bytes, as a database gives them, as bytes."""
    return value.encode() if isinstance(value, str) else bytes(value)


@contextlib.contextmanager
def reading_only(catalog: Path, url: str = "") -> Iterator[Reader]:
    """A connection to the catalog at a path, or in the database at `url`. Raises OSError, sqlite3.Error."""
    opened: contextlib.AbstractContextManager[Reader] = _of_database(url) if url else _of_file(catalog)
    with opened as connection:
        yield connection


@contextlib.contextmanager
def _of_file(catalog: Path) -> Iterator[sqlite3.Connection]:
    """Writes not even the files that SQLite makes to read; texts come as bytes."""
    # Without a write-ahead log nobody has the catalog open; SQLite would make the log's files even to read it.
    how = "mode=ro" if catalog.with_name(f"{catalog.name}-wal").exists() else "immutable=1"
    with contextlib.closing(sqlite3.connect(f"{catalog.as_uri()}?{how}", uri=True, timeout=0.2)) as connection:
        connection.text_factory = bytes
        yield connection


@contextlib.contextmanager
def _of_database(url: str) -> Iterator[Reader]:
    """Waits no longer than a person at a terminal does. FileNotFoundError if there is no catalog."""
    try:
        import psycopg
    except ImportError as error:
        raise OSError("psycopg is not installed") from error

    class PostgresqlReader:
        def execute(self, statement: str, values: Any = (), /) -> Any:
            return connection.execute(statement.replace("?", "%s"), tuple(values))

    try:
        address = "postgresql:" + url.partition(":")[2]
        with psycopg.connect(address, connect_timeout=CONNECT_SECONDS) as connection:
            connection.read_only = True
            yield PostgresqlReader()
    except psycopg.errors.UndefinedTable as error:
        raise FileNotFoundError(str(error)) from error
    except psycopg.Error as error:
        raise OSError(str(error)) from error
