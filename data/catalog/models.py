"""The catalog's tables, except the full-text index `words`, which `words.py` describes.

Paths are exact bytes, times are UTC, `generation` counts committed changes.

`seal` is the checksum of a row over the columns in `seals.SEALED`. A row without one counts as damaged.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from .columns import INTEGER, TEXT

NUMBER, BYTES = Float(), LargeBinary()

_PLACED = text("latitude IS NOT NULL")


class Base:
    """A table as a class with its columns as attributes, for statements of SQLAlchemy's Core.

    SQLAlchemy's declarative classes look the same in statements. Their ORM, which nothing here uses, would take a
    tenth of the time of a cold search.
    """

    metadata = MetaData()
    """All tables; the migrations are tested to produce exactly them."""

    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]] = ()
    """Constraints and indexes; options of the table in a dictionary at the end."""
    __table__: ClassVar[Table]

    def __init_subclass__(cls) -> None:
        columns = {name: value for name, value in vars(cls).items() if isinstance(value, Column)}
        for name, column in columns.items():
            column.name = column.key = name
        options = [each for each in cls.__table_args__ if isinstance(each, dict)]
        constraints = [each for each in cls.__table_args__ if not isinstance(each, dict)]
        cls.__table__ = Table(
            cls.__tablename__, Base.metadata, *columns.values(), *constraints, **(options[0] if options else {})
        )

    @classmethod
    def __clause_element__(cls) -> Table:
        """The table: what SQLAlchemy takes the class for in a statement."""
        return cls.__table__


class Setting(Base):
    """One fact about the whole library, such as `generation` or the active encoder's id."""

    __tablename__ = "setting"
    key: ColumnElement[str] = Column(TEXT, primary_key=True)
    value: ColumnElement[str] = Column(TEXT, nullable=False)
    seal: ColumnElement[bytes | None] = Column(BYTES, nullable=True)


class Root(Base):
    """A photo folder that the library indexes; `path` is absolute, `mounts` JSON: the mounts during its last scan.

    `missing` counts the photos that the scan did not see, and that were kept because they were suspiciously many.
    """

    __tablename__ = "root"
    id: ColumnElement[int] = Column(INTEGER, primary_key=True)
    path: ColumnElement[bytes] = Column(BYTES, unique=True, nullable=False)
    scanned_at: ColumnElement[str | None] = Column(TEXT, nullable=True)
    mounts: ColumnElement[str | None] = Column(TEXT, nullable=True)
    missing: ColumnElement[int | None] = Column(INTEGER, nullable=True)
    seal: ColumnElement[bytes | None] = Column(BYTES, nullable=True)


class EncoderRow(Base):
    """An encoder that vectors of this library were made with; `fingerprint` is its digest, `dtype` its policy."""

    __tablename__ = "encoder"
    id: ColumnElement[int] = Column(INTEGER, primary_key=True)
    name: ColumnElement[str] = Column(TEXT, nullable=False)
    fingerprint: ColumnElement[str] = Column(TEXT, unique=True, nullable=False)
    dimension: ColumnElement[int] = Column(INTEGER, nullable=False)
    dtype: ColumnElement[str] = Column(TEXT, nullable=False)
    seal: ColumnElement[bytes | None] = Column(BYTES, nullable=True)


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
        Index("photo_place", "latitude", "longitude", sqlite_where=_PLACED),
    )
    id: ColumnElement[int] = Column(INTEGER, primary_key=True)
    root_id: ColumnElement[int] = Column(INTEGER, ForeignKey("root.id", ondelete="CASCADE"), nullable=False)
    path: ColumnElement[bytes] = Column(BYTES, nullable=False)
    size: ColumnElement[int] = Column(INTEGER, nullable=False)
    mtime_ns: ColumnElement[int] = Column(INTEGER, nullable=False)
    inode: ColumnElement[int] = Column(INTEGER, nullable=False)
    content_hash: ColumnElement[bytes | None] = Column(BYTES, nullable=True)
    error: ColumnElement[str | None] = Column(TEXT, nullable=True)
    width: ColumnElement[int | None] = Column(INTEGER, nullable=True)
    height: ColumnElement[int | None] = Column(INTEGER, nullable=True)
    format: ColumnElement[str | None] = Column(TEXT, nullable=True)
    taken_at: ColumnElement[str | None] = Column(TEXT, nullable=True)
    camera: ColumnElement[str | None] = Column(TEXT, nullable=True)
    lens: ColumnElement[str | None] = Column(TEXT, nullable=True)
    latitude: ColumnElement[float | None] = Column(NUMBER, nullable=True)
    longitude: ColumnElement[float | None] = Column(NUMBER, nullable=True)
    caption: ColumnElement[str | None] = Column(TEXT, nullable=True)
    keywords: ColumnElement[str | None] = Column(TEXT, nullable=True)
    indexed_at: ColumnElement[str] = Column(TEXT, nullable=False)
    seal: ColumnElement[bytes | None] = Column(BYTES, nullable=True)
    hash_before: ColumnElement[bytes | None] = Column(BYTES, nullable=True)


class Favourite(Base):
    """A content the user marked; the mark stays when no photo has the content any more."""

    __tablename__ = "favourite"
    content_hash: ColumnElement[bytes] = Column(BYTES, primary_key=True)
    marked_at: ColumnElement[str] = Column(TEXT, nullable=False)
    seal: ColumnElement[bytes | None] = Column(BYTES, nullable=True)


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
    id: ColumnElement[int] = Column(INTEGER, primary_key=True)
    encoder_id: ColumnElement[int] = Column(INTEGER, ForeignKey("encoder.id", ondelete="CASCADE"), nullable=False)
    content_hash: ColumnElement[bytes] = Column(BYTES, nullable=False)
    vector: ColumnElement[bytes] = Column(BYTES, nullable=False)
    seal: ColumnElement[bytes | None] = Column(BYTES, nullable=True)


class Label(Base):
    """A thing that a content shows, or the place where it was taken. Derived: it has no seal, and is made again."""

    __tablename__ = "label"
    __table_args__ = (Index("label_content_hash", "content_hash"), {"sqlite_with_rowid": False})
    kind: ColumnElement[str] = Column(TEXT, primary_key=True)
    key: ColumnElement[str] = Column(TEXT, primary_key=True)
    content_hash: ColumnElement[bytes] = Column(BYTES, primary_key=True)
    score: ColumnElement[float] = Column(NUMBER, nullable=False)


class Labelling(Base):
    """How far the labels of a kind were made.

    `basis` is what they depend on (encoder, names, rule), `last` the last vector that was judged, and `total` the
    number of vectors when the first was.
    """

    __tablename__ = "labelling"
    kind: ColumnElement[str] = Column(TEXT, primary_key=True)
    basis: ColumnElement[str] = Column(TEXT, nullable=False)
    last: ColumnElement[int] = Column(INTEGER, nullable=False)
    total: ColumnElement[int] = Column(INTEGER, nullable=False)
