"""Between the rows of photos and the records that the rest of the program uses."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from .. import paths
from ..pictures.exif import Facts
from . import seals
from .constructs import IdList, id_list_value
from .database import damaged, fetch
from .models import Photo, Root
from .records import Entry, PhotoRecord

AT_ONCE = 500
"""Ids in one statement, far below any limit of parameters."""

_FACTS = ("taken_at", "camera", "lens", "latitude", "longitude", "caption")


def now() -> str:
    """The time, in UTC, as the catalog writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def batches(ids: Sequence[int]) -> Iterator[list[int]]:
    """Ids in lists of AT_ONCE."""
    for start in range(0, len(ids), AT_ONCE):
        yield [int(number) for number in ids[start : start + AT_ONCE]]


def values_of(entry: Entry) -> dict[str, Any]:
    """The columns of a photo's row that an entry sets."""
    content = entry.content
    facts = content.facts if content else None
    sealed = {
        "content_hash": content.content_hash if content else None,
        "error": entry.error,
        "width": content.width if content else None,
        "height": content.height if content else None,
        "format": content.format if content else None,
        **{name: getattr(facts, name, None) for name in _FACTS},
        "keywords": json.dumps(facts.keywords, ensure_ascii=False) if facts and facts.keywords else None,
    }
    return {
        "root_id": entry.root_id,
        "path": entry.path,
        **entry.stat._asdict(),
        **sealed,
        "indexed_at": now(),
        "seal": seals.seal_row("photo", sealed),
    }


def ids_of(connection: Connection, values: Sequence[dict[str, Any]]) -> list[int]:
    """Ids of the rows at the places of these values, in their order."""
    places = [(row["root_id"], row["path"]) for row in values]
    statements = (select(Photo.id).where(Photo.root_id == root, Photo.path == path) for root, path in places)
    return [connection.execute(statement).scalar_one() for statement in statements]


def fact_columns() -> list[Any]:
    """The columns that `facts_of` reads, but `keywords`."""
    return [getattr(Photo, name) for name in _FACTS]


def facts_of(row: Any) -> Facts:
    """What the picture's metadata say."""
    return Facts(**{name: getattr(row, name) for name in _FACTS}, keywords=tuple(json.loads(row.keywords or "[]")))


@functools.cache
def photo_select() -> Any:
    """The statement whose rows `photo_of` reads."""
    return (
        select(Photo.id, Photo.path, Photo.size, Photo.mtime_ns, Photo.content_hash, Photo.error, Photo.width)
        .add_columns(Photo.height, Photo.format, Photo.keywords, Root.path.label("root"), *fact_columns(), Photo.seal)
        .join(Root, Root.id == Photo.root_id)
    )


def photos_in_order(connection: Connection, ids: Any) -> list[PhotoRecord]:
    """The photos whose ids a statement selects, in its order.

    A statement with the join of roots in it may begin with the roots and read all photos of each.
    """
    return photos_by_ids(connection, [photo_id for (photo_id,) in fetch(connection, ids)])


def photos_by_ids(connection: Connection, photo_ids: Sequence[int]) -> list[PhotoRecord]:
    """The photos with these ids, in their order."""
    rows = connection.execute(_photos_by_ids(), {"ids": id_list_value(photo_ids)}).all()
    by_id = {row.id: photo_of(row) for row in rows}
    return [by_id[photo_id] for photo_id in photo_ids if photo_id in by_id]


@functools.cache
def _photos_by_ids() -> Any:
    return photo_select().where(Photo.id.in_(IdList()))


def photo_of(row: Any) -> PhotoRecord:
    """One row of `photo_select` as a record. Raises LibraryError if it is not what was written."""
    if seals.seal_row("photo", row) != row.seal:
        raise damaged(f"the record of photo {row.id} is not what was written")
    return PhotoRecord(
        id=row.id,
        path=paths.join(row.root, row.path),
        size=row.size,
        mtime_ns=row.mtime_ns,
        content_hash=row.content_hash,
        error=row.error,
        width=row.width,
        height=row.height,
        format=row.format,
        facts=facts_of(row),
    )
