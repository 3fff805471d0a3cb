"""The statements of a search: which photos pass filters, and which match words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, column, select, table, text

from . import filters, photo_rows, words
from .filters import Filters
from .models import Photo, Root, Vector
from .words import Words

_WORDS = table("words", column("rowid"), *(column(name) for name in words.COLUMNS))

# One seek a camera, whatever the number of photos: SELECT DISTINCT would read the index through.
_CAMERAS = text(
    "WITH RECURSIVE known(camera) AS (SELECT min(camera) FROM photo UNION ALL"
    " SELECT (SELECT min(camera) FROM photo WHERE camera > known.camera) FROM known WHERE known.camera IS NOT NULL)"
    " SELECT camera FROM known WHERE camera IS NOT NULL"
)


def conditions(connection: Connection, wanted: Filters) -> list[Any]:
    """Conditions over `photo` that select the photos that can be found and pass."""
    cameras: list[str] = []
    if wanted.cameras:
        known = [str(camera) for camera in connection.execute(_CAMERAS).scalars()]
        cameras = [camera for camera in known if any(filters.means_camera(name, camera) for name in wanted.cameras)]
    roots: Sequence[int] = ()
    if wanted.roots:
        roots = connection.execute(select(Root.id).where(Root.path.in_(wanted.roots))).scalars().all()
    return filters.conditions(wanted, cameras, roots)


def vectors(connection: Connection, wanted: Filters, encoder_id: int) -> npt.NDArray[np.int64]:
    """Ids of the vectors of which a photo passes, ascending."""
    contents = select(Photo.content_hash).where(*conditions(connection, wanted))
    statement = select(Vector.id).where(Vector.encoder_id == encoder_id, Vector.content_hash.in_(contents))
    return np.sort(np.fromiter(connection.execute(statement).scalars(), np.int64))


def word_hits(
    connection: Connection, expression: str, wanted: Filters, encoder_id: int, limit: int
) -> list[tuple[int, int]]:
    """(photo id, vector id) of photos that match and pass, best first."""
    statement = (
        select(Photo.id, Vector.id)
        .select_from(_WORDS)
        .join(Photo, Photo.id == _WORDS.c.rowid)
        .join(Vector, Vector.content_hash == Photo.content_hash)
        .where(text("words MATCH :expression").bindparams(expression=expression), Vector.encoder_id == encoder_id)
        .where(*conditions(connection, wanted))
        .order_by(text(words.BM25), Photo.id)
        .limit(limit)
    )
    return [(photo_id, vector_id) for photo_id, vector_id in connection.execute(statement)]


def words_of(connection: Connection, photo_ids: Sequence[int]) -> dict[int, Words]:
    """Photo id -> its words."""
    found: dict[int, Words] = {}
    for start in range(0, len(photo_ids), words.AT_ONCE):
        ids = [int(photo_id) for photo_id in photo_ids[start : start + words.AT_ONCE]]
        for photo_id, *rest in connection.execute(select(_WORDS).where(_WORDS.c.rowid.in_(ids))):
            found[photo_id] = Words(*rest)
    return found


def vectors_of_photos(connection: Connection, photo_ids: Sequence[int], encoder_id: int) -> dict[int, int]:
    """Photo id -> vector id."""
    found: dict[int, int] = {}
    for start in range(0, len(photo_ids), words.AT_ONCE):
        ids = [int(photo_id) for photo_id in photo_ids[start : start + words.AT_ONCE]]
        statement = select(Photo.id, Vector.id).join(Vector, Vector.content_hash == Photo.content_hash)
        rows = connection.execute(statement.where(Photo.id.in_(ids), Vector.encoder_id == encoder_id))
        found.update((photo_id, vector_id) for photo_id, vector_id in rows)
    return found


def newest(connection: Connection, wanted: Filters, offset: int, count: int) -> Sequence[Any]:
    """Rows of `photo_rows.photo_select`."""
    ordered = photo_rows.photo_select().where(*conditions(connection, wanted))
    ordered = ordered.order_by(Photo.taken_at.desc().nulls_last(), Photo.id)
    return connection.execute(ordered.offset(offset).limit(count)).all()
