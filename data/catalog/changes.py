"""What an index run changes: photos with their words, vectors and marks. Each method is one transaction, but
`remove_folder`.

This is the only place where several subjects are written together. A process killed at any moment leaves all of a
change or nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import case, delete, func, select, update

from ...arrays import Floats
from . import favourites, photo_rows, settings, vectors, words
from .database import Database
from .dialect import of
from .models import Photo
from .photo_rows import batches
from .photos import Photos
from .records import Entry, Move
from .roots import Roots


class Changes:
    """The writes of an index run."""

    def __init__(self, database: Database, roots: Roots, photos: Photos) -> None:
        self._database = database
        self._roots = roots
        self._photos = photos

    def commit(self, entries: Sequence[Entry], contents: Mapping[bytes, Floats], encoder_id: int) -> None:
        """Write a batch: rows and words of photos, the vectors of their `contents` (by content hash), and marks."""
        placed = [entry for entry in entries if entry.photo_id is None]
        returned = [entry for entry in entries if entry.photo_id is not None]
        rows = [photo_rows.values_of(entry) for entry in placed]
        with self._database.writing() as connection:
            marks = favourites.handed_on(connection, placed)
            if rows:
                replacement = partial(_replacement, rows[0])
                connection.execute(of(connection).upsert(Photo, ["root_id", "path"], replacement), rows)
            for entry in returned:
                values = photo_rows.values_of(entry)
                connection.execute(update(Photo).where(Photo.id == entry.photo_id).values(values))
            ids = [*photo_rows.ids_of(connection, rows), *(entry.photo_id or 0 for entry in returned)]
            words.write(connection, ids)
            vectors.put(connection, contents, encoder_id)
            favourites.put(connection, marks)
            settings.bump(connection)

    def move(self, moves: Sequence[Move]) -> None:
        """Give photos their new places; also when they swap names, or one gets the place of another.

        That other one keeps its row, under a name that no file can have, until it is found elsewhere or removed.
        """
        with self._database.writing() as connection:
            # Through such names, too, so that A -> B, B -> A never meets the unique constraint.
            for move in moves:
                aside = b"\0%d" % move.photo_id
                connection.execute(update(Photo).where(Photo.id == move.photo_id).values(path=aside))
            replaced = []
            for move in moves:
                at_place = (Photo.root_id == move.root_id, Photo.path == move.path)
                for photo_id in connection.execute(select(Photo.id).where(*at_place)).scalars():
                    replaced.append(photo_id)
                    aside = move.path + b"\0%d" % photo_id
                    connection.execute(update(Photo).where(Photo.id == photo_id).values(path=aside))
            for move in moves:
                values = {"root_id": move.root_id, "path": move.path, **move.stat._asdict()}
                connection.execute(update(Photo).where(Photo.id == move.photo_id).values(values))
            words.write(connection, [*replaced, *(move.photo_id for move in moves)])
            settings.bump(connection)

    def renumber(self, moved: Mapping[tuple[int, bytes], int], returned: Sequence[int]) -> None:
        """Give the photos at these places, by root id and path, these ids.

        A photo that had such an id gets a new one. The rows of photos that `returned` from where their files are gone
        are deleted.
        """
        with self._database.writing() as connection:
            for ids in batches(returned):
                connection.execute(delete(Photo).where(Photo.id.in_(ids)))
            new: dict[int, int] = {}
            for (root_id, path), photo_id in moved.items():
                at_place = (Photo.root_id == root_id, Photo.path == path)
                new[connection.execute(select(Photo.id).where(*at_place)).scalar_one()] = photo_id
            highest = connection.execute(select(func.max(Photo.id))).scalar_one()
            unused = 1 + max(highest, *moved.values())
            losing = set(moved.values()) - new.keys() - set(returned)
            new |= {photo_id: unused + number for number, photo_id in enumerate(sorted(losing))}
            for old, photo_id in new.items():
                connection.execute(update(Photo).where(Photo.id == old).values(id=-photo_id))
            connection.execute(update(Photo).where(Photo.id < 0).values(id=-Photo.id))
            of(connection).continue_ids(connection, "photo")
            words.write(connection, sorted({*new, *new.values(), *returned}))
            settings.bump(connection)

    def remove(self, photo_ids: Sequence[int]) -> None:
        """Remove photos whose files are gone. Their vectors stay until `vectors.prune`."""
        with self._database.writing() as connection:
            for ids in batches(photo_ids):
                connection.execute(delete(Photo).where(Photo.id.in_(ids)))
            settings.bump(connection)

    def remove_folder(self, root_id: int, folder: bytes) -> None:
        """Remove the photos in a folder of a root, and then (another transaction) the disks known in it."""
        self.remove([known.photo_id for known in self._photos.known(root_id, folder).values()])
        self._roots.forget_disks_below(root_id, folder)


def _replacement(columns: Iterable[str], inserted: Any) -> dict[str, Any]:
    """What a photo's row becomes when its file is read again; a failed file keeps the hash it had before."""
    changed = {name: inserted[name] for name in columns}
    before = func.coalesce(Photo.content_hash, Photo.hash_before)
    return changed | {"hash_before": case((inserted.error.is_not(None), before), else_=None)}
