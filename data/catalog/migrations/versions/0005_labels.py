"""Labels: the things that photos show and the places where they were taken. All of it is derived data.

The tables are empty at first; the next writer fills them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of labels, and the table that says how far they were made."""
    op.create_table(
        "label",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("content_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("score", sa.Float(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("label_content_hash", "label", ["content_hash"])
    op.create_table(
        "labelling",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
    )
