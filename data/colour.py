"""From whatever mode a picture was stored in to 8-bit sRGB on white, shrinking it on the way."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_AVERAGES = frozenset({"L", "RGB", "RGBX", "CMYK", "YCbCr", "I", "F", "LA", "RGBA"})
"""Modes in which the mean of some pixels is the colour one sees from afar; with alpha Pillow weighs by it."""

_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, short_side: int) -> Image.Image:
    """Return a decoded picture as RGB in the sRGB colour space, transparent parts on white.

    While the short side is at least twice `short_side` it is first averaged down by an integer, so that the
    costly conversions see few pixels: the result's short side stays at least `short_side`.
    """
    profile = image.info.get("icc_profile")
    image = _averageable(image)
    factor = min(image.size) // short_side
    if factor > 1:
        image = image.reduce(factor)
    if image.mode in ("I", "F"):
        image = _stretched(image)
    return _through_profile(_on_white(image), profile)


def _averageable(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _from_16_bit(image)
    if image.mode in ("I", "F"):
        return image
    if image.mode == "La":
        return image.convert("LA")
    if image.has_transparency_data:
        return image if image.mode in ("LA", "RGBA") else _with_alpha(image)
    if image.mode in _AVERAGES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _with_alpha(image: Image.Image) -> Image.Image:
    """Turn a transparent colour, index or palette into an alpha channel."""
    colour = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(colour, tuple) and max(colour) > 255:
        image.info["transparency"] = tuple(part >> 8 for part in colour)  # stated in the 16 bits of the file
    return image.convert("RGBA")


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Scale 0…65535 to 0…255; Pillow's own conversion would clip at 255."""
    values = np.asarray(image)
    grey = np.empty(values.shape, np.uint8)
    np.floor_divide(values, 257, out=grey, casting="unsafe")
    shades = Image.fromarray(grey)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        shades.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return shades


def _stretched(image: Image.Image) -> Image.Image:
    """Scale 32-bit integers or floats, whose range nothing states, from their minimum…maximum to 0…255."""
    values = np.asarray(image).astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 255.0)
    if high <= low:
        low, high = 0.0, 255.0
    scaled = np.nan_to_num((values - low) * (255 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert(image.mode[:-1])
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=alpha)
    return white


def _through_profile(image: Image.Image, profile: object) -> Image.Image:
    """Convert to sRGB by the embedded ICC profile; without one, or with a broken one, as Pillow does."""
    if not isinstance(profile, bytes) or not profile:
        return image.convert("RGB")
    try:
        mode, transform = _transform(profile)
        if transform is not None and (image.mode == mode or (mode == "RGB" and image.mode != "CMYK")):
            return transform.apply(image if image.mode == mode else image.convert(mode))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        pass  # a broken profile: better slightly wrong colours than no picture
    return image.convert("RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """Return the mode a profile is for and what leads from it to sRGB: None if nothing has to."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    mode = _PROFILE_MODES.get(source.profile.xcolor_space.strip(), "")
    if not mode or "srgb" in (source.profile.profile_description or "").casefold():
        return mode, None
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return mode, ImageCms.ImageCmsTransform(source, target, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
