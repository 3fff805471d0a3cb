"""Words for full-text search, favourites, and indexes for what searches are narrowed by.

The words of the photos that are there are made here, a batch at a time. `words` is called as it is today; should a later
version make other tokens, that version's migration makes all of them again.
"""

import sqlalchemy as sa
from alembic import op

from ... import words

revision = "0003"
down_revision = "0002"

ROWS_AT_ONCE = 1000


def upgrade() -> None:
    """Add tables, indexes and triggers, then fill in the words."""
    op.create_table(
        "favourite",
        sa.Column("photo_id", sa.Integer(), sa.ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("marked_at", sa.String(), nullable=False),
        sa.Column("seal", sa.LargeBinary()),
    )
    for column in ("taken_at", "camera", "format"):
        op.create_index(f"photo_{column}", "photo", [column])
    placed = sa.text("latitude IS NOT NULL")
    op.create_index("photo_place", "photo", ["latitude", "longitude"], sqlite_where=placed)
    connection = op.get_bind()
    for statement in words.SCHEMA:
        connection.exec_driver_sql(statement)
    last = 0
    while (
        ids := connection.exec_driver_sql(
            f"SELECT id FROM photo WHERE id > ? ORDER BY id LIMIT {ROWS_AT_ONCE}", (last,)
        )
        .scalars()
        .all()
    ):
        words.write(connection, ids)
        last = ids[-1]
