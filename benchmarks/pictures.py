"""Pictures to measure with: generated, so that anyone gets the same ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def photo_like(width: int, height: int, seed: int) -> Image.Image:
    """A picture with a photo's mixture of smooth areas, edges and grain: about 0.3 bytes a pixel as a JPEG."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 200 + 2, width // 200 + 2, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = random.normal(0, 6, (height, width, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(smooth, np.float32) + grain, 0, 255).astype(np.uint8))


def write_photos(folder: Path, count: int, width: int, height: int) -> list[Path]:
    """Write `count` different JPEGs of that size; a few are drawn, the others differ in their bytes and one block."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [photo_like(width, height, seed) for seed in range(min(count, 4))]
    paths = []
    for number in range(count):
        picture = drawn[number % len(drawn)].copy()
        picture.paste((number % 256, number // 256 % 256, 128), (8, 8, 40, 40))
        path = folder / f"{number // 500:02}" / f"IMG_{number:05}.jpg"
        path.parent.mkdir(exist_ok=True)
        picture.save(path, quality=88)
        paths.append(path)
    return paths
