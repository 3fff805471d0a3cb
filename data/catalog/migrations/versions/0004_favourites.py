"""Favourites belong to contents, failed files remember theirs, and roots say how many photos a scan missed.

The marks of photos become marks of their contents. A photo that cannot be read when this runs has no content hash to
mark: it gets one that no file has, and hands its mark on when it is read again, as an edited picture does.

Seals are computed by the rule as it is today, written out here, so that a later rule does not change this migration.
"""

import hashlib
import struct

import sqlalchemy as sa
from alembic import op
from polyglance.data.catalog.columns import INTEGER, TEXT

revision = "0004"
down_revision = "0003"

UNKNOWN_TIME = "1970-01-01T00:00:00+00:00"


def upgrade() -> None:
    """Add the columns, then make the table of marks again with other keys."""
    op.add_column("root", sa.Column("missing", INTEGER))
    op.add_column("photo", sa.Column("hash_before", sa.LargeBinary()))
    connection = op.get_bind()
    marks = connection.exec_driver_sql(
        "SELECT photo.id, photo.content_hash, favourite.marked_at FROM favourite"
        " JOIN photo ON photo.id = favourite.photo_id ORDER BY favourite.marked_at"
    ).all()
    op.drop_table("favourite")
    op.create_table(
        "favourite",
        sa.Column("content_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("marked_at", TEXT, nullable=False),
        sa.Column("seal", sa.LargeBinary()),
    )
    for photo_id, content_hash, marked_at in marks:
        key = content_hash
        if not isinstance(key, bytes):
            key = hashlib.sha256(b"favourite of photo %d" % photo_id).digest()
            connection.exec_driver_sql("UPDATE photo SET hash_before = ? WHERE id = ?", (key, photo_id))
        moment = marked_at if isinstance(marked_at, str) else UNKNOWN_TIME
        connection.exec_driver_sql(
            "INSERT OR IGNORE INTO favourite (content_hash, marked_at, seal) VALUES (?, ?, ?)",
            (key, moment, _seal(key, moment)),
        )


def _seal(content_hash: bytes, marked_at: str) -> bytes:
    text = marked_at.encode("utf-8", "surrogateescape")
    encoded = b"B" + struct.pack("<Q", len(content_hash)) + content_hash + b"S" + struct.pack("<Q", len(text)) + text
    return hashlib.blake2b(encoded, digest_size=8, person=b"favourite").digest()
