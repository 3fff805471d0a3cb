"""lite over 12-megapixel JPEGs: polyglance's pipeline end to end, against a plain loop, in turn in one run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from polyglance import Library
from polyglance.encoders.lite import efficientnet
from polyglance.encoders.lite.concept_space import picture_vector
from polyglance.encoders.lite.encoder import prepare

from .pictures import write_photos
from .report import parser, publish

COUNT, ROUNDS, SIZE = 64, 3, (4000, 3000)
SMALL = 2, 1, (400, 300)


def plain_loop(network: efficientnet.EfficientNetLite2, paths: list[Path]) -> np.ndarray:
    """What one would write first: open each file at full size, hand it to the model (on all cores), one by one."""
    rows = []
    for path in paths:
        with Image.open(path) as image:
            prepared = prepare(image.convert("RGB"))
        logits = efficientnet.logits(network, prepared.pixels[None])[0]
        rows.append(picture_vector(logits, prepared.colours))
    return np.stack(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; also how well the vectors agree."""
    small = parser(__doc__).parse_args(arguments).small
    count, rounds, (width, height) = SMALL if small else (COUNT, ROUNDS, SIZE)
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(Path(folder) / "photos", count, width, height)
        network = efficientnet.load()
        plain_loop(network, photos[:2])
        plain, ours, cosines = [], [], []
        for number in range(rounds):
            start = time.perf_counter()
            reference = plain_loop(network, photos)
            plain.append(time.perf_counter() - start)
            with Library.open(Path(folder) / f"library{number}") as library:
                with Image.open(photos[0]) as image:
                    library.index([make_warm(Path(folder), image)], encoder="lite")
                start = time.perf_counter()
                library.index([Path(folder) / "photos"])
                ours.append(time.perf_counter() - start)
                cosines += agreement(library, reference, photos)
    ratios = [a / b for a, b in zip(plain, ours, strict=True)]
    publish(
        "indexing",
        {
            "photos": count,
            "pixels": f"{width} x {height}",
            "plain_loop_images_per_second": round(count / statistics.median(plain), 2),
            "polyglance_images_per_second": round(count / statistics.median(ours), 2),
            "times_faster": {
                "min": round(min(ratios), 2),
                "median": round(statistics.median(ratios), 2),
                "max": round(max(ratios), 2),
            },
            "cosine_to_full_size": {
                "min": round(min(cosines), 5),
                "mean": round(statistics.mean(cosines), 5),
            },
            "note": "polyglance also hashes, reads EXIF, writes thumbnails and commits; both have their model loaded",
        },
        small=small,
    )


def make_warm(folder: Path, image: Image.Image) -> Path:
    """A folder with one picture, indexed first so that loading the model is in neither time."""
    warm = folder / "warm"
    warm.mkdir(exist_ok=True)
    image.resize((400, 300)).save(warm / "warm.jpg")
    return warm


def agreement(library: Library, reference: np.ndarray, photos: list[Path]) -> list[float]:
    """Cosines of the stored vectors with those of the full-size pictures."""
    catalog = library.catalog
    active = catalog.encoders.active()
    assert active is not None
    root = next(root for root in catalog.roots.all() if root.path.endswith(b"photos"))
    known = catalog.photos.known(root.id)
    hashes = catalog.photos.hashes([entry.photo_id for entry in known.values()])
    result = []
    for path, expected in zip(photos, reference, strict=True):
        photo_id = known["/".join(path.parts[-2:]).encode()].photo_id
        vector = catalog.vectors.get(hashes[photo_id], active.id)
        assert vector is not None
        result.append(float(vector @ expected / np.linalg.norm(vector)))
    return result


if __name__ == "__main__":
    main()
