"""Photos of the library by id: facts, place on disk, thumbnail, favourites."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from ..data import paths
from ..data.catalog.records import PhotoRecord
from ..data.pictures import decoding
from ..data.pictures.decoding import DecodedPicture, DecodeOptions
from ..data.pictures.exif import Exposure
from ..data.places import gazetteer
from ..errors import DiskFull, PhotoNotFound, PictureError
from .parts import Parts, thumbnail_options
from .writing import short_write

_SMALL_SIDE = 32
"""`side` of `images.decode` where the picture is not wanted."""

_NO_SPACE = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def photo(parts: Parts, photo_id: int) -> PhotoRecord:
    """The photo with this id. Raises PhotoNotFound."""
    record = parts.catalog.photos.get(photo_id)
    # A NUL in the path: another file has taken its place, and the index run has not looked for it elsewhere yet.
    if record is None or record.error is not None or b"\0" in record.path:
        raise _not_found(photo_id)
    return record


def photos(parts: Parts, photo_ids: Sequence[int]) -> dict[int, PhotoRecord]:
    """The photos with these ids, by id; ids that no photo has are left out."""
    records = parts.catalog.photos.get_many(photo_ids)
    return {photo_id: record for photo_id, record in records.items() if b"\0" not in record.path}


def mark(parts: Parts, photo_ids: Sequence[int], *, favourite: bool) -> list[int]:
    """Mark photos as favourites, or unmark them; return the ids of all photos with these contents."""
    with short_write(parts):
        records = photos(parts, photo_ids)
        for photo_id in photo_ids:
            if photo_id not in records:
                raise _not_found(photo_id)
        return parts.catalog.favourites.mark(photo_ids, favourite=favourite)


def place_of(parts: Parts, record: PhotoRecord) -> tuple[bytes, bytes]:
    """(root, path relative to it) of a photo, absolute and as exact bytes. Raises PictureError."""
    for root in parts.catalog.roots.all(counted=False):
        if paths.is_within(record.path, root.path):
            return root.path, paths.relative_to(record.path, root.path)
    raise PictureError("is no longer in a folder of the library", "Run 'polyglance index' again.")


def exposure(parts: Parts, photo_id: int) -> Exposure:
    """How the photo was taken, read from its file. Raises PhotoNotFound, PictureError, DecodersBusy."""
    record = photo(parts, photo_id)
    options = DecodeOptions.from_settings(parts.settings, _SMALL_SIDE, pixels=False)
    return _decode(parts, record, options).exposure


def place_name(parts: Parts, record: PhotoRecord, language: str) -> tuple[str | None, str] | None:
    """(name of the city, country's ISO code) where a photo was taken; None if that is not known."""
    if record.content_hash is None or record.facts.latitude is None:
        return None
    keys = parts.catalog.labels.of_content("place", record.content_hash)
    place = gazetteer.place(keys[0]) if keys else None
    return (None if place.is_country else place.name(language), place.country) if place else None


def thumbnail(parts: Parts, photo_id: int) -> Path:
    """Path of the photo's thumbnail (JPEG), made again if it was lost.

    Raises PhotoNotFound, PictureError if it cannot be made or may not be read, DiskFull if there is no space for it.
    """
    record = photo(parts, photo_id)
    assert record.content_hash is not None
    path = parts.thumbnails.path(record.content_hash)
    try:
        if not os.access(path, os.R_OK):
            if path.exists():
                raise PermissionError
            _make_thumbnail(parts, record)
    except PermissionError:
        raise PictureError(
            "has a small copy in the library that you may not read or make",
            f"Its owner can let you: chmod -R a+rX {parts.thumbnails.folder}",
        ) from None
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise DiskFull(
            "The thumbnail was lost and cannot be written again: the disk of the library is full.",
            f"Free some space on the disk of {parts.folder}.",
        ).with_code("disk_full") from error
    return path


def _not_found(photo_id: int) -> PhotoNotFound:
    return PhotoNotFound(f"No photo has the id {photo_id}.")


def _make_thumbnail(parts: Parts, record: PhotoRecord) -> None:
    assert record.content_hash is not None
    picture = _decode(parts, record, thumbnail_options(parts.settings))
    parts.thumbnails.write(record.content_hash, picture.jpeg)


def _decode(parts: Parts, record: PhotoRecord, options: DecodeOptions) -> DecodedPicture:
    """Decode a photo's file if it holds the bytes that were indexed. Raises PictureError, DecodersBusy."""
    _, picture = decoding.ON_DEMAND.read(
        *place_of(parts, record), options, should_decode=lambda content_hash: content_hash == record.content_hash
    )
    if picture is None:
        raise PictureError("has changed since it was indexed", "Run 'polyglance index' again.")
    return picture
