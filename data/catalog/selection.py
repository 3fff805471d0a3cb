"""The statements of a search: which photos pass filters, and which match words."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, column, func, select, table, text
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from .. import paths
from . import filters, photo_rows, words
from .filters import NOTHING, Filters, Inside
from .models import Photo, Root, Vector
from .records import Brief
from .words import Words

COMMON = 5000
"""Photos that match words, above which the words tell too little to rank by: they rank what looks like it."""

FEW = 5000
"""Photos that are sorted in a moment."""

_PLUS: custom_op[Any] = custom_op("+")

# Ids as one parameter, however many: a statement with as many marks is made anew for every number of them.
_GIVEN = text("SELECT value FROM json_each(:given)")

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
    places = [place for each in wanted.inside for place in _places(connection, each)]
    return filters.conditions(wanted, cameras, roots, places)


def _places(connection: Connection, wanted: Inside) -> list[tuple[int, bytes]]:
    r"""(root's id, exact path from there) of the folder, or of several that read the same.

    The text is the path itself, unless there is a backslash in it: then `\xNN` may stand for a byte that is no text.
    """
    root_id = connection.execute(select(Root.id).where(Root.path == wanted.root)).scalar()
    if root_id is None:
        return []
    if "\\" not in wanted.path:
        return [(root_id, wanted.path.encode("utf-8", "surrogateescape"))]
    held = connection.execute(select(Photo.path).where(Photo.root_id == root_id)).scalars()
    folders = {folder for inner in {os.path.dirname(path) for path in held} for folder in paths.upwards(inner)}
    return [(root_id, folder) for folder in sorted(folders) if paths.display(folder) == wanted.path]


def vectors(
    connection: Connection, wanted: Filters, encoder_id: int, most: int | None = None
) -> npt.NDArray[np.int64] | None:
    """Ids of the vectors of which a photo passes, ascending; None if more than `most` photos do."""
    passing = conditions(connection, wanted)
    if most is not None and _up_to(connection, select(Photo.id).where(*passing), most + 1) > most:
        return None
    contents = select(Photo.content_hash).where(*passing)
    statement = select(Vector.id).where(Vector.encoder_id == encoder_id, Vector.content_hash.in_(contents))
    return np.sort(np.array(_tuples(connection, statement), np.int64).reshape(-1))


def briefs(connection: Connection, vector_ids: Sequence[int], wanted: Filters = NOTHING) -> list[Brief]:
    """The photos of these vectors that pass, in order of their ids."""
    # + keeps SQLite from an index of what is filtered by, which would lead through far more photos than these.
    passing: list[Any] = [UnaryExpression(each.self_group(), operator=_PLUS) for each in conditions(connection, wanted)]
    rows = _tuples(connection, _briefs().where(*passing) if wanted else _briefs(), vector_ids)
    return [Brief(photo, vector, paths.join(root, path), *rest) for photo, vector, root, path, *rest in rows]


def photos(connection: Connection, photo_ids: Sequence[int]) -> Sequence[Any]:
    """Rows of `photo_rows.photo_select` of the photos with these ids that can be found."""
    return connection.execute(_photos(), _given(photo_ids)).all()


def word_hits(
    connection: Connection, expression: str, wanted: Filters, encoder_id: int, limit: int
) -> list[tuple[int, int]] | None:
    """(photo id, vector id) of photos that match and pass, best first; None if more than COMMON match."""
    found = len(connection.execute(_matching(), {"expression": expression}).scalars().all())
    if not found:
        return []
    if found > COMMON:
        return None
    statement = (
        select(Photo.id, _vector(encoder_id))
        .select_from(_WORDS)
        .join(Photo, Photo.id == _WORDS.c.rowid)
        .where(text("words MATCH :expression").bindparams(expression=expression), *conditions(connection, wanted))
        .order_by(text(words.BM25), Photo.id)
        .limit(limit)
    )
    return [(photo_id, vector_id) for photo_id, vector_id in connection.execute(statement) if vector_id is not None]


def words_among(connection: Connection, expression: str, vector_ids: Sequence[int]) -> list[tuple[int, int]]:
    """(photo id, vector id) of the photos of these vectors that match, in the vectors' order."""
    there = [(photo_id, vector_id) for photo_id, vector_id, *_ in briefs(connection, vector_ids)]
    # + keeps FTS5 from looking each of them up by itself, which takes longer than going through all that match.
    matching = text(
        "SELECT rowid FROM words WHERE words MATCH :expression AND +rowid IN (SELECT value FROM json_each(:ids))"
    )
    given = {"expression": expression, "ids": json.dumps([photo_id for photo_id, _ in there])}
    matched = set(connection.execute(matching, given).scalars())
    place = {vector_id: number for number, vector_id in enumerate(vector_ids)}
    return sorted((pair for pair in there if pair[0] in matched), key=lambda pair: place[pair[1]])


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
        rows = connection.execute(select(Photo.id, _vector(encoder_id)).where(Photo.id.in_(ids)))
        found.update((photo_id, vector_id) for photo_id, vector_id in rows if vector_id is not None)
    return found


# Statements that every search makes are put together once: that takes as long as some of them do.


@functools.cache
def _briefs() -> Any:
    return (
        select(Photo.id, Vector.id, Root.path, Photo.path, Photo.content_hash, Photo.taken_at)
        .select_from(Vector)
        .join(Photo, Photo.content_hash == Vector.content_hash)
        .join(Root, Root.id == Photo.root_id)
        .where(Vector.id.in_(_GIVEN), Photo.error.is_(None))
        .order_by(Photo.id)
    )


@functools.cache
def _photos() -> Any:
    return photo_rows.photo_select().where(Photo.id.in_(_GIVEN), Photo.error.is_(None)).order_by(Photo.id)


@functools.cache
def _matching() -> Any:
    return select(_WORDS.c.rowid).where(text("words MATCH :expression")).limit(COMMON + 1)


def _vector(encoder_id: int) -> Any:
    """The id of a photo's vector. Not a join: SQLite would begin with all vectors of the encoder."""
    own = select(Vector.id).where(Vector.encoder_id == encoder_id, Vector.content_hash == Photo.content_hash)
    return own.scalar_subquery()


def _up_to(connection: Connection, statement: Any, most: int) -> int:
    """How many rows a statement gives, counted no further than `most`."""
    return int(connection.execute(select(func.count()).select_from(statement.limit(most).subquery())).scalar_one())


def _tuples(connection: Connection, statement: Any, given: Sequence[int] = ()) -> list[Any]:
    """Rows past SQLAlchemy's own, which cost as much again as the query; `given` is what `_GIVEN` stands for."""
    cursor = connection.execute(statement, _given(given)).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def _given(ids: Sequence[int]) -> dict[str, str]:
    return {"given": json.dumps([int(each) for each in ids])} if ids else {"given": "[]"}


def newest(connection: Connection, wanted: Filters, offset: int, count: int) -> Sequence[Any]:
    """Rows of `photo_rows.photo_select`."""
    passing = conditions(connection, wanted)
    taken_at: Any = Photo.taken_at
    if _up_to(connection, select(Photo.id).where(*passing), FEW + 1) <= FEW:
        # + keeps SQLite from going through all photos by date to find these.
        taken_at = UnaryExpression(taken_at, operator=_PLUS)
    ordered = photo_rows.photo_select().where(*passing).order_by(taken_at.desc().nulls_last(), Photo.id)
    return connection.execute(ordered.offset(offset).limit(count)).all()
