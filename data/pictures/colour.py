"""Conversion of a picture of any mode to 8-bit sRGB on white, reducing it on the way."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageCms

from . import memory

TILE_PIXELS = 1 << 20
"""Pixels that are converted at once."""
MAX_PROFILE_BYTES = 4 << 20
"""Longest ICC profile that is used; those of printers, the longest there are, have up to 3 MB."""

_AVERAGEABLE_MODES = frozenset({"L", "RGB", "RGBX", "CMYK", "YCbCr", "I", "F", "LA", "RGBA"})
"""Modes in which neighbouring pixels can be averaged; with alpha Pillow weighs each pixel by it."""

_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
_PROFILES_KEPT = 16

_Profile = tuple[str, ImageCms.ImageCmsTransform | None]
_profiles: dict[bytes, _Profile] = {}
_lock = threading.Lock()


def to_srgb(image: Image.Image, short_side: int, long_side: int) -> Image.Image:
    """Return a decoded picture as a new RGB one in the sRGB colour space, transparent parts on white.

    A picture whose short side is at least twice `short_side`, or whose long side is at least twice `long_side`, is
    averaged down by an integer factor first, so that the expensive conversions run over few pixels. The result's short
    side is at least `short_side`, unless `long_side` or the limit of memory (`memory.MAX_BYTES`, both pictures
    together) asks for less. Apart from the result only tiles of `TILE_PIXELS` are allocated.
    """
    profile = _load_profile(image.info.get("icc_profile"))
    factor = _choose_factor(image, short_side, long_side)
    if image.mode not in ("I", "F"):
        return _convert_in_tiles(image, factor, "RGB", lambda part: _apply_profile(_put_on_white(part), profile))
    if factor > 1:
        image = _convert_in_tiles(image, factor, image.mode, lambda part: part)
    from . import depth  # loads NumPy, half of the time that a decoding process takes to start; few pictures need it

    low, high = depth.find_extremes(image, TILE_PIXELS)
    return _convert_in_tiles(image, 1, "RGB", lambda part: _apply_profile(depth.stretch(part, low, high), profile))


def _choose_factor(image: Image.Image, short_side: int, long_side: int) -> int:
    width, height = image.size
    factor = max(1, min(width, height) // short_side, max(width, height) // long_side)
    room = memory.MAX_BYTES - memory.WORK_BYTES - memory.bytes_of(image.mode, image.size)
    while memory.bytes_of("RGB", _reduced_size(image.size, factor)) > room and factor < max(width, height):
        factor += 1
    return factor


def _reduced_size(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return -(-size[0] // factor), -(-size[1] // factor)


def _convert_in_tiles(
    image: Image.Image, factor: int, mode: str, convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Return a new picture of `mode`: `image` averaged down by `factor` and put through `convert`, tile by tile."""
    result = Image.new(mode, _reduced_size(image.size, factor), None)  # the tiles cover it
    across = min(image.width, max(1, TILE_PIXELS // factor) * factor)
    down = min(image.height, max(1, TILE_PIXELS // across // factor) * factor)
    for top in range(0, image.height, down):
        for left in range(0, image.width, across):
            box = (left, top, min(left + across, image.width), min(top + down, image.height))
            part = _make_averageable(image if box == (0, 0, *image.size) else image.crop(box))
            if factor > 1:
                part = part.reduce(factor)
            result.paste(convert(part), (left // factor, top // factor))
    return result


def _make_averageable(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        from . import depth

        return depth.scale_16_bit(image)
    if image.mode in ("I", "F"):
        return image
    if image.mode == "La":
        return image.convert("LA")
    if image.has_transparency_data:
        return image if image.mode in ("LA", "RGBA") else _add_alpha(image)
    if image.mode in _AVERAGEABLE_MODES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _add_alpha(image: Image.Image) -> Image.Image:
    """Turn a transparent colour, index or palette into an alpha channel."""
    colour = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(colour, tuple) and max(colour) > 255:
        image.info["transparency"] = tuple(part >> 8 for part in colour)  # stated in the 16 bits of the file
    return image.convert("RGBA")


def _put_on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert(image.mode[:-1])
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=alpha)
    return white


def _apply_profile(image: Image.Image, profile: _Profile) -> Image.Image:
    """Convert to sRGB by the embedded ICC profile; where it does not fit the picture, as Pillow does without one."""
    mode, transform = profile
    if transform is not None and (image.mode == mode or (mode == "RGB" and image.mode != "CMYK")):
        with contextlib.suppress(*_PROFILE_ERRORS):
            return transform.apply(image if image.mode == mode else image.convert(mode))
    return image.convert("RGB")


def _load_profile(embedded: object) -> _Profile:
    """Return the mode that an embedded ICC profile is for, and its transform to sRGB: None if none is needed.

    A broken or missing profile, or one over `MAX_PROFILE_BYTES`, gives no transform: slightly wrong colours are better
    than no picture. Transforms are cached by the profile's hash, so that the profiles themselves are freed.
    """
    if not isinstance(embedded, bytes) or not 0 < len(embedded) <= MAX_PROFILE_BYTES:
        return "", None
    key = hashlib.sha256(embedded).digest()
    with _lock:
        if key in _profiles:
            return _profiles[key]
    try:
        profile = _make_transform(embedded)
    except _PROFILE_ERRORS:
        profile = "", None
    with _lock:
        _profiles[key] = profile
        while len(_profiles) > _PROFILES_KEPT:
            del _profiles[next(iter(_profiles))]
    return profile


def _make_transform(embedded: bytes) -> _Profile:
    source = ImageCms.ImageCmsProfile(BytesIO(embedded))
    mode = _PROFILE_MODES.get(source.profile.xcolor_space.strip(), "")
    if not mode or "srgb" in (source.profile.profile_description or "").casefold():
        return mode, None
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return mode, ImageCms.ImageCmsTransform(source, target, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
