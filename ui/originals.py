"""Opening the file of a photo for the browser: the photo that was indexed, or nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from ..config import Settings
from ..data import formats, images, paths
from ..data.records import PhotoRecord
from ..errors import PictureError

BROWSER_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
}
"""Formats, as `formats.sniff` names them, that browsers show: sent as they are."""

CONVERTED_SIDE = 1000
"""`side` of `images.decode` for the others: a short side of 2000 to 4000 pixels, if the picture has as many."""

CONVERTED_QUALITY = 90
HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 256 * 1024

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True)
class Original:
    """A photo's file, open, with what its answer carries. `etag` changes when the file does."""

    file: BinaryIO
    name: str
    size: int
    etag: str

    @property
    def media_type(self) -> str:
        """Content type of what the browser gets."""
        return BROWSER_TYPES.get(self.name, "image/jpeg")

    @property
    def is_sent_as_it_is(self) -> bool:
        """Whether browsers show the format."""
        return self.name in BROWSER_TYPES

    def chunks(self, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield `length` of the file's bytes from `first` on, or all as they are, then close it."""
        with self.file:
            self.file.seek(first)
            # The length was announced: a file that grows meanwhile must not exceed it.
            left = self.size if length is None else length
            while left and (chunk := self.file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk

    def converted(self, settings: Settings) -> bytes:
        """Return the picture as a JPEG file and close the original. Raises PictureError."""
        with self.file:
            if self.size > settings.max_file_bytes:
                raise PictureError("is over the size limit", "Raise POLYGLANCE_MAX_FILE_BYTES.")
            data = self.file.read(self.size)
        image = images.decode(data, side=CONVERTED_SIDE, max_pixels=settings.max_pixels).image
        target = BytesIO()
        image.save(target, "JPEG", quality=CONVERTED_QUALITY)
        return target.getvalue()


def opened(photo: PhotoRecord, roots: Sequence[bytes]) -> Original:
    """Open the photo's file, which must still lie, unlinked, below one of `roots`. Raises PictureError if not."""
    descriptor = _descriptor(photo.path, roots)
    file = os.fdopen(descriptor, "rb")
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise PictureError("was replaced by something that is no file", "Run 'polyglance index' again.")
        name = formats.sniff(file.read(HEAD_BYTES))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    digest = photo.content_hash.hex() if photo.content_hash else ""
    return Original(file, name, info.st_size, f'"{digest}-{info.st_mtime_ns:x}-{info.st_size:x}"')


def _descriptor(path: bytes, roots: Sequence[bytes]) -> int:
    """Open `path`, following no symbolic link in its last part, nor any that leads out of its root."""
    real = os.path.realpath(path)
    if not any(paths.is_within(path, root) and paths.is_within(real, os.path.realpath(root)) for root in roots):
        raise PictureError("is no longer in its folder", "Run 'polyglance index' again.")
    try:
        # Where O_NOFOLLOW is missing (Windows), this check stands in for it.
        if os.path.islink(path):
            raise PictureError("was replaced by a link", "Run 'polyglance index' again.")
        return os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise PictureError("is gone", "Is its disk connected? Else run 'polyglance index' again.") from error
    except OSError as error:
        raise PictureError(f"cannot be opened: {error.strerror}", "Check its permissions.") from error
