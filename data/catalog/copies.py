"""Copies: photos with equal bytes."""

from __future__ import annotations

from sqlalchemy import func, select

from .database import Database
from .models import Photo
from .photo_rows import photo_of, photo_select
from .records import PhotoRecord


class Copies:
    """Groups of photos that share a content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, after: int, count: int) -> list[list[PhotoRecord]]:
        """Up to `count` groups whose first photo's id is above `after`, in order of that id."""
        first = func.min(Photo.id)
        contents = (
            select(Photo.content_hash)
            .where(Photo.content_hash.is_not(None), Photo.error.is_(None))
            .group_by(Photo.content_hash)
            .having(func.count() > 1, first > after)
            .order_by(first)
            .limit(count)
        )
        members = photo_select().where(Photo.error.is_(None), Photo.content_hash.in_(contents)).order_by(Photo.id)
        with self._database.reading() as connection:
            photos = [photo_of(row) for row in connection.execute(members)]
        groups: dict[bytes | None, list[PhotoRecord]] = {}
        for photo in photos:
            groups.setdefault(photo.content_hash, []).append(photo)
        return list(groups.values())
