"""The colour part of the embedded encoder's space: how much of eleven basic colours a picture shows.

The eleven are the basic colour terms of Berlin and Kay (1969). A pixel belongs to each in a share that depends on its
distance in CIELAB. A plain background is left out, so that a green apple on white is green.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

COLOURS = (*("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white"),)
AVERAGE_SHARES = (0.01, 0.01, 0.01, 0.05, 0.06, 0.02, 0.04, 0.17, 0.18, 0.35, 0.10)
"""Mean shares over 250 photographs of everyday things. Only the difference from them describes a picture."""

SAMPLES = {
    "red": ((210, 30, 35),),
    "orange": ((235, 130, 30),),
    "yellow": ((240, 215, 50),),
    "green": ((60, 150, 60), (130, 180, 70)),
    "blue": ((40, 90, 190), (110, 170, 225)),
    "purple": ((115, 50, 140), (150, 100, 190)),
    "pink": ((240, 150, 180), (225, 80, 140)),
    "brown": ((120, 75, 40), (165, 115, 70)),
    "black": ((20, 20, 20),),
    "grey": ((128, 128, 128), (175, 175, 175)),
    "white": ((250, 250, 250),),
}
"""Typical sRGB values of each colour."""

SOFTNESS = 12.0
"""CIELAB distance over which a pixel's share in a colour falls to 1/e."""

PLAIN_TOLERANCE = 24
"""A pixel whose channels (0-255) differ by no more from the border's colour counts as background."""

PLAIN_BORDER = 0.7
"""A background is plain if this share of the border's pixels has one colour."""

FEWEST_PIXELS = 20
"""With fewer foreground pixels, the whole picture is used."""

_LEVELS = 32  # per channel, in the table of shares
_SRGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE_POINT = np.array([0.9505, 1.0, 1.089])


def plain_border(pixels: npt.NDArray[np.uint8]) -> tuple[int, int, int] | None:
    """Colour of the border of `pixels` (h, w, 3) if it is plain, as in a cut-out or a drawing, else None."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    middle = np.median(border, axis=0)
    if np.mean(np.abs(border - middle).max(axis=1) <= PLAIN_TOLERANCE) < PLAIN_BORDER:
        return None
    red, green, blue = (int(value) for value in middle)
    return red, green, blue


def colour_vector(pixels: npt.NDArray[np.uint8], background: tuple[int, int, int] | None) -> npt.NDArray[np.float32]:
    """Unit vector (11,): how much more of each colour `pixels` (h, w, 3) has than an average photograph."""
    flat = pixels.reshape(-1, 3)
    if background is not None:
        foreground = flat[np.abs(flat - np.array(background, np.int16)).max(axis=1) > PLAIN_TOLERANCE]
        flat = foreground if len(foreground) >= FEWEST_PIXELS else flat
    levels = (flat // (256 // _LEVELS)).astype(np.intp)
    cells = (levels[:, 0] * _LEVELS + levels[:, 1]) * _LEVELS + levels[:, 2]
    excess = _share_table()[cells].mean(axis=0) - np.array(AVERAGE_SHARES)
    return np.asarray(excess / np.linalg.norm(excess), dtype=np.float32)


@cache
def _share_table() -> npt.NDArray[np.float32]:
    """Shares (32768, 11) of every coarse sRGB value in the eleven colours; a row sums to 1."""
    step = 256 // _LEVELS
    axis = np.arange(_LEVELS) * step + step // 2
    grid = _cielab(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3))
    distances = np.empty((len(grid), len(COLOURS)))
    for column, colour in enumerate(COLOURS):
        samples = _cielab(np.array(SAMPLES[colour]))
        distances[:, column] = np.linalg.norm(grid[:, None] - samples, axis=2).min(axis=1)
    weights = np.exp((distances.min(axis=1, keepdims=True) - distances) / SOFTNESS)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _cielab(srgb: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """sRGB (n, 3) in 0-255 to CIELAB (D65), by the formulas of IEC 61966-2-1 and CIE 15."""
    value = srgb / 255
    linear = np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    ratio = linear @ _SRGB_TO_XYZ.T / _WHITE_POINT
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    lightness = 116 * root[:, 1] - 16
    return np.stack([lightness, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1)
