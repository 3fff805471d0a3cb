"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "setting",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False),
    )
    op.create_table(
        "root",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("path", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("scanned_at", sa.String()),
    )
    op.create_table(
        "encoder",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False, unique=True),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.String(), nullable=False),
    )
    op.create_table(
        "photo",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("root_id", sa.Integer(), sa.ForeignKey("root.id", ondelete="CASCADE"), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("inode", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.Column("error", sa.String()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("format", sa.String()),
        sa.Column("taken_at", sa.String()),
        sa.Column("camera", sa.String()),
        sa.Column("lens", sa.String()),
        sa.Column("latitude", sa.Float()),
        sa.Column("longitude", sa.Float()),
        sa.Column("caption", sa.String()),
        sa.Column("keywords", sa.String()),
        sa.Column("indexed_at", sa.String(), nullable=False),
        sa.UniqueConstraint("root_id", "path"),
    )
    op.create_index("photo_content_hash", "photo", ["content_hash"])
    op.create_table(
        "vector",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("encoder_id", sa.Integer(), sa.ForeignKey("encoder.id", ondelete="CASCADE"), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("encoder_id", "content_hash"),
        sqlite_autoincrement=True,
    )
