"""Labels: the things that photos show and the places where they were taken. All of it is derived data.

The tables are empty at first; the next writer fills them.
"""

import sqlalchemy as sa
from alembic import op
from polyglance.data.catalog.columns import INTEGER, TEXT

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table of labels, and the table that says how far they were made."""
    op.create_table(
        "label",
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("content_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("score", sa.Float(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("label_content_hash", "label", ["content_hash"])
    op.create_table(
        "labelling",
        sa.Column("kind", TEXT, primary_key=True),
        sa.Column("basis", TEXT, nullable=False),
        sa.Column("last", INTEGER, nullable=False),
        sa.Column("total", INTEGER, nullable=False),
    )
