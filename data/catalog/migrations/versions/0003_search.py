"""Words for full-text search, favourites, and indexes for what searches are narrowed by.

The words of the photos that are there are made here, a batch at a time, with today's tokens: they are derived from the
photos' rows, and must be those that searches look for.
"""

import sqlalchemy as sa
from alembic import op
from polyglance.data.catalog.columns import INTEGER, TEXT
from polyglance.data.catalog import dialect, words

revision = "0003"
down_revision = "0002"

ROWS_AT_ONCE = 1000
WORDS = (
    "CREATE VIRTUAL TABLE words USING fts5(name, folder, caption, keyword, tokenize = 'ascii')",
    "CREATE TRIGGER words_gone AFTER DELETE ON photo BEGIN DELETE FROM words WHERE rowid = old.id; END",
    "CREATE TRIGGER words_failed AFTER UPDATE OF error ON photo WHEN new.error IS NOT NULL"
    " BEGIN DELETE FROM words WHERE rowid = new.id; END",
)


def upgrade() -> None:
    """Add tables, indexes and triggers, then fill in the words."""
    op.create_table(
        "favourite",
        sa.Column("photo_id", INTEGER, sa.ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("marked_at", TEXT, nullable=False),
        sa.Column("seal", sa.LargeBinary()),
    )
    for column in ("taken_at", "camera", "format"):
        op.create_index(f"photo_{column}", "photo", [column])
    placed = sa.text("latitude IS NOT NULL")
    op.create_index("photo_place", "photo", ["latitude", "longitude"], sqlite_where=placed)
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":  # there was none in another database before: nothing has to be filled in
        for statement in dialect.of(connection).words_schema():
            connection.exec_driver_sql(statement)
        return
    for statement in WORDS:
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
