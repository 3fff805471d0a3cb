"""The first schema."""

import sqlalchemy as sa
from alembic import op
from polyglance.data.catalog.columns import INTEGER, TEXT

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "setting",
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("value", TEXT, nullable=False),
    )
    op.create_table(
        "root",
        sa.Column("id", INTEGER, primary_key=True),
        sa.Column("path", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("scanned_at", TEXT),
    )
    op.create_table(
        "encoder",
        sa.Column("id", INTEGER, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False, unique=True),
        sa.Column("dimension", INTEGER, nullable=False),
        sa.Column("dtype", TEXT, nullable=False),
    )
    op.create_table(
        "photo",
        sa.Column("id", INTEGER, primary_key=True),
        sa.Column("root_id", INTEGER, sa.ForeignKey("root.id", ondelete="CASCADE"), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("size", INTEGER, nullable=False),
        sa.Column("mtime_ns", INTEGER, nullable=False),
        sa.Column("inode", INTEGER, nullable=False),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.Column("error", TEXT),
        sa.Column("width", INTEGER),
        sa.Column("height", INTEGER),
        sa.Column("format", TEXT),
        sa.Column("taken_at", TEXT),
        sa.Column("camera", TEXT),
        sa.Column("lens", TEXT),
        sa.Column("latitude", sa.Float()),
        sa.Column("longitude", sa.Float()),
        sa.Column("caption", TEXT),
        sa.Column("keywords", TEXT),
        sa.Column("indexed_at", TEXT, nullable=False),
        sa.UniqueConstraint("root_id", "path"),
    )
    op.create_index("photo_content_hash", "photo", ["content_hash"])
    op.create_table(
        "vector",
        sa.Column("id", INTEGER, primary_key=True),
        sa.Column("encoder_id", INTEGER, sa.ForeignKey("encoder.id", ondelete="CASCADE"), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("encoder_id", "content_hash"),
        sqlite_autoincrement=True,
    )
