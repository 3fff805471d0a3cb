"""Camera raw files, through the optional rawpy: the camera's preview, else a development at half size."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from PIL import Image

from ...errors import PictureError
from . import formats, memory

_EXIF_ORIENTATION = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's `flip` (as in dcraw: 3 half turn, 5 quarter turn left, 6 quarter turn right) -> EXIF orientation."""

_DEVELOPING_BYTES_PER_PIXEL = 8
"""Memory of LibRaw to develop at half size: the sensor's 16 bits, 4 x 16 bits of a quarter, and its output."""


def read_preview(data: bytes, *, side: int, max_pixels: int) -> tuple[Image.Image, tuple[int, int], int]:
    """Return a raw file's picture, the upright (width, height) of the full picture, and the EXIF orientation to apply.

    The picture is the camera's preview if its short side is at least `side`; else the sensor's data, developed at half
    size, which is upright. Raises PictureError without the extra, over `max_pixels` or over the limit of
    memory, and rawpy's errors.
    """
    if not find_spec("rawpy"):
        raise PictureError("is a camera raw picture", hint="Install what reads it: pip install 'polyglance[raw]'")
    rawpy = import_module("rawpy")
    with rawpy.imread(BytesIO(data)) as file:
        sizes = file.sizes
        formats.check_pixels((sizes.raw_width, sizes.raw_height), max_pixels)
        turned = sizes.flip in (5, 6)
        full = (sizes.height, sizes.width) if turned else (sizes.width, sizes.height)
        image = _read_thumbnail(rawpy, file, side, max_pixels)
        if image is not None:
            return image, full, _EXIF_ORIENTATION.get(sizes.flip, 1)
        memory.check(_DEVELOPING_BYTES_PER_PIXEL * sizes.raw_width * sizes.raw_height)
        return Image.fromarray(file.postprocess(half_size=True, use_camera_wb=True)), full, 1


def _read_thumbnail(rawpy: Any, file: Any, side: int, max_pixels: int) -> Image.Image | None:
    """Return the camera's preview; None if there is none that Pillow opens, or its short side is less than `side`."""
    try:
        thumbnail = file.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return None
    if thumbnail.format == rawpy.ThumbFormat.BITMAP:
        image = Image.fromarray(thumbnail.data)
    elif thumbnail.format == rawpy.ThumbFormat.JPEG:
        image = formats.open_picture("JPEG", thumbnail.data, max_pixels)
    else:
        return None
    return image if min(image.size) >= side else None
