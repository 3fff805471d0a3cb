"""What a shell completes from a library: one short read of its catalog, without the import of SQLAlchemy."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

STATEMENTS = {
    "roots": "SELECT path FROM root ORDER BY path",
    "cameras": "SELECT DISTINCT camera FROM photo WHERE camera IS NOT NULL ORDER BY camera LIMIT 200",
    "encoders": "SELECT DISTINCT name FROM encoder ORDER BY name",
}


def suggestions(catalog: Path, what: Literal["roots", "cameras", "encoders"]) -> list[bytes]:
    """The roots (exact bytes), cameras or encoders (UTF-8) of a catalog. Raises OSError, sqlite3.Error."""
    if not catalog.is_file():
        return []
    with reading_only(catalog) as connection:
        return [bytes(value) for (value,) in connection.execute(STATEMENTS[what])]


@contextlib.contextmanager
def reading_only(catalog: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes nothing, not even the files that SQLite makes to read; texts come as bytes."""
    # Without a write-ahead log nobody has the catalog open; SQLite would make the log's files even to read it.
    how = "mode=ro" if catalog.with_name(f"{catalog.name}-wal").exists() else "immutable=1"
    with contextlib.closing(sqlite3.connect(f"{catalog.as_uri()}?{how}", uri=True, timeout=0.2)) as connection:
        connection.text_factory = bytes
        yield connection
