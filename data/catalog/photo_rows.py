"""Between the catalog's rows and the records of the rest of the program."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from .. import paths
from ..pictures.exif import Facts
from . import database, seals
from .models import Photo, Root
from .records import Disk, Entry, Mounted, PhotoRecord

_FACTS = ("taken_at", "camera", "lens", "latitude", "longitude", "caption")


def now() -> str:
    """The time, in UTC, as the catalog writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def photo_values(entry: Entry) -> dict[str, Any]:
    """The columns of a photo row that an entry sets."""
    content = entry.content
    said = content.facts if content else None
    sealed = {
        "content_hash": content.content_hash if content else None,
        "error": entry.error,
        "width": content.width if content else None,
        "height": content.height if content else None,
        "format": content.format if content else None,
        **{name: getattr(said, name, None) for name in _FACTS},
        "keywords": json.dumps(said.keywords, ensure_ascii=False) if said and said.keywords else None,
    }
    return {
        "root_id": entry.root_id,
        "path": entry.path,
        **entry.stat._asdict(),
        **sealed,
        "indexed_at": now(),
        "seal": seals.of("photo", sealed),
    }


def ids(connection: Connection, written: Sequence[dict[str, Any]]) -> list[int]:
    """Ids of the rows that were just written from these values, whether they are new or were there."""
    wanted = select(Photo.id)
    places = [(values["root_id"], values["path"]) for values in written]
    found = (
        connection.execute(wanted.where(Photo.root_id == root, Photo.path == path)).scalar_one()
        for root, path in places
    )
    return list(found)


def fact_columns() -> list[Any]:
    """The columns that `facts` reads, but `keywords`."""
    return [getattr(Photo, name) for name in _FACTS]


def facts(row: Any) -> Facts:
    """What the picture said about itself."""
    return Facts(**{name: getattr(row, name) for name in _FACTS}, keywords=tuple(json.loads(row.keywords or "[]")))


@functools.cache
def photo_select() -> Any:
    """The statement whose rows `photo` reads."""
    return (
        select(Photo.id, Photo.path, Photo.size, Photo.mtime_ns, Photo.content_hash, Photo.error, Photo.width)
        .add_columns(Photo.height, Photo.format, Photo.keywords, Root.path.label("root"), *fact_columns(), Photo.seal)
        .join(Root, Root.id == Photo.root_id)
    )


def photo(row: Any) -> PhotoRecord:
    """One row of `photo_select` as a record. Raises LibraryError if it is not what was written."""
    if seals.of("photo", row) != row.seal:
        raise database.damaged(f"the record of photo {row.id} is not what was written")
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
        facts=facts(row),
    )


def mounted_text(mounted: Mounted) -> str:
    """How a root is mounted, as the catalog writes it; ASCII, whatever bytes the names are of."""
    names = [os.fsdecode(name) for name in (mounted.point, *mounted.below)]
    disks = {os.fsdecode(name): list(disk) for name, disk in mounted.disks.items()}
    top = {"point": names[0], "inode": mounted.inode, "volume": mounted.volume, "device": mounted.device}
    return json.dumps(top | {"below": names[1:], "disks": disks})


def mounted(text: str | None) -> Mounted | None:
    """What `mounted_text` wrote; older versions wrote neither `device` nor `disks`."""
    if text is None:
        return None
    said = json.loads(text)
    below = tuple(os.fsencode(name) for name in said["below"])
    disks = {os.fsencode(name): Disk(*disk) for name, disk in said.get("disks", {}).items()}
    return Mounted(os.fsencode(said["point"]), said["inode"], said["volume"], below, said.get("device", 0), disks)
