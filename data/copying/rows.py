"""Making the tables of one catalog equal to those of another, whatever database each is in.

Rows are compared in the order of their keys, a batch at a time, and what differs is written in one transaction. So it
can be stopped anywhere and repeated: what is there already is only read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, TableClause, delete, func, insert, literal, select, tuple_

from ..catalog import seals
from ..catalog.constructs import WORDS, WORDS_ID
from ..catalog.database import Database, damaged, fetch
from ..catalog.models import Base, Setting
from ..catalog.suggestions import INCOMPLETE

ROWS_AT_ONCE = 1000

TABLES: tuple[TableClause, ...] = (*Base.metadata.sorted_tables, WORDS)
"""All tables, each after those that its rows belong to."""

WITH_IDS = tuple(table.name for table in Base.metadata.sorted_tables if [*table.primary_key.columns.keys()] == ["id"])
"""The tables that give their rows ids."""

Key = tuple[Any, ...]
Step = Callable[[int], None]
"""Called with the number of rows that were done since the last call; may raise to end the work."""


class Content(NamedTuple):
    """What a table holds: its number of rows, and a checksum of all their values in the order of their keys."""

    rows: int
    checksum: str


def count(database: Database) -> int:
    """The number of rows of all tables."""
    with database.reading() as connection:
        return sum(fetch(connection, select(func.count()).select_from(table))[0][0] for table in TABLES)


def make_equal(source: Database, target: Database, table: TableClause, step: Step) -> int:
    """Write to a table of `target` what differs from `source`; return how many rows were written.

    Raises LibraryError if a row of `source` is not what was written.
    """
    written = 0
    last: Key | None = None
    while True:
        with source.reading() as connection:
            rows = fetch(connection, _selection(table, last).limit(ROWS_AT_ONCE))
        require_sealed(table, rows)
        end = _key(table, rows[-1]) if len(rows) == ROWS_AT_ONCE else None
        with target.reading() as connection:
            existing = {_key(table, row): row for row in fetch(connection, _selection(table, last, end))}
        new = [row for row in rows if existing.pop(_key(table, row), None) != row]
        if new or existing:
            _write(target, table, new, existing)
        written += len(new)
        step(len(rows))
        if end is None:
            return written
        last = end


def content(database: Database, table: TableClause, step: Step) -> Content:
    """Read a whole table. Raises LibraryError at a row that is not what was written."""
    checksum, total = hashlib.blake2b(digest_size=16), 0
    for rows in _batches(database, table):
        require_sealed(table, rows)
        for row in rows:
            checksum.update(b"".join(map(seals.encoded, row)))
        total += len(rows)
        step(len(rows))
    return Content(total, checksum.hexdigest())


def clear(database: Database) -> None:
    """Delete all rows, but the mark that the copy is not complete."""
    with database.writing() as connection:
        for table in reversed(TABLES):
            statement = delete(table)
            connection.execute(statement if table is not Setting.__table__ else statement.where(_is_copied()))


def last_ids(database: Database) -> dict[str, int]:
    """The highest id that each table has given."""
    with database.reading() as connection:
        return {name: database.dialect.last_id(connection, name) for name in WITH_IDS}


def continue_ids(database: Database, last: dict[str, int]) -> None:
    """Let new rows get ids above these, and above all that there are."""
    with database.writing() as connection:
        for name, number in last.items():
            database.dialect.continue_ids(connection, name, number)


def require_sealed(table: TableClause, rows: Sequence[Any]) -> None:
    """Raise LibraryError if one of the rows does not have the seal of its values."""
    if table.name not in seals.SEALED:
        return
    names = table.c.keys()
    sealed, seal = [names.index(name) for name in seals.SEALED[table.name]], names.index("seal")
    for row in rows:
        if seals.seal(table.name, *(row[place] for place in sealed)) != row[seal]:
            raise damaged(f"{table.name} {_key(table, row)[0]!r} is not what was written")


def _batches(database: Database, table: TableClause) -> Iterator[list[Any]]:
    last: Key | None = None
    while True:
        with database.reading() as connection:
            rows = fetch(connection, _selection(table, last).limit(ROWS_AT_ONCE))
        if rows:
            yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
        last = _key(table, rows[-1])


def _selection(table: TableClause, after: Key | None, end: Key | None = None) -> Any:
    """The rows with `after` < key <= `end`, in the order of the keys."""
    statement = select(*table.c).order_by(*_key_columns(table))
    if table is Setting.__table__:
        statement = statement.where(_is_copied())
    for key, is_below in ((after, False), (end, True)):
        if key is not None:
            columns = _key_columns(table)
            values = [literal(value, column.type) for value, column in zip(key, columns, strict=True)]
            left, right = (columns[0], values[0]) if len(key) == 1 else (tuple_(*columns), tuple_(*values))
            statement = statement.where(left <= right if is_below else left > right)
    return statement


def _is_copied() -> Any:
    return Setting.key != INCOMPLETE


def _key_columns(table: TableClause) -> list[Any]:
    return list(table.primary_key.columns) if isinstance(table, Table) else [WORDS_ID]


def _key(table: TableClause, row: Any) -> Key:
    names = table.c.keys()
    return tuple(row[names.index(column.name)] for column in _key_columns(table))


def _write(target: Database, table: TableClause, rows: list[Any], superfluous: dict[Key, Any]) -> None:
    names = table.c.keys()
    values = [dict(zip(names, row, strict=True)) for row in rows]
    keys = [column.name for column in _key_columns(table)]
    # Rows of the index of words are made anew: FTS5 has no upsert, and PostgreSQL counts words that come and go.
    dropped = [*superfluous, *(_key(table, row) for row in rows if table is WORDS)]
    with target.writing() as connection:
        for key in dropped:
            own = [column == value for column, value in zip(_key_columns(table), key, strict=True)]
            connection.execute(delete(table).where(*own))
        if values and table is WORDS:
            connection.execute(insert(table), values)
        elif values:
            changed = [name for name in names if name not in keys]
            upsert = target.dialect.upsert(table, keys, lambda new: {name: new[name] for name in changed})
            connection.execute(upsert, values)
