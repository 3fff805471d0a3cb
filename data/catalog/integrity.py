"""The statements of `polyglance check` about the catalog's rows, and their repairs, for every database.

They use plain connections (`plain_sqlite`, `plain_postgresql`), which read rows of any type.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from . import seals
from .records import NEVER_SEEN

ROWS_AT_ONCE = 2000
SPARE_IDS = 1 << 20
"""Vector ids that are skipped when the last one given is not known."""

TO_READ = "its record was damaged; the next index run reads it again"


class CheckedConnection(Protocol):
    """A connection of any database for the statements about rows. Rows have their values by name and by number."""

    HASH_BEFORE: ClassVar[str]
    OR_IGNORE: ClassVar[tuple[str, str]]
    VECTOR_IDS: ClassVar[tuple[str, ...]]
    CASCADES: ClassVar[bool]
    """Whether the rows that belong to a row go with it."""

    def key(self, table: str) -> tuple[str, Any]:
        """The column that rows are read and deleted by, and a value below all of it."""

    def execute(self, statement: str, values: Any = (), /) -> Any:
        """Execute a statement with `?` for values; gives a cursor."""

    def executemany(self, statement: str, values: Any, /) -> Any:
        """Execute a statement for each of several rows of values; gives a cursor."""


def is_sealed(table: str, row: Any) -> bool:
    """Whether a row has the seal of its values."""
    try:
        return bool(seals.seal(table, *(row[name] for name in seals.SEALED[table])) == row["seal"])
    except TypeError:
        return False


# --- rows, in the caller's transaction --------------------------------------------------------------------------------


def rows(db: CheckedConnection, table: str) -> Iterator[Any]:
    """All rows by ascending key (`id_`), some thousand in memory; they may be changed meanwhile."""
    key, last = db.key(table)
    statement = f"SELECT {key} AS id_, * FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {ROWS_AT_ONCE}"
    while batch := db.execute(statement, (last,)).fetchall():
        yield from batch
        last = batch[-1]["id_"]


def counts(db: CheckedConnection) -> tuple[int, int]:
    """(photos that can be found, vectors)."""
    photos = db.execute("SELECT count(*) FROM photo WHERE error IS NULL").fetchone()[0]
    return int(photos), int(db.execute("SELECT count(*) FROM vector").fetchone()[0])


def parentless(db: CheckedConnection, table: str, parent: str) -> list[int]:
    """Ids of the rows of `table` whose `parent` is not there."""
    statement = f"SELECT id FROM {table} WHERE {parent}_id NOT IN (SELECT id FROM {parent})"
    return [row["id"] for row in db.execute(statement)]


def orphans(db: CheckedConnection) -> list[int]:
    """Ids of the vectors of contents that no photo has."""
    has_photo = "SELECT 1 FROM photo WHERE photo.content_hash = vector.content_hash"
    return [row["id"] for row in db.execute(f"SELECT id FROM vector WHERE NOT EXISTS ({has_photo})")]


def without_vector(db: CheckedConnection) -> list[Any]:
    """(id, path) of the photos that have no vector of the active encoder and do not wait for the next index run."""
    active = setting(db, "active_encoder")
    if active is None:
        return []
    encoded = "SELECT 1 FROM vector WHERE vector.content_hash = photo.content_hash AND encoder_id = ?"
    statement = (
        "SELECT id, path FROM photo WHERE error IS NULL AND content_hash IS NOT NULL AND mtime_ns <> ?"
        f" AND NOT EXISTS ({encoded}) ORDER BY id"
    )
    encoder_id = int(active) if active.isdecimal() else 0
    return list(db.execute(statement, (NEVER_SEEN.mtime_ns, encoder_id)).fetchall())


def setting(db: CheckedConnection, key: str) -> str | None:
    """The value of a setting."""
    row = db.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row["value"])


def put_setting(db: CheckedConnection, key: str, value: str) -> None:
    """Write a setting with its seal."""
    values = (key, value, seals.seal("setting", key, value))
    replaced = "ON CONFLICT (key) DO UPDATE SET value = excluded.value, seal = excluded.seal"
    db.execute(f"INSERT INTO setting (key, value, seal) VALUES (?, ?, ?) {replaced}", values)


def bump(db: CheckedConnection) -> None:
    """Let every reader look again. A lost generation becomes a number that was never used: the time."""
    number = setting(db, "generation") or ""
    put_setting(db, "generation", str(int(number) + 1 if number.isdecimal() else int(time.time())))
    put_setting(db, "removed", setting(db, "generation") or "")


def delete(db: CheckedConnection, table: str, key: object) -> None:
    """Delete a row."""
    db.execute(f"DELETE FROM {table} WHERE {db.key(table)[0]} = ?", (key,))


def empty_photo(db: CheckedConnection, photo_id: int) -> None:
    """Empty a photo's record: it counts as failed until the next index run reads the file."""
    # A favourite that has changed by then hands its mark on.
    before = f"hash_before = {db.HASH_BEFORE}"
    empty = dict.fromkeys(seals.PHOTO) | {"error": TO_READ}
    values = empty | NEVER_SEEN._asdict() | {"seal": seals.seal_row("photo", empty)}
    assignments = ", ".join(f"{name} = ?" for name in values)
    db.execute(f"UPDATE photo SET {before}, {assignments} WHERE id = ?", (*values.values(), photo_id))


def forget_stat(db: CheckedConnection, column: str, value: object) -> None:
    """Let the next index run read the readable photos with this value in a column, whatever their files' times."""
    statement = f"UPDATE photo SET size = ?, mtime_ns = ?, inode = ? WHERE {column} = ? AND error IS NULL"
    db.execute(statement, (*NEVER_SEEN, value))


def continue_vector_ids(db: CheckedConnection) -> None:
    """Give no vector id twice: an index in memory follows by them."""
    for statement in db.VECTOR_IDS:
        db.execute(statement)


# --- photos, for the checks of other files ----------------------------------------------------------------------------


def contents(db: CheckedConnection) -> set[bytes]:
    """Content hashes of all photos that were read."""
    found = db.execute("SELECT DISTINCT content_hash FROM photo WHERE content_hash IS NOT NULL")
    return {row[0] for row in found if isinstance(row[0], bytes)}


def fingerprints(db: CheckedConnection) -> list[str]:
    """Fingerprints of the library's encoders."""
    return [str(row[0]) for row in db.execute("SELECT fingerprint FROM encoder")]


def places(db: CheckedConnection, content_hash: bytes) -> list[tuple[bytes, bytes]]:
    """(root, path below it) of the photos with these bytes."""
    statement = "SELECT root.path, photo.path FROM photo JOIN root ON root.id = root_id WHERE content_hash = ?"
    return [(row[0], row[1]) for row in db.execute(statement, (content_hash,))]


def photos(db: CheckedConnection) -> Iterator[Any]:
    """(id, root, path, size, mtime_ns, inode, content_hash) of all photos that were read, in order of the ids."""
    statement = (
        "SELECT photo.id, root.path AS root, photo.path, size, mtime_ns, inode, content_hash FROM photo"
        " JOIN root ON root.id = root_id WHERE content_hash IS NOT NULL AND photo.id > ? ORDER BY photo.id LIMIT 500"
    )
    last = 0
    while batch := db.execute(statement, (last,)).fetchall():
        yield from batch
        last = batch[-1]["id"]


def photo(db: CheckedConnection, photo_id: int) -> Any:
    """The record of a photo as it is now."""
    statement = "SELECT size, mtime_ns, inode, content_hash FROM photo WHERE id = ?"
    row: Any = db.execute(statement, (photo_id,)).fetchone()
    return row
