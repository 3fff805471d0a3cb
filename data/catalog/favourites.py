"""Favourites: the contents that the user marked. Every photo with such bytes is a favourite, wherever it is.

A mark needs no photo: it stays when the last one is moved, excluded, forgotten or cannot be read, and counts again when
the bytes return. A picture that is edited in place hands its mark on to its new bytes and keeps it for the old ones.

Functions with a `connection` work inside the caller's transaction; each method is a transaction of its own.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from . import photo_rows, seals, settings
from .constructs import IdList, Unindexed, id_list_value
from .database import Database, fetch
from .dialect import of
from .models import EncoderRow, Favourite, Photo, Vector
from .photo_rows import batches
from .records import Entry


class Favourites:
    """The table of marked contents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, photo_ids: Sequence[int], *, favourite: bool = True) -> list[int]:
        """Make photos favourites, or no favourites any more; return the ids of all photos with the same bytes."""
        with self._database.writing() as connection:
            contents = _contents_of(connection, photo_ids)
            if favourite:
                put(connection, dict.fromkeys(contents, photo_rows.now()))
            else:
                _drop(connection, contents)
            settings.bump(connection)
            return _photos_with(connection, contents)

    def among(self, photo_ids: Sequence[int]) -> set[int]:
        """The favourites among a few photos."""
        with self._database.reading() as connection:
            rows = fetch(connection, _among(), {"ids": id_list_value(photo_ids)})
        return {photo_id for (photo_id,) in rows}

    def count_among(self, photo_ids: Sequence[int]) -> int:
        """The number of favourites among any number of photos."""
        ids = set(photo_ids)
        with self._database.reading() as connection:
            marked = connection.execute(select(Photo.id).where(is_favourite())).scalars()
            return sum(photo_id in ids for photo_id in marked)


def is_favourite() -> Any:
    """The condition that a photo is a favourite."""
    return Photo.content_hash.in_(select(Favourite.content_hash))


@functools.cache
def _among() -> Any:
    # Unindexed: SQLite would begin with all favourites, and look for each in the list of ids.
    marked = Unindexed(Photo.content_hash).in_(select(Favourite.content_hash))
    return select(Photo.id).where(Photo.id.in_(IdList()), marked)


def put(connection: Connection, marks: Mapping[bytes, str]) -> None:
    """Mark contents, each with the time it was marked; a content that is marked already keeps its time."""
    rows: list[dict[str, Any]] = [{"content_hash": key, "marked_at": time} for key, time in marks.items()]
    if rows:
        sealed = [row | {"seal": seals.seal_row("favourite", row)} for row in rows]
        connection.execute(of(connection).insert_or_ignore(Favourite), sealed)


def handed_on(connection: Connection, entries: Sequence[Entry]) -> dict[bytes, str]:
    """Content -> time of the mark that it takes over from the picture it replaces at its place.

    Has to be called before the entries are written. A content that the library knows already takes over nothing: it is
    another picture that was copied there. The content of a file that failed before takes over the mark in any case.
    """
    if connection.execute(select(Favourite.content_hash).limit(1)).first() is None:
        return {}
    result = {}
    for entry in entries:
        key = entry.content.content_hash if entry.content else None
        at_place = (Photo.root_id == entry.root_id, Photo.path == entry.path)
        before = connection.execute(select(Photo.content_hash, Photo.hash_before).where(*at_place)).first()
        if key is None or before is None or before.content_hash == key:
            continue
        hash_before = before.content_hash or before.hash_before or b""
        marked = select(Favourite.marked_at).where(Favourite.content_hash == hash_before)
        time = connection.execute(marked).scalar()
        if time is not None and (before.content_hash is None or not _is_known(connection, key)):
            result[key] = time
    return result


def placeholder(photo_id: int) -> bytes:
    """The content hash that stands for a marked photo of an older schema which could not be read: that of no file."""
    return hashlib.sha256(b"favourite of photo %d" % photo_id).digest()


def _drop(connection: Connection, contents: Iterable[bytes]) -> None:
    for content_hash in contents:
        connection.execute(delete(Favourite).where(Favourite.content_hash == content_hash))


def _contents_of(connection: Connection, photo_ids: Sequence[int]) -> list[bytes]:
    """The distinct contents of these photos."""
    contents: dict[bytes, None] = {}
    for ids in batches(photo_ids):
        readable = (Photo.id.in_(ids), Photo.content_hash.is_not(None))
        contents |= dict.fromkeys(connection.execute(select(Photo.content_hash).where(*readable)).scalars())  # type: ignore[arg-type]
    return list(contents)


def _photos_with(connection: Connection, contents: Iterable[bytes]) -> list[int]:
    """Ids of all photos with these contents, in order."""
    photo_ids: list[int] = []
    for content_hash in contents:
        photo_ids += connection.execute(select(Photo.id).where(Photo.content_hash == content_hash)).scalars()
    return sorted(photo_ids)


def _is_known(connection: Connection, content_hash: bytes) -> bool:
    """Whether a photo has this content, or had it until a moment ago: vectors stay until they are pruned."""
    has_photo = select(Photo.id).where(Photo.content_hash == content_hash).limit(1)
    encoders = select(EncoderRow.id)  # named, so that the index of (encoder, content) serves
    has_vector = select(Vector.id).where(Vector.encoder_id.in_(encoders), Vector.content_hash == content_hash).limit(1)
    return any(connection.execute(statement).first() is not None for statement in (has_photo, has_vector))
