"""Seals on rows, and the mounts below a root.

Seals are computed by the rule as it was, written out here, so that a later rule does not change this migration.
"""

import hashlib
import struct

import sqlalchemy as sa
from alembic import op
from polyglance.data.catalog.columns import TEXT

revision = "0002"
down_revision = "0001"

ROWS_AT_ONCE = 1000
PHOTO = "content_hash error width height format taken_at camera lens latitude longitude caption keywords"
SEALED = {
    "photo": PHOTO.split(),
    "vector": ["encoder_id", "content_hash", "vector"],
    "encoder": ["name", "fingerprint", "dimension", "dtype"],
    "root": ["path"],
    "setting": ["key", "value"],
}
"""Table -> the columns that its seals cover, in this order."""


def upgrade() -> None:
    """Add the columns, seal every row, then make the index over the seals."""
    op.add_column("root", sa.Column("mounts", TEXT))
    for table, columns in SEALED.items():
        op.add_column(table, sa.Column("seal", sa.LargeBinary()))
        if op.get_bind().dialect.name == "sqlite":  # no other database had a catalog of the first schema
            _seal_rows(table, ", ".join(columns))
    op.create_index("vector_seal", "vector", ["encoder_id", "seal"])


def _seal_rows(table: str, columns: str) -> None:
    connection = op.get_bind()
    last = -1
    while rows := connection.exec_driver_sql(
        f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {ROWS_AT_ONCE}", (last,)
    ).all():
        sealed = [(_seal(table, row[1:]), row[0]) for row in rows]
        connection.exec_driver_sql(f"UPDATE {table} SET seal = ? WHERE rowid = ?", sealed)
        last = rows[-1][0]


def _seal(table: str, values: tuple[object, ...]) -> bytes:
    data = b"".join(_encoded(value) for value in values)
    return hashlib.blake2b(data, digest_size=8, person=table.encode()).digest()


def _encoded(value: object) -> bytes:
    """A type's letter, its length and its bytes."""
    if value is None:
        return b"N"
    if isinstance(value, int):
        letter, data = b"I", b"%d" % value
    elif isinstance(value, float):
        letter, data = b"F", struct.pack("<d", value)
    elif isinstance(value, str):
        letter, data = b"S", value.encode("utf-8", "surrogateescape")
    elif isinstance(value, bytes):
        letter, data = b"B", value
    else:
        raise TypeError(f"a catalog holds no {type(value).__name__}")
    return letter + struct.pack("<Q", len(data)) + data
