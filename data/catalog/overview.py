"""What `polyglance doctor` reads of a catalog: one short read, of any schema, that writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .suggestions import as_bytes, is_incomplete, reading_only

_COUNTS = (
    "SELECT count(*), count(CASE WHEN error LIKE ? THEN 1 END), count(CASE WHEN error LIKE ? THEN 1 END) FROM photo"
)
_ENCODER = (
    "SELECT id, name FROM encoder WHERE CAST(id AS TEXT) = (SELECT value FROM setting WHERE key = 'active_encoder')"
)
_FAILED = ("is a HEIC picture%", "is a camera raw picture%")


@dataclass(frozen=True, slots=True)
class Overview:
    """`photos` counts all files, readable or not; `folders` those with photos and the ones above them, roots included;
    `heic` and `raw` files that need an extra."""

    schema: str
    photos: int
    heic: int
    raw: int
    vectors: int
    encoder: str | None
    folders: int
    is_incomplete: bool
    """Whether it is a copy that is not complete."""


def read(catalog: Path, url: str = "") -> Overview:
    """Read it, or that in the database at `url`. Raises OSError, sqlite3.Error; also if there is no catalog there."""
    with reading_only(catalog, url) as connection:
        ((schema,),) = connection.execute("SELECT version_num FROM alembic_version")
        photos, heic, raw = connection.execute(_COUNTS, _FAILED).fetchone()
        encoder = connection.execute(_ENCODER).fetchone() or (-1, b"")
        ((vectors,),) = connection.execute("SELECT count(*) FROM vector WHERE encoder_id = ?", encoder[:1])
        roots = [root for (root,) in connection.execute("SELECT id FROM root")]
        folders = _count_folders(roots, connection.execute("SELECT root_id, path FROM photo"))
        incomplete = is_incomplete(connection)
    name = as_bytes(encoder[1]).decode(errors="replace") or None
    schema = as_bytes(schema).decode(errors="replace")
    return Overview(schema, photos, heic, raw, vectors, name, folders, incomplete)


def _count_folders(roots: Iterable[int], photos: Iterable[tuple[int, bytes]]) -> int:
    folders = {(root, b"") for root in roots}
    for root, path in photos:
        folder = os.path.dirname(bytes(path))
        while (root, folder) not in folders:
            folders.add((root, folder))
            folder = os.path.dirname(folder)
    return len(folders)
