"""The catalog's tables, except the full-text index `words`, which `words.py` describes.

Paths are exact bytes, times are UTC, `generation` counts committed changes.

`seal` is the checksum of a row over the columns in `seals.SEALED`. A row without one counts as damaged.
"""

from __future__ import annotations

from sqlalchemy import Float, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .columns import INTEGER, TEXT

_PLACED = text("latitude IS NOT NULL")


class Base(DeclarativeBase):
    """Metadata of all tables; the migrations are tested to produce exactly it."""

    type_annotation_map = {int: INTEGER, str: TEXT}  # noqa: RUF012 - SQLAlchemy reads it from the class


class Setting(Base):
    """One fact about the whole library, such as `generation` or the active encoder's id."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)


class Root(Base):
    """A photo folder that the library indexes; `path` is absolute, `mounts` JSON: the mounts during its last scan.

    `missing` counts the photos that the scan did not see, and that were kept because they were suspiciously many.
    """

    __tablename__ = "root"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scanned_at: Mapped[str | None]
    mounts: Mapped[str | None]
    missing: Mapped[int | None]
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)


class EncoderRow(Base):
    """An encoder that vectors of this library were made with; `fingerprint` is its digest, `dtype` its policy."""

    __tablename__ = "encoder"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    dimension: Mapped[int]
    dtype: Mapped[str]
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)


class Photo(Base):
    """One file at one path under a root. `error` is set, and the picture's facts are not, when it cannot be read.

    `hash_before` is then the content hash it had when it could be read; no seal covers it.
    """

    __tablename__ = "photo"
    __table_args__ = (
        UniqueConstraint("root_id", "path"),
        Index("photo_content_hash", "content_hash"),
        # For filters that few photos pass.
        Index("photo_taken_at", "taken_at"),
        Index("photo_camera", "camera"),
        Index("photo_format", "format"),
        Index("photo_place", "latitude", "longitude", sqlite_where=_PLACED, postgresql_where=_PLACED),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id", ondelete="CASCADE"))
    path: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    mtime_ns: Mapped[int]
    inode: Mapped[int]
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    error: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    format: Mapped[str | None]
    taken_at: Mapped[str | None]
    camera: Mapped[str | None]
    lens: Mapped[str | None]
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    caption: Mapped[str | None]
    keywords: Mapped[str | None]
    indexed_at: Mapped[str]
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash_before: Mapped[bytes | None] = mapped_column(LargeBinary)


class Favourite(Base):
    """A content the user marked; the mark stays when no photo has the content any more."""

    __tablename__ = "favourite"
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    marked_at: Mapped[str]
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)


class Vector(Base):
    """The vector of one content by one encoder, as little-endian float16; `id` is its key in the FAISS index."""

    __tablename__ = "vector"
    __table_args__ = (
        UniqueConstraint("encoder_id", "content_hash"),
        # An encoder's ids and seals are read from this index alone: the table's rows are a hundred times as long.
        Index("vector_seal", "encoder_id", "seal"),
        # AUTOINCREMENT: an id is never used twice, so an index in memory can follow by "ids above the last".
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    encoder_id: Mapped[int] = mapped_column(ForeignKey("encoder.id", ondelete="CASCADE"))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)


class Label(Base):
    """A thing that a content shows, or the place where it was taken. Derived: it has no seal, and is made again."""

    __tablename__ = "label"
    __table_args__ = (Index("label_content_hash", "content_hash"), {"sqlite_with_rowid": False})
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    score: Mapped[float] = mapped_column(Float)


class Labelling(Base):
    """How far the labels of a kind were made.

    `basis` is what they depend on (encoder, names, rule), `last` the last vector that was judged, and `total` the
    number of vectors when the first was.
    """

    __tablename__ = "labelling"
    kind: Mapped[str] = mapped_column(primary_key=True)
    basis: Mapped[str]
    last: Mapped[int]
    total: Mapped[int]
