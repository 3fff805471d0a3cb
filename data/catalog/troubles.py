"""The files that could not be read: a page of them, and having them tried again."""

from __future__ import annotations

import re

from sqlalchemy import Connection, func, select, update

from . import photo_rows
from .models import Photo
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
"""What can be wrong with a file -> how the reasons begin that `images` and its neighbours give, and the catalog keeps.
For saying it in another language."""


def kind_of(reason: str) -> str:
    """The key of KINDS that a reason is of; `other` if it is none."""
    return next((kind for kind, beginning in KINDS.items() if re.match(beginning, reason)), "other")


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
    files = Photo.inode != UNREADABLE_FOLDER.inode  # a folder is tried again anyway, and is to be known for one
    connection.execute(update(Photo).where(failed, files).values(NEVER_SEEN._asdict()))
    return list(roots)
