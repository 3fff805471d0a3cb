"""The files that could not be read: a page of them, and having them tried again."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from . import photo_rows
from .models import Photo
from .records import NEVER_SEEN, PhotoRecord


def page(connection: Connection, after: int, count: int) -> list[PhotoRecord]:
    """Up to `count` failed files with ids above `after`, in order of their ids."""
    wanted = photo_rows.photo_select().where(Photo.error.is_not(None), Photo.id > after).order_by(Photo.id).limit(count)
    return [photo_rows.photo(row) for row in connection.execute(wanted)]


def count(connection: Connection) -> int:
    """How many files could not be read."""
    return int(connection.execute(select(func.count(Photo.error))).scalar_one())


def forget_stats(connection: Connection) -> list[int]:
    """Let the next run try failed files again, as if they had never been seen; return the roots they are in."""
    failed = Photo.error.is_not(None)
    roots = connection.execute(select(Photo.root_id).where(failed).distinct()).scalars().all()
    connection.execute(update(Photo).where(failed).values(NEVER_SEEN._asdict()))
    return list(roots)
