"""The format of a picture file, from its first bytes. The file's name does not matter."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ...errors import PictureError

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIRS", "RAW"),
    (b"MMOR", "RAW"),
    (b"IIU\0", "RAW"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})

_SUBFILE_TYPE, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 262, 330, 50706
"""TIFF tags."""
_CFA, _LINEAR_RAW = 32803, 34892
"""Values of _PHOTOMETRIC that only raw files have."""


def sniff_format(data: bytes) -> str:
    """Return the format of a file's bytes, Pillow's name or `RAW`. Raises PictureError if none fits."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return "RAW" if name == "TIFF" and _is_raw(data) else name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _sniff_boxes(data)
    if data[:4] in (struct.pack("<I", 40), struct.pack("<I", 108), struct.pack("<I", 124)) and len(data) > 40:
        return "DIB"
    raise PictureError("is not a picture polyglance can read")


def _sniff_boxes(data: bytes) -> str:
    """Tell AVIF, HEIC and Canon's CR3 apart by the brands of their first box."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS or data[8:12] in (b"mif1", b"msf1"):
        return "HEIF"
    if data[8:12] == b"crx ":
        return "RAW"
    raise PictureError("is not a picture polyglance can read")


def _is_raw(data: bytes) -> bool:
    """Whether a TIFF is a camera's raw file: CR2, DNG, NEF, ARW, PEF and SRW use its container."""
    if data[8:10] == b"CR":
        return True
    first_tags = dict(_read_first_directory(data))
    thumbnail_first = bool(first_tags.get(_SUBFILE_TYPE, 0) & 1) and _SUB_IFDS in first_tags
    return _DNG_VERSION in first_tags or thumbnail_first or first_tags.get(_PHOTOMETRIC) in (_CFA, _LINEAR_RAW)


def _read_first_directory(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield tag and value of a TIFF's first directory; the value is right only for a number stored in the entry."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", data, at)
            (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
            yield tag, value
    except struct.error:
        return
