"""Seals on rows, and the mounts below a root.

The seals of the rows that are there are computed here. `seals` is called as it is today; should a later version
change what a seal is, this migration must keep today's rule.
"""

import sqlalchemy as sa
from alembic import op

from ... import seals

revision = "0002"
down_revision = "0001"

ROWS_AT_ONCE = 1000
TABLES = ("photo", "vector", "encoder", "root", "setting")


def upgrade() -> None:
    """Add the columns, seal every row, then make the index over the seals."""
    op.add_column("root", sa.Column("mounts", sa.String()))
    for table in TABLES:
        op.add_column(table, sa.Column("seal", sa.LargeBinary()))
        _seal(table)
    op.create_index("vector_seal", "vector", ["encoder_id", "seal"])


def _seal(table: str) -> None:
    connection = op.get_bind()
    columns = ", ".join(seals.SEALED[table])
    last = -1
    while rows := connection.exec_driver_sql(
        f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {ROWS_AT_ONCE}", (last,)
    ).all():
        sealed = [(seals.seal(table, *row[1:]), row[0]) for row in rows]
        connection.exec_driver_sql(f"UPDATE {table} SET seal = ? WHERE rowid = ?", sealed)
        last = rows[-1][0]
