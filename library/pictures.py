"""The pictures of results: opened when they are asked for, also after the library was closed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from PIL import Image

from ..config import Settings
from ..data.catalog.catalog import Catalog
from ..data.catalog.records import PhotoRecord
from ..data.pictures.decoding import ON_DEMAND, DecodedPicture, DecodeOptions
from ..errors import PictureError
from ..search.query.sent import SentPicture
from . import photos
from .parts import CATALOG, Parts, thumbnails_in

WHOLE = 1 << 20
"""A `side` of `images.decode` at which no picture is reduced, unless it would take too much memory."""


@dataclass(frozen=True, slots=True)
class LibraryPictures:
    """`search.showing.Pictures` of the library in `folder`.

    It keeps nothing open and can be pickled: for a file that has to be decoded it opens the catalog and closes it.
    """

    folder: Path
    settings: Settings
    """Without the server's password, so that a pickled result does not contain it."""

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """The pictures of an opened library."""
        return cls(parts.folder, parts.settings.model_copy(update={"auth": None}))

    def __reduce__(self) -> tuple[object, ...]:
        """A pickled result has no password of the catalog either: another process needs one in `~/.pgpass`."""
        return type(self), (self.folder, self.settings.without_passwords())

    def image(self, photo: PhotoRecord) -> Image.Image:
        """The picture in the photo's file, upright, RGB, at its full size. Raises as `Pictures` says."""
        image = self._decode(photo, DecodeOptions.from_settings(self.settings, WHOLE)).image
        assert image is not None, "the options ask for its pixels"
        return image

    def preview(self, photo: PhotoRecord, side: int) -> bytes:
        """The picture as a JPEG file within `side` x `side` pixels. Raises as `Pictures` says."""
        return self._decode(photo, DecodeOptions.from_settings(self.settings, side, pixels=False, jpeg_side=side)).jpeg

    def thumbnail(self, photo: PhotoRecord) -> bytes:
        """The thumbnail that the library keeps, a JPEG file. Raises as `Pictures` says."""
        assert photo.content_hash is not None, "results have been read"
        try:
            return thumbnails_in(self.folder, self.settings).path(photo.content_hash).read_bytes()
        except OSError:  # lost, or not to be read: this makes it again, or raises what is wrong
            with self._opened() as parts:
                return photos.thumbnail(parts, photo.id).read_bytes()

    def _decode(self, photo: PhotoRecord, options: DecodeOptions) -> DecodedPicture:
        with self._opened() as parts:
            place = photos.place_of(parts, photo)
        _, picture = ON_DEMAND.read(
            *place, options, should_decode=lambda content_hash: content_hash == photo.content_hash
        )
        if picture is None:
            raise PictureError("has changed since it was indexed", "Run 'polyglance index' again.")
        return picture

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Parts]:
        with Catalog(self.folder / CATALOG, self.settings.catalog_url) as catalog:
            yield Parts(self.folder, self.settings, catalog)


def thumbnail_of_sent(settings: Settings, sent: SentPicture) -> bytes:
    """A picture that was sent with a query, as a JPEG file of a thumbnail's size. Raises PictureError."""
    options = DecodeOptions.from_settings(
        settings, settings.thumbnail_side, pixels=False, jpeg_side=settings.thumbnail_side
    )
    options = replace(options, max_pixels=min(options.max_pixels, sent.max_pixels))
    try:
        jpeg = ON_DEMAND.decode(sent.data, options).jpeg
    except PictureError as error:
        raise PictureError(f"The picture {error.message}.", error.hint) from error
    assert jpeg is not None, "the options ask for it"
    return jpeg
