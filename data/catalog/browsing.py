"""What all readable photos have that people browse by: folder, camera, lens, date; read once a generation."""

from __future__ import annotations

import os
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ...languages import tokens
from . import expression
from .constructs import WORDS, WORDS_ID, IsMatch
from .database import Database, fetch
from .favourites import is_favourite
from .models import Photo, Root

NAMES_READ = 100
"""So many matching names of files are read: copies have the same names."""


class Browsed(NamedTuple):
    """A readable photo."""

    id: int
    root_id: int
    path: bytes
    """Relative to the root."""
    camera: str | None
    lens: str | None
    taken_at: str | None


class Browsing:
    """Reads of the whole library that pages are made from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def photos(self) -> list[Browsed]:
        """All readable photos in order of their ids."""
        columns = (Photo.id, Photo.root_id, Photo.path, Photo.camera, Photo.lens, Photo.taken_at)
        with self._database.reading() as connection:
            rows = fetch(connection, select(*columns).where(Photo.error.is_(None)).order_by(Photo.id))
        return [Browsed(*row) for row in rows]

    def roots(self) -> dict[int, bytes]:
        """Id of a root -> its path."""
        with self._database.reading() as connection:
            return dict(fetch(connection, select(Root.id, Root.path)))

    def favourites(self) -> tuple[int, int | None]:
        """(number of favourites, id of the newest; None if there is none)."""
        marked = (Photo.error.is_(None), is_favourite())
        newest = select(Photo.id).where(*marked).order_by(Photo.taken_at.desc().nulls_last(), Photo.id).limit(1)
        with self._database.reading() as connection:
            count = _scalar(connection, select(func.count()).select_from(Photo).where(*marked))
            return count, connection.execute(newest).scalar()

    def copies(self) -> int:
        """Number of photos that have the bytes of another."""
        group = (
            select(func.count().label("members"))
            .where(Photo.error.is_(None), Photo.content_hash.is_not(None))
            .group_by(Photo.content_hash)
            .having(func.count() > 1)
            .subquery()
        )
        with self._database.reading() as connection:
            return _scalar(connection, select(func.coalesce(func.sum(group.c.members), 0)))

    def names(self, text: str, count: int) -> list[bytes]:
        """Up to `count` names of files that have all words of a text, the last of which may be a beginning."""
        asked = expression.of_beginning(tokens.units(text))
        if asked is None:
            return []
        statement = (
            select(Photo.path)
            .select_from(WORDS)
            .join(Photo, Photo.id == WORDS_ID)
            .where(IsMatch(), Photo.error.is_(None))
            .order_by(WORDS_ID)
            .limit(NAMES_READ)
        )
        with self._database.reading() as connection:
            paths = [bytes(path) for (path,) in fetch(connection, statement, {"expression": asked})]
        return list(dict.fromkeys(os.path.basename(path) for path in paths if b"\0" not in path))[:count]


def _scalar(connection: Connection, statement: object) -> int:
    return int(connection.execute(statement).scalar_one())  # type: ignore[call-overload]
