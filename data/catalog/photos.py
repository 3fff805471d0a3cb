"""Photos by id, place and content: what index runs and pages read of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, select

from . import photo_rows, seals
from .constructs import LARGEST_ID, HasByte, IdList, id_list_value
from .database import Database, fetch
from .models import Photo, Vector
from .photo_rows import batches, photo_of, photo_select
from .records import Content, FileStat, Known, PhotoRecord


class Photos:
    """The table of photos; `Changes` writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, photo_id: int) -> PhotoRecord | None:
        """The photo with this id, or None."""
        if not 0 < photo_id <= LARGEST_ID:
            return None
        with self._database.reading() as connection:
            row = connection.execute(photo_select().where(Photo.id == photo_id)).first()
        return photo_of(row) if row else None

    def get_many(self, photo_ids: Sequence[int]) -> dict[int, PhotoRecord]:
        """The readable photos with these ids, by id."""
        with self._database.reading() as connection:
            rows = connection.execute(_readable_photos(), {"ids": id_list_value(photo_ids)}).all()
        return {row.id: photo_of(row) for row in rows}

    def known(self, root_id: int, below: bytes = b"", *, deep: bool = True) -> dict[bytes, Known]:
        """What the last scans saw under a root, or its folder `below`, or (not `deep`) in that folder itself.

        By path relative to the root.
        """
        prefix = below + b"/" if below else b""
        conditions = [Photo.root_id == root_id, *_below(below)]
        if not deep:
            conditions.append(not_(HasByte(func.substr(Photo.path, len(prefix) + 1), b"/")))
        columns = (Photo.path, Photo.id, Photo.error.is_not(None), Photo.size, Photo.mtime_ns, Photo.inode)
        # Past SQLAlchemy's rows, which cost a rescan of 100,000 files as much as the query does.
        with self._database.reading() as connection:
            rows = fetch(connection, select(*columns).where(*conditions))
        new = tuple.__new__  # nor through the Python functions that build named tuples
        return {
            path: new(Known, (photo_id, new(FileStat, (size, mtime_ns, inode)), bool(failed)))
            for path, photo_id, failed, size, mtime_ns, inode in rows
        }

    def some_paths(self, root_id: int, below: bytes = b"", count: int = 20) -> list[bytes]:
        """Paths of a few photos of a root, or of its folder `below`, relative to the root: the first and the last."""
        readable = select(Photo.path).where(Photo.root_id == root_id, Photo.error.is_(None), *_below(below))
        photo_paths: dict[bytes, None] = {}
        with self._database.reading() as connection:
            for order in (Photo.path, Photo.path.desc()):
                rows = connection.execute(readable.order_by(order).limit(count // 2))
                photo_paths |= dict.fromkeys(rows.scalars())
        return list(photo_paths)

    def content(self, content_hash: bytes, encoder_id: int) -> Content | None:
        """What is known of these bytes, if a photo has them and this encoder has encoded them."""
        statement = (
            select(Photo.width, Photo.height, Photo.format, Photo.keywords, *photo_rows.fact_columns())
            .add_columns(Photo.content_hash, Photo.error, Photo.seal)
            .join(Vector, Vector.content_hash == Photo.content_hash)
            .where(Photo.content_hash == content_hash, Vector.encoder_id == encoder_id, Photo.error.is_(None))
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        if row is None or seals.seal_row("photo", row) != row.seal:  # damage must not spread to another photo
            return None
        return Content(content_hash, row.width, row.height, row.format, photo_rows.facts_of(row))

    def contents(self, *, without: tuple[int, bytes] | None = None) -> set[bytes]:
        """The content hashes of all readable photos; or of those outside `without` (root id, folder in it)."""
        conditions: list[ColumnElement[bool]] = [Photo.content_hash.is_not(None)]
        if without is not None:
            root_id, below = without
            conditions.append(not_(and_(Photo.root_id == root_id, *_below(below))))
        with self._database.reading() as connection:
            return set(connection.execute(select(Photo.content_hash).where(*conditions).distinct()).scalars())  # type: ignore[arg-type]

    def places(self, content_hash: bytes) -> list[tuple[int, int, bytes]]:
        """(photo id, root id, path) of every photo with these bytes."""
        statement = select(Photo.id, Photo.root_id, Photo.path).where(Photo.content_hash == content_hash)
        statement = statement.order_by(Photo.id)
        with self._database.reading() as connection:
            return [(row.id, row.root_id, row.path) for row in connection.execute(statement)]

    def at(self, root_id: int, path: bytes) -> int | None:
        """The id of the photo at a place; None if there is none."""
        with self._database.reading() as connection:
            statement = select(Photo.id).where(Photo.root_id == root_id, Photo.path == path)
            return connection.execute(statement).scalar()

    def hashes(self, photo_ids: Sequence[int]) -> dict[int, bytes]:
        """Photo id -> content hash, of the readable ones among these photos."""
        result: dict[int, bytes] = {}
        with self._database.reading() as connection:
            for ids in batches(photo_ids):
                readable = (Photo.id.in_(ids), Photo.content_hash.is_not(None))
                result.update(fetch(connection, select(Photo.id, Photo.content_hash).where(*readable)))
        return result

    def without_vector(self, encoder_id: int) -> list[tuple[int, bytes, FileStat, bytes]]:
        """(root id, path, stat, content hash) of the photos whose content this encoder has not encoded."""
        encoded = exists().where(Vector.content_hash == Photo.content_hash, Vector.encoder_id == encoder_id)
        statement = (
            select(Photo.root_id, Photo.path, Photo.size, Photo.mtime_ns, Photo.inode, Photo.content_hash)
            .where(Photo.error.is_(None), ~encoded)
            .order_by(Photo.root_id, Photo.path)
        )
        with self._database.reading() as connection:
            rows = fetch(connection, statement)
        return [(root_id, path, FileStat(*stat), key) for root_id, path, *stat, key in rows]


def _below(folder: bytes) -> list[ColumnElement[bool]]:
    """Paths in a folder or below it. "/" < every name < "0": a range that the unique index can serve."""
    return [Photo.path > folder + b"/", Photo.path < folder + b"0"] if folder else []


@functools.cache
def _readable_photos() -> Any:
    return photo_select().where(Photo.id.in_(IdList()), Photo.error.is_(None)).order_by(Photo.id)
