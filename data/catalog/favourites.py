"""Favourites: the contents that the user marked. Every photo with such bytes is a favourite, wherever it is.

A mark needs no photo: it stays when the last one is moved, excluded, forgotten or cannot be read, and counts again when
the bytes return. A picture that is edited in place hands its mark on to its new bytes and keeps it for the old ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from . import seals
from .models import EncoderRow, Favourite, Photo, Vector
from .records import Entry

AT_ONCE = 500  # ids in one statement


def put(connection: Connection, marks: Mapping[bytes, str]) -> None:
    """Mark contents, given when each was marked; one that is marked already keeps its time."""
    rows: list[dict[str, Any]] = [{"content_hash": key, "marked_at": moment} for key, moment in marks.items()]
    if rows:
        sealed = [row | {"seal": seals.of("favourite", row)} for row in rows]
        connection.execute(insert(Favourite).on_conflict_do_nothing(), sealed)


def drop(connection: Connection, contents: Iterable[bytes]) -> None:
    """Take the marks of contents away."""
    for content_hash in contents:
        connection.execute(delete(Favourite).where(Favourite.content_hash == content_hash))


def contents(connection: Connection, photo_ids: Sequence[int]) -> list[bytes]:
    """The different contents of these photos."""
    found: dict[bytes, None] = {}
    for start in range(0, len(photo_ids), AT_ONCE):
        ids = [int(each) for each in photo_ids[start : start + AT_ONCE]]
        readable = (Photo.id.in_(ids), Photo.content_hash.is_not(None))
        found |= dict.fromkeys(connection.execute(select(Photo.content_hash).where(*readable)).scalars())  # type: ignore[arg-type]
    return list(found)


def photos(connection: Connection, content_hashes: Iterable[bytes]) -> list[int]:
    """Ids of all photos with these contents, in order."""
    found: list[int] = []
    for content_hash in content_hashes:
        found += connection.execute(select(Photo.id).where(Photo.content_hash == content_hash)).scalars()
    return sorted(found)


def count(connection: Connection) -> int:
    """How many photos are favourites."""
    marked = (Photo.content_hash.in_(select(Favourite.content_hash)), Photo.error.is_(None))
    return int(connection.execute(select(func.count()).select_from(Photo).where(*marked)).scalar_one())


def count_among(connection: Connection, photo_ids: Sequence[int]) -> int:
    """How many of these photos are favourites."""
    marked = Photo.content_hash.in_(select(Favourite.content_hash))
    wanted = set(photo_ids)
    return sum(photo_id in wanted for photo_id in connection.execute(select(Photo.id).where(marked)).scalars())


def handed_on(connection: Connection, entries: Sequence[Entry]) -> dict[bytes, str]:
    """Content -> time of the mark that it takes over from the picture it replaces at its place.

    To be asked before the entries are written. A content that the library knows already takes over nothing: it is
    another picture that was copied there. One that a failed file turns out to have does in any case.
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
        marked = select(Favourite.marked_at).where(
            Favourite.content_hash == (before.content_hash or before.hash_before or b"")
        )
        moment = connection.execute(marked).scalar()
        if moment is not None and (before.content_hash is None or not _is_known(connection, key)):
            result[key] = moment
    return result


def placeholder(photo_id: int) -> bytes:
    """The content hash that stands for a marked photo of an older schema which could not be read: that of no file."""
    return hashlib.sha256(b"favourite of photo %d" % photo_id).digest()


def _is_known(connection: Connection, content_hash: bytes) -> bool:
    """Whether a photo has this content, or had it until a moment ago: vectors stay until they are pruned."""
    has_photo = select(Photo.id).where(Photo.content_hash == content_hash).limit(1)
    encoders = select(EncoderRow.id)  # named, so that the index of (encoder, content) serves
    has_vector = select(Vector.id).where(Vector.encoder_id.in_(encoders), Vector.content_hash == content_hash).limit(1)
    return any(connection.execute(wanted).first() is not None for wanted in (has_photo, has_vector))
