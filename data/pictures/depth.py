"""Conversion of pixels of 16 bits, 32 bits and floats to 8 bits."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image


def scale_16_bit(image: Image.Image) -> Image.Image:
    """Scale 0…65535 to 0…255; Pillow's own conversion would clip at 255."""
    values = np.asarray(image)
    grey = np.empty(values.shape, np.uint8)
    np.floor_divide(values, 257, out=grey, casting="unsafe")
    shades = Image.fromarray(grey)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        shades.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return shades


def find_extremes(image: Image.Image, tile_pixels: int) -> tuple[float, float]:
    """Return the smallest and largest value of a picture of 32-bit integers or floats; 0 and 255 if they are equal."""
    low, high = math.inf, -math.inf
    step = max(1, tile_pixels // image.width)
    for top in range(0, image.height, step):
        for left in range(0, image.width, tile_pixels):
            box = (left, top, min(left + tile_pixels, image.width), min(top + step, image.height))
            values = np.asarray(image.crop(box))
            finite = values[np.isfinite(values)]
            if finite.size:
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low < high else (0.0, 255.0)


def stretch(image: Image.Image, low: float, high: float) -> Image.Image:
    """Scale 32-bit integers or floats from `low`…`high` to 0…255: no format states their range."""
    values = np.asarray(image).astype(np.float64)
    scaled = np.nan_to_num((values - low) * (255 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
