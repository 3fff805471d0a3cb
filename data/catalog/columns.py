"""Types of columns that every database keeps without loss.

In PostgreSQL numbers have 64 bits, as they have in SQLite, and texts are ordered by their bytes, whatever the
database's language is: cursors, ranges of dates and recursive reads of an index depend on it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, String

INTEGER = Integer().with_variant(BigInteger(), "postgresql")
TEXT = String().with_variant(String(collation="C"), "postgresql")
