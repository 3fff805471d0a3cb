"""Selections: which vectors and photos pass the filters of a search."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from ...arrays import Ids
from .. import paths
from .conditions import conditions
from .constructs import IdList, Unindexed, id_list_value
from .database import Database, fetch
from .filters import NOTHING, Filters
from .models import Photo, Root, Vector
from .photo_rows import batches, photo_of, photo_select, photos_in_order
from .records import Brief, PhotoRecord

FEW = 5000
"""So many photos are sorted, or fetched through an index, in a moment."""


class Selection:
    """What a search asks of the photos, beside the nearest vectors and the words."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def vectors(self, filters: Filters, encoder_id: int, most: int | None = None) -> Ids | None:
        """Ids of the vectors of the photos that pass, ascending; None if more than `most` photos pass."""
        with self._database.reading() as connection:
            passing = conditions(connection, filters)
            if most is not None and count_up_to(connection, select(Photo.id).where(*passing), most + 1) > most:
                return None
            contents = select(Photo.content_hash).where(*passing)
            statement = select(Vector.id).where(Vector.encoder_id == encoder_id, Vector.content_hash.in_(contents))
            return np.sort(np.array(fetch(connection, statement), np.int64).reshape(-1))

    def briefs(self, vector_ids: Sequence[int], filters: Filters = NOTHING) -> dict[int, list[Brief]]:
        """Vector id -> the photos with this vector that pass, in brief; copies in order of their ids."""
        statement = _briefs()
        result: dict[int, list[Brief]] = {}
        with self._database.reading() as connection:
            if filters:
                # Unindexed: an index of a filter's column would lead through far more photos than these.
                statement = statement.where(*map(Unindexed, conditions(connection, filters)))
            rows = fetch(connection, statement, {"ids": id_list_value(vector_ids)})
        for photo_id, vector_id, root, path, *columns in rows:
            brief = Brief(photo_id, vector_id, paths.join(root, path), *columns)
            result.setdefault(vector_id, []).append(brief)
        return result

    def photos(self, vector_ids: Sequence[int], filters: Filters = NOTHING) -> dict[int, list[PhotoRecord]]:
        """What `briefs` gives, with whole records."""
        result: dict[int, list[PhotoRecord]] = {}
        with self._database.reading() as connection:
            passing = conditions(connection, filters)
            for ids in batches(vector_ids):
                rows = connection.execute(
                    photo_select()
                    .add_columns(Vector.id.label("vector_id"))
                    .join(Vector, Vector.content_hash == Photo.content_hash)
                    .where(Vector.id.in_(ids), *passing)
                    .order_by(Photo.id)
                )
                for row in rows:
                    result.setdefault(row.vector_id, []).append(photo_of(row))
        return result

    def newest(self, filters: Filters, offset: int, count: int) -> list[PhotoRecord]:
        """Photos that pass, the newest first, those without a date last."""
        with self._database.reading() as connection:
            passing = conditions(connection, filters)
            taken_at: Any = Photo.taken_at
            passing_up_to = count_up_to(connection, select(Photo.id).where(*passing), FEW + 1)
            if passing_up_to <= FEW:
                # Unindexed: the index would lead through all photos by date to find these.
                taken_at = Unindexed(taken_at)
            ordered = select(Photo.id).where(*passing).order_by(taken_at.desc().nulls_last(), Photo.id)
            return photos_in_order(connection, ordered.offset(offset).limit(count))


@functools.cache
def _briefs() -> Any:
    """The statement without filters; it is composed once, because that takes as long as some queries do."""
    return (
        select(Photo.id, Vector.id, Root.path, Photo.path, Photo.content_hash, Photo.taken_at)
        .select_from(Vector)
        .join(Photo, Photo.content_hash == Vector.content_hash)
        .join(Root, Root.id == Photo.root_id)
        .where(Vector.id.in_(IdList()), Photo.error.is_(None))
        .order_by(Photo.id)
    )


def count_up_to(connection: Connection, statement: Any, most: int) -> int:
    """Number of rows of a statement, counted no further than `most`."""
    return int(connection.execute(select(func.count()).select_from(statement.limit(most).subquery())).scalar_one())
