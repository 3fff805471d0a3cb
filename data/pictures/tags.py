"""Bounds the metadata of TIFF files and EXIF blocks before Pillow or libtiff reads it.

Both load every tag in full, as often as a directory names it. A value that is too long for any use is cut or emptied by
changing its length in the directory; the bytes are copied only if there is such a value.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import PictureError
from . import memory

MAX_TAG_BYTES = 1 << 16
"""Longest value kept of a tag; the rest is cut off."""
MAX_DIRECTORY_BYTES = 1 << 20
"""Longest values of a directory together, apart from blocks and strips; later ones are emptied."""
MAX_ENTRIES = 1 << 16
MAX_STRIPS = 200_000

MAX_BLOCK_VALUES = 64 << 20
_HEADER = re.compile(rb"II\*\0|MM\0\*")
_MAX_HEADERS = 64

_MAX_BLOCK_BYTES = {700: 1 << 20, 33723: 1 << 20, 34377: 1 << 20, 34675: 4 << 20}
"""XMP, IPTC, Photoshop's resources, ICC profile: they are useless when cut, so they are kept whole or emptied."""
_STRIPS = frozenset({273, 279, 324, 325})
_DIRECTORIES = frozenset({34665, 34853, 40965})  # EXIF, GPS, interoperability
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclass(frozen=True)
class _Format:
    """How the numbers of a file are stored: `struct` formats of an offset, a directory's length, an entry."""

    offset: str
    length: str
    entry: str
    inline: int
    """Bytes of a value that stand in the entry itself."""


def trim(data: bytes) -> bytes:
    """Return a TIFF file or an EXIF block with bounded tags: `data` itself if its tags are within the bounds.

    Raises PictureError if a directory has more than `MAX_ENTRIES` tags, a picture more than `MAX_STRIPS` strips, or
    the copy would be over the limit of memory.
    """
    while data.startswith(b"Exif\0\0"):
        data = data[6:]
    if data[:2] not in (b"II", b"MM"):
        return data
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    form = _Format(
        order + ("Q" if big else "I"), order + ("Q" if big else "H"), order + ("HHQ" if big else "HHI"), 8 if big else 4
    )
    counts: dict[int, int] = {}
    with contextlib.suppress(struct.error):  # the data ends within a directory: Pillow reports it
        _find_excessive(data, form, counts)
    if not counts:
        return data
    memory.check(len(data))
    parts: list[bytes | memoryview] = []
    done = 0
    for at, count in sorted(counts.items()):
        parts += [memoryview(data)[done:at], struct.pack(form.offset, count)]
        done = at + form.inline
    return b"".join([*parts, memoryview(data)[done:]])


def check_blocks(data: bytes) -> None:
    """Raise PictureError if an EXIF block somewhere in a file names more than `MAX_BLOCK_VALUES` bytes of values.

    This is for files whose decoder loads the block before it could be trimmed. Compressed pixels do not look like such
    a block by chance.
    """
    for number, header in enumerate(_HEADER.finditer(data)):
        if number == _MAX_HEADERS:
            raise PictureError("is truncated or damaged: too many blocks of metadata")
        order = "<" if header[0][:2] == b"II" else ">"
        form = _Format(order + "I", order + "H", order + "HHI", 4)
        room = len(data) - header.start()
        needed = 0
        with contextlib.suppress(struct.error):
            (start,) = struct.unpack_from(form.offset, data, header.start() + 4)
            for _, kind, count, _ in _entries(data, form, header.start() + start):
                size = _SIZES.get(kind, 0) * count
                needed += size if size <= room else 0
        if needed > MAX_BLOCK_VALUES:
            raise PictureError(f"has metadata that needs {needed / 1e6:.0f} MB of memory")


def _find_excessive(data: bytes, form: _Format, counts: dict[int, int]) -> None:
    """Put into `counts`, for each value that is too long, position -> new number in its directory entry."""
    waiting = [struct.unpack_from(form.offset, data, 8 if form.inline == 8 else 4)[0]]
    seen: set[int] = set()
    while waiting:
        start = waiting.pop()
        if start in seen:
            continue
        seen.add(start)
        left = MAX_DIRECTORY_BYTES
        for tag, kind, count, at in _entries(data, form, start):
            if tag in _DIRECTORIES and kind in (3, 4, 13, 16, 18):
                waiting.append(_pointer(data, form, kind, at))
            unit = _SIZES.get(kind, 0)
            size = unit * count
            if size <= form.inline:
                continue
            if tag in _STRIPS:
                _check_strips(count)
                continue
            kept = _kept_bytes(tag, size, left)
            if tag not in _MAX_BLOCK_BYTES:
                left -= kept
            if kept != size:
                counts[at] = kept // unit if kept > form.inline else 0


def _kept_bytes(tag: int, size: int, left: int) -> int:
    block = _MAX_BLOCK_BYTES.get(tag)
    if block is not None:
        return size if size <= block else 0
    kept = min(size, MAX_TAG_BYTES)
    return kept if kept <= left else 0


def _entries(data: bytes, form: _Format, start: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, type, number of values, and the position of that number, of each entry of a directory."""
    (length,) = struct.unpack_from(form.length, data, start)
    if length > MAX_ENTRIES:
        raise PictureError(f"is truncated or damaged: a directory of {length} tags")
    first = start + struct.calcsize(form.length)
    step = 4 + 2 * form.inline
    for at in range(first, first + step * length, step):
        tag, kind, count = struct.unpack_from(form.entry, data, at)
        yield tag, kind, count, at + 4


def _pointer(data: bytes, form: _Format, kind: int, at: int) -> int:
    number = form.offset[0] + {3: "H", 4: "I", 13: "I"}.get(kind, "Q")
    return int(struct.unpack_from(number, data, at + form.inline)[0])


def _check_strips(count: int) -> None:
    if count > MAX_STRIPS:
        raise PictureError(
            f"is stored in {count} strips, over the limit of {MAX_STRIPS}", hint="Save it again with larger ones."
        )
