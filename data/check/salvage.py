"""A catalog whose pages are damaged, rebuilt from the rows that can still be read.

Every row that can be read and whose seal holds goes into a fresh catalog beside the damaged one; that one is checked
and then put in its place by SQLite's backup, which is one transaction: readers see the old state or the new, and a
process killed meanwhile leaves the old. The damaged file is kept as `catalog.db.damaged-N`.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .. import atomic
from ..catalog import favourites, opening, seals, sqlite, words

TABLES = ("setting", "root", "encoder", "photo", "favourite", "vector")
"""What is copied, parents first; words are made again from the photos."""

PROBED = 2_000_000
"""Row ids tried one by one where neither end of a table leads to its rows."""

SPARE_IDS = 1 << 20  # skipped when the last vector id given is no longer known

SCHEMA_ROWS = "SELECT rowid, type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"


def connect(path: Path) -> sqlite3.Connection:
    """A plain connection that reads text as it is, whatever its bytes."""
    how = sqlite.read_only(path)
    place = f"{path.as_uri()}?{urlencode(how)}" if how else path
    wait = sqlite.BUSY_TIMEOUT_MS / 1000
    connection = sqlite3.connect(place, isolation_level=None, timeout=wait, uri=bool(how))
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.row_factory = sqlite3.Row
    return connection


def keep_damaged(path: Path) -> Path:
    """Copy the catalog's files as they are, to `catalog.db.damaged-N`. Raises OSError."""
    target = next(name for n in count(1) if not (name := path.with_name(f"{path.name}.damaged-{n}")).exists())
    for suffix in ("-wal", ""):  # the catalog last: its name says that both are there
        source = path.with_name(path.name + suffix)
        if source.exists() and (not suffix or source.stat().st_size):
            with atomic.whole_file(target.with_name(target.name + suffix)) as temporary:
                shutil.copyfile(source, temporary)
    return target


def rebuild(path: Path) -> dict[str, tuple[int, int | None]]:
    """Rebuild the catalog; return table -> (rows saved, rows there were, None if that cannot be told).

    For the library's writer. Raises sqlite3.Error, OSError, LibraryError; the catalog then is as it was.
    """
    fresh = path.with_name(f".{path.name}.rebuilt{atomic.SUFFIX}")
    _remove(fresh)
    try:
        opening.migrate(fresh)
        with contextlib.closing(connect(fresh)) as target:
            with contextlib.closing(connect(path)) as source:
                source.execute("PRAGMA query_only=ON")
                target.execute("BEGIN")
                there = [table for table in TABLES if _has(source, table)]
                result = {table: (_copy(source, target, table), _count(source, table)) for table in there}
                words.fill(target)
                _continue_ids(source, target)
                target.execute("COMMIT")
            said = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise sqlite3.DatabaseError(said)
            with contextlib.closing(connect(path)) as live:
                target.backup(live)
    finally:
        _remove(fresh)
    return result


def rows(source: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row]:
    """Every row that can be read: upwards to the first damage, downwards to the last, one by one in between."""
    statement = f"SELECT rowid AS id_, * FROM {table}"
    low, high = 0, None
    try:
        for row in source.execute(f"{statement} WHERE rowid > 0 ORDER BY rowid"):
            yield row
            low = row["id_"]
        return
    except sqlite3.DatabaseError:
        pass
    try:
        for row in source.execute(f"{statement} WHERE rowid > ? ORDER BY rowid DESC", (low,)):
            yield row
            high = row["id_"]
    except sqlite3.DatabaseError:
        pass
    if high is None:
        if not low:
            return  # not even the way to the rows is there
        high = _last_id(source, table) + 1
    for rowid in range(low + 1, min(high, low + PROBED)):
        try:
            yield from source.execute(f"{statement} WHERE rowid = ?", (rowid,)).fetchall()
        except sqlite3.DatabaseError:
            continue


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    names = [row["name"] for row in target.execute(f"PRAGMA table_info({table})")]
    marks = ", ".join("?" * len(names))
    insert = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})"
    parents = _parents(target, table)
    saved = 0
    row: Any
    for row in rows(source, table):
        if "photo_id" in row.keys():  # noqa: SIM118 - of a Row
            row = _mark_of_content(target, row)
        values = {name: row[name] if name in row.keys() else None for name in names}  # noqa: SIM118 - of a Row
        if parents is not None and values[f"{parents[0]}_id"] not in parents[1]:
            continue
        right = _seal(table, values)
        if "seal" not in row.keys():  # noqa: SIM118 - an older schema: taken at its word
            values["seal"] = right
        if right is None or values["seal"] != right:
            continue
        with contextlib.suppress(sqlite3.IntegrityError, sqlite3.InterfaceError, UnicodeError):
            saved += target.execute(insert, list(values.values())).rowcount
    return saved


def _mark_of_content(target: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """A favourite of schema 0003, which is a photo's, as one of the photo's content; see migration 0004."""
    photo_id, marked_at = row["photo_id"], row["marked_at"]
    try:
        right = seals.seal("favourite", photo_id, marked_at)
    except TypeError:
        return {"seal": None}
    there = target.execute("SELECT content_hash FROM photo WHERE id = ?", (photo_id,)).fetchone()
    if right != row["seal"] or there is None:
        return {"seal": None}
    key = there["content_hash"]
    if key is None:
        key = favourites.placeholder(photo_id)
        target.execute("UPDATE photo SET hash_before = ? WHERE id = ?", (key, photo_id))
    values = {"content_hash": key, "marked_at": marked_at}
    return values | {"seal": seals.seal_row("favourite", values)}


def _has(source: sqlite3.Connection, table: str) -> bool:
    """Whether there is such a table, as an older schema may not; if that cannot be told, there is."""
    try:
        wanted = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return source.execute(wanted, (table,)).fetchone() is not None
    except sqlite3.DatabaseError:
        return True


def _seal(table: str, values: dict[str, Any]) -> bytes | None:
    try:
        return seals.seal_row(table, values)
    except TypeError:
        return None


def _parents(target: sqlite3.Connection, table: str) -> tuple[str, set[int]] | None:
    parent = {"photo": "root", "vector": "encoder"}.get(table)
    return (parent, {row["id"] for row in target.execute(f"SELECT id FROM {parent}")}) if parent else None


def _count(source: sqlite3.Connection, table: str) -> int | None:
    try:
        return int(source.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    except sqlite3.DatabaseError:
        return None


def _last_id(source: sqlite3.Connection, table: str) -> int:
    index = {"photo": "photo_content_hash", "vector": "vector_seal"}.get(table)
    try:
        return int(source.execute(f"SELECT max(rowid + 0) FROM {table} INDEXED BY {index}").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError, ValueError):
        return 0


def _continue_ids(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Vector ids go on above all that were ever given: an index in memory follows by them."""
    highest = target.execute("SELECT coalesce(max(id), 0) FROM vector").fetchone()[0]
    try:
        given = source.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vector'").fetchone()
    except sqlite3.DatabaseError:
        given = None
    known = given is not None and isinstance(given[0], int) and highest <= given[0] < highest + (1 << 40)
    target.execute("DELETE FROM sqlite_sequence WHERE name = 'vector'")
    target.execute(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('vector', ?)", (given[0] if known else highest + SPARE_IDS,)
    )


def _remove(fresh: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
