"""The files that could not be read: listing them, and letting the next run try them again."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func, select, update

from .database import Database
from .models import Photo
from .photo_rows import photo_of, photo_select
from .records import NEVER_SEEN, UNREADABLE_FOLDER, PhotoRecord

KINDS = {
    "damaged": "is truncated or damaged|could not be decoded: (its decoder|took more than [0-9.]+ s)",
    "empty": "is empty",
    "extra": "is a (HEIC|camera raw) picture",
    "forbidden": "cannot be read: permission denied",
    "gone": "is no longer there",
    "large": "is .*, over the limit|has more pixels",
    "memory": "needs more memory|could not be decoded: took more than .* of memory",
    "not_a_file": "is not a regular file",
    "not_a_picture": "is not a picture",
    "unreadable": "cannot be read",
}
"""Kind of failure -> how the reasons begin that `data/pictures/` gives and the catalog keeps.
The page shows the kind in the reader's language."""


class Failures:
    """The rows of photos that have an error."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[PhotoRecord]:
        """All files that could not be read, in order of their ids."""
        with self._database.reading() as connection:
            return [photo_of(row) for row in connection.execute(_failed())]

    def page(self, after: int, count: int) -> tuple[list[PhotoRecord], int]:
        """Up to `count` failed files with ids above `after`, in order of their ids; and the number of all."""
        with self._database.reading() as connection:
            rows = connection.execute(_failed().where(Photo.id > after).limit(count)).all()
            total = connection.execute(select(func.count(Photo.error))).scalar_one()
        return [photo_of(row) for row in rows], int(total)

    def retry(self) -> list[int]:
        """Let the next run try failed files again, as if they had never been seen; return the ids of their roots."""
        failed = Photo.error.is_not(None)
        files = Photo.inode != UNREADABLE_FOLDER.inode  # a folder is tried again anyway, and has to stay a folder
        with self._database.writing() as connection:
            root_ids = connection.execute(select(Photo.root_id).where(failed).distinct()).scalars().all()
            connection.execute(update(Photo).where(failed, files).values(NEVER_SEEN._asdict()))
        return list(root_ids)


def kind_of(reason: str) -> str:
    """The key of KINDS that a reason belongs to; `other` if it belongs to none."""
    return next((kind for kind, beginning in KINDS.items() if re.match(beginning, reason)), "other")


def _failed() -> Any:
    return photo_select().where(Photo.error.is_not(None)).order_by(Photo.id)
