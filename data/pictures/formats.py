"""The picture formats that are read, and opening and decoding each with its one Pillow plugin.

docs/adr/0005-pillow-and-gradio.md lists the formats left out, and why.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any, NamedTuple

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from ...errors import PictureError
from . import heif, memory, tags

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

_DRAFT_BYTES = memory.MAX_BYTES // 2  # a JPEG's decoder can reduce the picture: leave memory for its conversion


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


def open_picture(name: str, data: bytes, max_pixels: int) -> ImageFile.ImageFile:
    """Return the picture in `data`, of the format that `sniff_format` returned; only its header is read.

    The plugin's class is called instead of `Image.open`: no other plugin reads the bytes, and Pillow's process-wide
    limit of pixels does not apply, only `max_pixels`. Raises PictureError if the picture is over it or the extra for
    HEIC is missing, and any error of Pillow's parsers.
    """
    if name == "HEIF" and not find_spec("pi_heif"):
        raise PictureError("is a HEIC picture", hint="pip install 'polyglance[heic]' reads it.")
    if name == "HEIF":
        heif.check_items(data)
    if name == "AVIF":
        tags.check_blocks(data)
    image = _plugin(name)(BytesIO(data))
    check_pixels(image.size, max_pixels)
    return image


class _BoundedExif(ImageFile.ImageFile):
    """Mixed into a plugin's class: bounds the EXIF block before Pillow loads its tags."""

    def getexif(self) -> Image.Exif:
        block = self.info.get("exif")
        if isinstance(block, bytes):
            self.info["exif"] = tags.trim(block)
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
    """Decode an opened picture, without turning it upright.

    The decoder of a JPEG reduces it as far as its short side stays at least 2 x `side`, or further if it would be over
    the limit of memory; `copied` bytes of this memory are in use already. Raises PictureError, before anything is
    allocated, if a picture is over the limit, and any error of Pillow's decoders.
    """
    orientation = _prevent_turning(image) if isinstance(image, TiffImagePlugin.TiffImageFile) else 0
    full = image.size
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        image.draft("RGB", _draft_size(image, side))
    memory.check(copied + memory.bytes_to_load(name, image, full))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Else load() would make this buffer itself, and check Pillow's own limit of pixels.
        image.im = Image.new(image.mode, image.size).im
    if name == "WEBP":
        return Loaded(_decode_webp(image), full, 0)
    image.load()
    return Loaded(image, full if name == "JPEG" else image.size, orientation)


def _decode_webp(image: Any) -> Image.Image:
    """Decode a WebP without copying the bytes that its decoder hands over, as Pillow's load() would."""
    image.getexif()  # bounds the block in `info`
    frame = image._decoder.get_next()
    image._decoder = None  # frees two canvases of 4 bytes a pixel
    if frame is None:
        raise OSError("failed to decode the first frame")
    pixels = Image.frombuffer(image.rawmode, image.size, frame[0], "raw", image.rawmode, 0, 1)
    pixels.info = image.info
    return pixels


def _prevent_turning(image: TiffImagePlugin.TiffImageFile) -> int:
    """Keep load() from turning a TIFF upright, which would copy it in full, and return its orientation."""
    exif = image.getexif()
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    exif[ExifTags.Base.Orientation] = 1
    image._size = image._tile_size
    return orientation if orientation in range(1, 9) else 1


def _draft_size(image: ImageFile.ImageFile, side: int) -> tuple[int, int]:
    """Return the size to ask a JPEG's decoder for, which divides by 1, 2, 4 or 8."""
    width, height = image.size
    scale = min(width, height) // (2 * side)
    while scale < 8 and memory.bytes_of(image.mode, (width // max(scale, 1), height // max(scale, 1))) > _DRAFT_BYTES:
        scale = max(scale, 1) * 2
    scale = max(scale, 1)
    return max(1, width // scale), max(1, height // scale)


def check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Raise PictureError if a picture of that (width, height) has more than `max_pixels`."""
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"is {width} x {height} pixels, over the limit of {max_pixels / 1e6:.6g} megapixels",
            hint="Raise POLYGLANCE_MAX_PIXELS to read it.",
        )
