"""Opening the file of a photo for the browser, if it still holds the bytes that were indexed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedReader
from typing import IO

from ...config import Settings
from ...data import objects, paths
from ...data.catalog.records import PhotoRecord
from ...data.pictures import files
from ...data.pictures.decoding import ON_DEMAND, DecodeOptions
from ...data.pictures.images import MAX_ASPECT
from ...errors import PictureError

BROWSER_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
}
"""Formats, as `sniffing` names them, that browsers show: their files are sent unchanged."""

CONVERTED_SIDE = 1000
"""`side` of `images.decode` for the other formats: a short side of 2000 to 4000 pixels, if the picture has as many."""

CONVERTED_QUALITY = 90
CHUNK_BYTES = 256 * 1024

HASHES_KEPT = 1024
SETTLED_NS = 20_000_000
"""A file may be written twice within one tick of the file system's clock (4 to 10 ms), without a change of times."""

_hashes: OrderedDict[tuple[int, ...], bytes] = OrderedDict()


@dataclass(frozen=True)
class Original:
    """A photo's open file, with the facts for its answer. `etag` changes when the file does."""

    file: IO[bytes]
    name: str
    size: int
    etag: str

    @property
    def media_type(self) -> str:
        """Content type of the file, as far as browsers show it."""
        return BROWSER_TYPES.get(self.name, "application/octet-stream")

    @property
    def is_sent_unchanged(self) -> bool:
        """Whether browsers show the format."""
        return self.name in BROWSER_TYPES

    def chunks(self, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield `length` bytes of the file from position `first` on (None: all)."""
        self.file.seek(first)
        # The answer states the length: more must not be sent if the file grows.
        left = self.size if length is None else length
        while left and (chunk := self.file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk


def open_original(photo: PhotoRecord, root: bytes, relative: bytes) -> Original:
    """Open the photo's file, which must hold the bytes that were indexed. Raises PictureError if it does not."""
    if paths.is_url(root):
        return _open_stored(photo, paths.join(root, relative))
    try:
        descriptor = files.open_below(root, relative)
    except PictureError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise PictureError("is gone", "Is its disk connected? Else run 'polyglance index' again.") from error
        raise
    file = os.fdopen(descriptor, "rb")
    try:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise PictureError("was replaced by something that is no file", "Run 'polyglance index' again.")
        if _hash_of(file, info) != photo.content_hash:
            raise PictureError("has changed since it was indexed", "Run 'polyglance index' again.")
    except BaseException:
        file.close()
        raise
    digest = photo.content_hash.hex() if photo.content_hash else ""
    return Original(file, photo.format or "", info.st_size, f'"{digest}-{info.st_mtime_ns:x}-{info.st_size:x}"')


def _open_stored(photo: PhotoRecord, url: bytes) -> Original:
    """Fetch the photo's object into a temporary file, and prove that it has the bytes that were indexed."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile())
        try:
            content_hash = objects.fetch(url, file, size=photo.size)
        except PictureError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise PictureError("is gone", "Run 'polyglance index' again.") from error
            raise
        if content_hash is None or content_hash != photo.content_hash:
            raise PictureError("has changed since it was indexed", "Run 'polyglance index' again.")
        size = file.tell()
        file.seek(0)
        stack.pop_all()
    return Original(file, photo.format or "", size, f'"{content_hash.hex()}-{size:x}"')


def convert(photo: PhotoRecord, root: bytes, relative: bytes, settings: Settings) -> bytes:
    """Return the photo as a JPEG file. Raises PictureError if it is not what was indexed."""
    side = CONVERTED_SIDE
    options = DecodeOptions.from_settings(settings, side, pixels=False, jpeg_side=MAX_ASPECT * side)
    _, picture = ON_DEMAND.read(
        root,
        relative,
        replace(options, quality=CONVERTED_QUALITY),
        lambda content_hash: content_hash == photo.content_hash,
    )
    if picture is None:
        raise PictureError("has changed since it was indexed", "Run 'polyglance index' again.")
    return picture.jpeg


def _hash_of(file: BufferedReader, info: os.stat_result) -> bytes:
    """Return the content hash of an open file, cached by its identity: every write changes `st_ctime_ns`."""
    identity = (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    cached = _hashes.get(identity)
    if cached is not None:
        return cached
    content_hash = hashlib.file_digest(file, "sha256").digest()
    file.seek(0)
    if time.time_ns() - info.st_ctime_ns > SETTLED_NS:
        _hashes[identity] = content_hash
        while len(_hashes) > HASHES_KEPT:
            _hashes.popitem(last=False)
    return content_hash
