"""The document about a copy of a library."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from ..library.migrating import Migration as Done
from .base import Document


class Table(Document):
    """A table of the copy, equal to that of the library."""

    name: str
    rows: int
    checksum: str = Field(description="Of all values in the order of the keys; the same in every database.")


class Migration(Document):
    """What `polyglance migrate` has copied and compared."""

    library: str = Field(description="The folder of the copy.")
    catalog: str = Field(description="Where its catalog is, without a password; empty: in its folder.")
    tables: list[Table]
    files: int = Field(description="Thumbnails and other files beside the catalog; 0 if the copy was complete before.")
    bytes: int = Field(description="Bytes in these files.")
    written: int = Field(description="Rows that were written; fewer than there are if a copy was gone on with.")
    sent: int | None = Field(description="Vectors that Milvus or pgvector has; null if FAISS searches the copy.")
    seconds: float

    @classmethod
    def from_migration(cls, done: Done) -> Self:
        """Seconds with 3 decimals."""
        settings = done.settings.without_passwords()
        return cls(
            library=str(settings.library),
            catalog=settings.catalog_url,
            tables=[Table(name=name, rows=each.rows, checksum=each.checksum) for name, each in done.tables.items()],
            files=done.files.files,
            bytes=done.files.bytes,
            written=done.written,
            sent=done.sent,
            seconds=round(done.seconds, 3),
        )
