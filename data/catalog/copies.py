"""Photos with equal bytes, and which photos are marked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from . import photo_rows
from .catalog import Catalog
from .models import Favourite, Photo
from .records import PhotoRecord


def page(catalog: Catalog, after: int, count: int) -> list[list[PhotoRecord]]:
    """Up to `count` groups of photos with equal bytes whose first photo's id is above `after`, in order of that id."""
    first = func.min(Photo.id)
    groups = (
        select(Photo.content_hash)
        .where(Photo.content_hash.is_not(None), Photo.error.is_(None))
        .group_by(Photo.content_hash)
        .having(func.count() > 1, first > after)
        .order_by(first)
        .limit(count)
    )
    wanted = photo_rows.photo_select().where(Photo.error.is_(None), Photo.content_hash.in_(groups)).order_by(Photo.id)
    photos = catalog.read(lambda connection: [photo_rows.photo(row) for row in connection.execute(wanted)])
    found: dict[bytes | None, list[PhotoRecord]] = {}
    for photo in photos:
        found.setdefault(photo.content_hash, []).append(photo)
    return list(found.values())


def favourites(catalog: Catalog, photo_ids: Sequence[int]) -> set[int]:
    """Those of a few photos that are marked as favourites."""
    marked = Photo.content_hash.in_(select(Favourite.content_hash))
    wanted = select(Photo.id).where(Photo.id.in_([int(each) for each in photo_ids]), marked)
    return catalog.read(lambda connection: set(connection.execute(wanted).scalars()))
