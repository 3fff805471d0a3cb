"""Which picture formats are read, how they are told apart, and the one Pillow plugin that opens each.

The bytes decide, never the file's name. Formats left out, and why: docs/adr/0005-pillow-and-gradio.md.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import cast

from PIL import Image, ImageFile, TiffImagePlugin

from ..errors import PictureError

_ALWAYS = "jpg jpeg jpe jfif png apng webp gif tif tiff bmp dib avif"
_HEIC = "heic heif hif"
_RAW = "3fr arw cr2 cr3 dng nef nrw orf pef raf rw2 rwl sr2 srw"

ALL_EXTENSIONS = frozenset(f"{_ALWAYS} {_HEIC} {_RAW}".split())
"""Lower-case suffixes, without the dot, of every picture there is an extra for, installed or not."""

_PLUGINS = {
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "DIB": ("PIL.BmpImagePlugin", "DibImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "HEIF": ("pi_heif.as_plugin", "HeifImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
}

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

# An `infe` box up to the item's type: length, name, version and flags, item (2 bytes, from version 3 on 4), protection.
_ITEM_ENTRY = re.compile(rb"(....)infe(?:[\x00-\x02]...|[^\x00-\x02].....)....", re.DOTALL)

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})

_SUBFILE_TYPE, _COMPRESSION, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 259, 262, 330, 50706
_CFA, _LINEAR_RAW = 32803, 34892


def _suffixes(names: str) -> frozenset[bytes]:
    return frozenset(b"." + name for name in names.encode().split())


def supported_extensions() -> frozenset[bytes]:
    """Return the lower-case suffixes, with the dot, of what this installation reads, extras included."""
    extensions = _suffixes(_ALWAYS)
    if find_spec("pi_heif"):
        extensions |= _suffixes(_HEIC)
    if find_spec("rawpy"):
        extensions |= _suffixes(_RAW)
    return extensions


def sniff(data: bytes) -> str:
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
    """Tell a camera's raw file from a plain TIFF, whose container CR2, DNG, NEF, ARW, PEF and SRW borrow."""
    if data[8:10] == b"CR":
        return True
    tags = dict(_first_directory(data))
    thumbnail_first = bool(tags.get(_SUBFILE_TYPE, 0) & 1) and _SUB_IFDS in tags
    return _DNG_VERSION in tags or thumbnail_first or tags.get(_PHOTOMETRIC) in (_CFA, _LINEAR_RAW)


def _first_directory(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield tag and value (as far as it is a number that stands in the entry) of a TIFF's first directory."""
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


def opened(name: str, data: bytes, max_pixels: int) -> ImageFile.ImageFile:
    """Return the picture in `data`, of the format that `sniff` found, its header read and nothing decoded.

    Takes the plugin's class itself rather than `Image.open`: no other plugin sees the bytes, and Pillow's
    process-wide pixel limit does not apply, only `max_pixels`. Raises PictureError if the picture is over it
    or the extra for HEIC is missing, and whatever Pillow's parsers raise.
    """
    if name == "HEIF" and not find_spec("pi_heif"):
        raise PictureError("is a HEIC picture", hint="pip install 'polyglance[heic]' reads it.")
    if name == "HEIF":
        _check_items(data)
    module, plugin = _PLUGINS[name]
    image = cast(ImageFile.ImageFile, getattr(import_module(module), plugin)(BytesIO(data)))
    check_pixels(image.size, max_pixels)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Else its load() would check Pillow's limit as well, when it makes this very buffer.
        image.im = Image.new(image.mode, image._tile_size).im
    return image


def _check_items(data: bytes) -> None:
    """Raise PictureError if an item of a HEIC file has a type or a name that is no text.

    pi_heif 1.4 turns both into strings without checking that it worked, and takes the process down with it.
    """
    meta = _box(data, b"meta")
    for found in _ITEM_ENTRY.finditer(meta):
        length = int.from_bytes(found.group(1), "big")
        try:
            meta[found.end() : found.start() + max(length, 20)].decode("utf-8")
        except UnicodeDecodeError as error:
            raise PictureError("is truncated or damaged: an item's type is no text") from error


def _box(data: bytes, name: bytes) -> bytes:
    """Return the first top-level box of that name, or nothing."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        length = length or len(data)  # 0: up to the end
        if data[at + 4 : at + 8] == name:
            return data[at : at + length]
        at += max(length, 8)
    return b""


def check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Raise PictureError if a picture of that (width, height) has more than `max_pixels`."""
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"is {width} x {height} pixels, over the limit of {max_pixels / 1e6:.6g} megapixels",
            hint="Raise POLYGLANCE_MAX_PIXELS to read it.",
        )
