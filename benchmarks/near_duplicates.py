"""From which cosine on are two pictures taken together one picture? Measured on a folder of photos of different things.

    python -m benchmarks.near_duplicates FOLDER [--encoder NAME] [--count N]

Each photo is compared with copies of itself as cameras and people make them (smaller and recompressed, brighter,
cropped by a tenth, moved by a twentieth as the next frame of a burst is), and with its nearest other photo, which no
collapse may take for it. A good limit lies below most of the first and above most of the second. What is "almost the
same" must besides have been taken within seconds or be named alike, so a false pair needs more than a high cosine.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.search.ranking.collapse import ALIKE

from . import report

SMALL = 3
"""Photos of a small run."""


def recompressed(image: Image.Image) -> Image.Image:
    data = io.BytesIO()
    image.resize((max(1, image.width // 2), max(1, image.height // 2))).save(data, "JPEG", quality=50)
    return Image.open(data).convert("RGB")


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size, JPEG quality 50": recompressed,
    "a fifth brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "cropped by a tenth": lambda image: cropped(image, 0.05, 0.05, 0.95, 0.95),
    "next frame: moved by a twentieth": lambda image: cropped(image, 0.05, 0, 1, 1),
}


def spread(values: npt.NDArray[np.float32]) -> dict[str, float]:
    points = {"p1": 1, "p5": 5, "p50": 50, "p95": 95, "p99": 99}
    return {name: round(float(np.percentile(values, point)), 4) for name, point in points.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = report.parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--count", type=int, default=250)
    given = parser.parse_args(arguments)
    if given.small:
        given.count = min(given.count, SMALL)
    encoder = registry.create(given.encoder, Settings())
    names = sorted(path for path in given.folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    photos = [Image.open(path).convert("RGB") for path in names[: given.count]]
    vectors = encoder.encode_images(photos)
    between = vectors @ vectors.T
    np.fill_diagonal(between, -1)
    nearest = between.max(axis=1)
    copies = {}
    for name, change in COPIES.items():
        cosines = (encoder.encode_images([change(photo) for photo in photos]) * vectors).sum(axis=1)
        copies[name] = spread(cosines) | {"at least ALIKE": round(float((cosines >= ALIKE).mean()), 3)}
    report.publish(
        f"near_duplicates_{given.encoder.replace('/', '_')}",
        {
            "encoder": given.encoder,
            "photos": len(photos),
            "ALIKE": ALIKE,
            "cosine with copies": copies,
            "cosine with the nearest other photo": spread(nearest)
            | {"at least ALIKE": round(float((nearest >= ALIKE).mean()), 3)},
        },
        small=given.small,
    )


if __name__ == "__main__":
    main()
