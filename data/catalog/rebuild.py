"""A catalog whose file is damaged: kept under another name, and replaced by a fresh one with the rows that can be read.

Rows are copied in order of their rowids, from both ends up to the first that cannot be read, if their seals hold. Own
data that is lost comes from its backup. What else is lost is derived: the next index run makes it from the photos.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ... import atomic
from . import integrity, opening, own_data, plain_sqlite

TABLES = ("setting", "root", "encoder", "photo", "favourite", "vector")
"""What is copied, parents first."""

PARENTS = {"photo": "root", "vector": "encoder"}


@dataclass(frozen=True, slots=True)
class Saved:
    """What is in the fresh catalog: table -> rows, and whether every row of the damaged one is."""

    rows: dict[str, int]
    is_complete: bool


def keep_damaged(path: Path) -> Path:
    """Copy the catalog's files as they are, to `catalog.db.damaged-N`. Raises OSError."""
    target = next(name for n in count(1) if not (name := path.with_name(f"{path.name}.damaged-{n}")).exists())
    for suffix in ("-wal", ""):  # the catalog last: its name says that both are there
        source = path.with_name(path.name + suffix)
        if source.exists() and (not suffix or source.stat().st_size):
            with atomic.whole_file(target.with_name(target.name + suffix)) as temporary:
                shutil.copyfile(source, temporary)
    return target


def rebuild(path: Path, own: own_data.Rows) -> Saved | None:
    """Put a fresh catalog in the place of the one at `path`, which may be missing; None if there is nothing to save.

    For the library's writer. Raises sqlite3.Error, OSError, LibraryError; the catalog then is as it was.
    """
    fresh = path.with_name(f".{path.name}.rebuilt{atomic.SUFFIX}")
    _remove(fresh)
    try:
        opening.migrate(fresh)
        with contextlib.closing(plain_sqlite.connect(fresh)) as target:
            target.execute("BEGIN")
            saved = _fill(target, path, own)
            target.execute("COMMIT")
        if not any(saved.rows.values()):
            return None
        _install(fresh, path)
        return saved
    finally:
        _remove(fresh)


def _fill(target: plain_sqlite.SqliteConnection, path: Path, own: own_data.Rows) -> Saved:
    saved, is_complete = dict.fromkeys(TABLES, 0), path.exists()
    with contextlib.closing(plain_sqlite.connect(path) if path.exists() else sqlite3.connect(":memory:")) as source:
        for table in TABLES:
            if path.exists():
                saved[table], is_whole = _copy(source, target, table)
                is_complete &= is_whole
            if table in own:
                saved[table] += own_data.restore(target, table, own)
    plain_sqlite.fill_words(target)
    integrity.continue_vector_ids(target)
    integrity.bump(target)
    return Saved(saved, is_complete)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """Copy what can be read and is sealed; return how many rows, and whether those are all."""
    names = [row["name"] for row in target.execute(f"PRAGMA table_info({table})")]
    insert = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    parent = PARENTS.get(table)
    parents = {row[0] for row in target.execute(f"SELECT id FROM {parent}")} if parent else set()
    copied, is_whole = 0, True
    for row in _readable(source, table):
        values = {name: row[name] for name in names if row is not None and name in row.keys()}  # noqa: SIM118
        is_placed = parent is None or values.get(f"{parent}_id") in parents
        if not values or not is_placed or not integrity.is_sealed(table, dict.fromkeys(names) | values):
            is_whole = False
        else:
            with contextlib.suppress(sqlite3.IntegrityError, sqlite3.InterfaceError, UnicodeError):
                copied += target.execute(insert, [values.get(name) for name in names]).rowcount
    return copied, is_whole


def _readable(source: sqlite3.Connection, table: str) -> Iterator[sqlite3.Row | None]:
    """Rows upwards to the first that cannot be read, then downwards to the last; None in between."""
    last = 0
    for order in ("ASC", "DESC"):
        try:
            for row in source.execute(
                f"SELECT rowid AS id_, * FROM {table} WHERE rowid > ? ORDER BY rowid {order}", (last,)
            ):
                yield row
                last = row["id_"] if order == "ASC" else last
            return
        except plain_sqlite.ERRORS:
            yield None


def _install(fresh: Path, path: Path) -> None:
    """Put the fresh file in place: by SQLite's backup, one transaction, so that open readers go on; or by renaming."""
    if path.exists():
        try:
            with (
                contextlib.closing(plain_sqlite.connect(fresh)) as source,
                contextlib.closing(plain_sqlite.connect(path)) as live,
            ):
                source.backup(live)
            if plain_sqlite.problem(path) is None:
                return
        except plain_sqlite.ERRORS as error:
            if not plain_sqlite.is_damage(error):
                raise
    atomic.fsync(fresh)
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    fresh.replace(path)
    atomic.fsync_folder(path.parent)


def _remove(fresh: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
