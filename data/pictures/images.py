"""From a file's bytes to a bounded, upright RGB picture, or a PictureError that says why not.

This may run in several threads: they share only Pillow's plugin classes and the cache of colour transforms.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace

from PIL import ExifTags, Image, ImageFile

from ...errors import PictureError
from . import colour, exif, formats, raw, tags
from .exif import Exposure, Facts
from .sniffing import sniff_format
from .stopwatch import Stopwatch

supported_extensions = formats.supported_extensions

EXTENSIONS: frozenset[bytes] = supported_extensions()
"""Lower-case suffixes, with the dot, of the files that a scan lists as pictures."""

MAX_ASPECT = 8
"""A decoded picture's long side is at most this many times `side`, which bounds the memory of panoramas."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transformation that makes a picture of each EXIF orientation upright."""

_PILLOW = r"PIL\.|pi_heif"
_QUIET = ("ignore", None, Warning, re.compile(_PILLOW), 0)  # the entry of `warnings.filters` that is set below


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `image` is RGB, upright and bounded.

    `width` and `height` are the full picture's, upright, in pixels. `format` is what the bytes are: `JPEG`,
    `PNG`, `WEBP`, `GIF`, `TIFF`, `BMP`, `DIB`, `AVIF`, `HEIF` or `RAW`.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    facts: Facts
    exposure: Exposure


def decode(data: bytes, *, side: int, max_pixels: int, watch: Stopwatch | None = None) -> Picture:
    """Return the picture in a file's bytes, small enough to keep, large enough for a square of `side` pixels.

    A picture with a short side of 4 x `side` or more is reduced to a short side between 2 x and 4 x `side`; a smaller
    one keeps its size. The long side is at most `MAX_ASPECT` x `side`; this rule goes first. A picture that would take
    more than `memory.MAX_BYTES` is reduced further where that helps, else refused. Only the first frame is read. Raises
    PictureError and nothing else for any bytes. `watch` gets the laps `decode` and `resize`.
    """
    _quieten_pillow()
    name = sniff_format(data)
    watch = watch or Stopwatch()
    try:
        if name == "RAW":
            return _decode_raw(data, side, max_pixels, watch)
        return _decode_plain(name, data, side, max_pixels, watch)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("needs more memory than is free") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"has more pixels than Pillow reads: {_reason(error)}") from error
    except Exception as error:  # decoders of untrusted bytes raise what they like
        raise PictureError(f"is truncated or damaged: {_reason(error)}") from error


def _decode_plain(name: str, data: bytes, side: int, max_pixels: int, watch: Stopwatch) -> Picture:
    bounded = tags.trim(data) if name == "TIFF" else data
    copied = len(bounded) if bounded is not data else 0
    with formats.open_picture(name, bounded, max_pixels) as image:
        loaded, full, orientation = formats.load(name, image, side, copied=copied)
        facts = exif.read(loaded)
        watch.lap("decode")
        picture = _finish(loaded, full, orientation or _read_orientation(loaded), name, facts, side)
    watch.lap("resize")
    return picture


def _decode_raw(data: bytes, side: int, max_pixels: int, watch: Stopwatch) -> Picture:
    image, full, orientation = raw.read_preview(data, side=side, max_pixels=max_pixels)
    if isinstance(image, ImageFile.ImageFile):
        formats.load("JPEG", image, side)
    facts = exif.read(image)
    if not facts.taken_at and data[:2] in (b"II", b"MM"):
        # A raw file of the TIFF family starts with the directory an EXIF block is.
        image.getexif().load(tags.trim(data))
        facts = exif.read(image)
    watch.lap("decode")
    picture = _finish(image, full, orientation, "RAW", facts, side)
    watch.lap("resize")
    return replace(picture, width=full[0], height=full[1])


def _finish(image: Image.Image, full: tuple[int, int], orientation: int, name: str, facts: Facts, side: int) -> Picture:
    """Reduce, convert and turn a decoded picture, and close it; `full` is its size before reducing and turning."""
    exposure = exif.read_exposure(image)
    rgb = colour.to_srgb(image, 2 * side, 2 * MAX_ASPECT * side)
    image.close()  # frees its pixels before the result is copied, and the file's bytes, which the plugin holds
    if max(rgb.size) > MAX_ASPECT * side:
        rgb = _resize_within(rgb, MAX_ASPECT * side)
    if orientation in _TURNS:
        rgb = rgb.transpose(_TURNS[orientation])
    rgb.info = {}
    width, height = full if orientation < 5 else full[::-1]
    return Picture(rgb, width, height, name, facts, exposure)


def _resize_within(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if it is missing, invalid or cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - as in exif.read: a picture with damaged metadata is still decoded
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _quieten_pillow() -> None:
    """Put a filter in front that drops the warnings of Pillow's plugins: a damaged photo is no bug.

    It is never removed, so threads cannot undo each other's. It is looked for each time, because the end of a
    `warnings.catch_warnings` block anywhere in the process removes filters that were set inside it.
    """
    if not warnings.filters or warnings.filters[0] != _QUIET:
        warnings.filterwarnings("ignore", module=_PILLOW)


def _reason(error: Exception) -> str:
    """Return the message of a decoder's error as one short line (LibRaw's messages are bytes)."""
    message = error.args[0] if error.args else ""
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(error)
    return " ".join(text.split())[:200] or type(error).__name__
