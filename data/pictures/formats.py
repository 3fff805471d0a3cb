"""Which picture formats are read, how they are told apart, and the one Pillow plugin that opens each.

The bytes decide, never the file's name. Formats left out, and why: docs/adr/0005-pillow-and-gradio.md.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any, NamedTuple

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from ...errors import PictureError
from . import memory, tags

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

_DRAFT_BYTES = memory.MAX_BYTES // 2  # a JPEG's decoder can make the picture smaller: leave room for its conversion


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
    if name == "AVIF":
        tags.check_blocks(data)
    image = _plugin(name)(BytesIO(data))
    check_pixels(image.size, max_pixels)
    return image


class _BoundedExif(ImageFile.ImageFile):
    """Mixed into a plugin's class: the EXIF block is bounded before Pillow loads each of its tags."""

    def getexif(self) -> Image.Exif:
        block = self.info.get("exif")
        if isinstance(block, bytes):
            self.info["exif"] = tags.trimmed(block)
        return super().getexif()


@lru_cache
def _plugin(name: str) -> type[ImageFile.ImageFile]:
    module, plugin = _PLUGINS[name]
    return type(plugin, (_BoundedExif, getattr(import_module(module), plugin)), {})


class Loaded(NamedTuple):
    """A decoded picture, its full (width, height) before a draft, and the orientation a TIFF states (0: not asked)."""

    image: Image.Image
    full: tuple[int, int]
    orientation: int


def load(name: str, image: ImageFile.ImageFile, side: int, *, copied: int = 0) -> Loaded:
    """Decode an opened picture as it lies.

    A JPEG comes as small as its decoder makes it with a short side of 2 x `side`, or smaller if it would be over
    the limit of memory; `copied` bytes of it are in use already. Raises PictureError before anything is allocated
    if a picture is over it, and whatever Pillow's decoders raise.
    """
    orientation = _keep_lying(image) if isinstance(image, TiffImagePlugin.TiffImageFile) else 0
    full = image.size
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        image.draft("RGB", _drafted(image, side))
    memory.check(copied + memory.decoding(name, image, full))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Else its load() would check Pillow's own limit of pixels, when it makes this very buffer.
        image.im = Image.new(image.mode, image.size).im
    if name == "WEBP":
        return Loaded(_webp(image), full, 0)
    image.load()
    return Loaded(image, full if name == "JPEG" else image.size, orientation)


def _webp(image: Any) -> Image.Image:
    """Decode a WebP into the very bytes that its decoder hands over, which Pillow's load() would copy."""
    image.getexif()  # bounds the block in `info`
    frame = image._decoder.get_next()
    image._decoder = None  # and with it two canvases of 4 bytes a pixel
    if frame is None:
        raise OSError("failed to decode the first frame")
    pixels = Image.frombuffer(image.rawmode, image.size, frame[0], "raw", image.rawmode, 0, 1)
    pixels.info = image.info
    return pixels


def _keep_lying(image: TiffImagePlugin.TiffImageFile) -> int:
    """Keep load() from turning a TIFF upright, which would copy it in full, and return its orientation."""
    exif = image.getexif()
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    exif[ExifTags.Base.Orientation] = 1
    image._size = image._tile_size
    return orientation if orientation in range(1, 9) else 1


def _drafted(image: ImageFile.ImageFile, side: int) -> tuple[int, int]:
    """Return the size to ask a JPEG's decoder for, which divides by 1, 2, 4 or 8."""
    width, height = image.size
    scale = min(width, height) // (2 * side)
    while scale < 8 and memory.storage(image.mode, (width // max(scale, 1), height // max(scale, 1))) > _DRAFT_BYTES:
        scale = max(scale, 1) * 2
    scale = max(scale, 1)
    return max(1, width // scale), max(1, height // scale)


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
