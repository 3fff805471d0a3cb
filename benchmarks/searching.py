"""A whole search after encoding (vectors, words, filters, photos, near-duplicates) in a library of many photos.

    python -m benchmarks.searching [--photos N] [--dimension D]

The catalog is real, the vectors are drawn: N / 50 centres, uniform on the sphere, and photos around them at a mean
cosine of 0.9; so are names, dates and cameras. Each kind of search is asked once for each of many query vectors, 50
results, never the same search twice: orders that are kept would cost nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from polyglance.data.catalog import Catalog
from polyglance.data.exif import Facts
from polyglance.data.records import Content, Entry, FileStat
from polyglance.encoders.base import Fingerprint
from polyglance.search.engine import Engine, View
from polyglance.search.parse import parse

from .report import publish

BATCH = 5000
QUERIES = 40
RESULTS = 50
WORDS = (
    *("beach", "sunset", "cat", "mountain", "city", "night", "party", "garden"),
    *("river", "snow", "wedding", "market", "train", "harbour", "forest"),
)

KINDS = {
    "words nobody used": "qzx{n}",
    "a word in one name of 15": "{word} {n}th",
    "the same, and no name has the number": "{word} q{n}",
    "filtered to 0.1 %": "qzx{n} camera:rare",
    "filtered to half": "qzx{n} after:2012",
    "filters alone": "camera:rare after:20{year:02}",
}


class Drawn:
    """An encoder whose texts are random unit vectors, near the photos' centres."""

    name = "drawn"
    languages = ("en",)
    image_side = 32
    logit_scale = 20.0

    def __init__(self, dimension: int, centres: npt.NDArray[np.float32]) -> None:
        self.dimension = dimension
        self.fingerprint = Fingerprint("drawn", "none", dimension, "l2", "float32")
        self._centres = centres

    def encode_texts(self, texts: Any) -> npt.NDArray[np.float32]:
        """A centre and some noise for each text."""
        draw = np.random.default_rng(abs(hash(tuple(texts))) % 2**32)
        return around(self._centres[draw.integers(len(self._centres), size=len(texts))], draw, 0.7)

    def encode_images(self, images: Any) -> npt.NDArray[np.float32]:
        """Nothing is asked by picture here."""
        raise NotImplementedError


def around(centres: npt.NDArray[np.float32], draw: np.random.Generator, noise: float) -> npt.NDArray[np.float32]:
    size = centres.shape[1] ** -0.5
    vectors = centres + noise * size * draw.normal(size=centres.shape).astype(np.float32)
    units: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units.astype(np.float32)


def fill(catalog: Catalog, encoder_id: int, count: int, centres: npt.NDArray[np.float32]) -> None:
    draw = np.random.default_rng(0)
    root = catalog.add_root(b"/photos")
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        vectors = around(centres[draw.integers(len(centres), size=len(numbers))], draw, 0.48)
        entries = []
        for number in numbers:
            word, folder = WORDS[number % 15], WORDS[number // 15 % 15]
            taken = f"20{number % 25:02}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:{number % 60:02}:00"
            facts = Facts(taken, "Rare 1" if number % 1000 == 0 else f"Camera {number % 7}")
            content = Content(number.to_bytes(32, "big"), 4000, 3000, "JPEG", facts)
            path = f"{folder} {number // 1000}/{word}_{number}.jpg".encode()
            entries.append(Entry(root.id, path, FileStat(1, 1, 1), content))
        keys = [number.to_bytes(32, "big") for number in numbers]
        catalog.commit(entries, dict(zip(keys, vectors, strict=True)), encoder_id)


def timed(engine: Engine, template: str) -> dict[str, float]:
    took = []
    for number in range(QUERIES + 3):
        text = template.format(n=number, word=WORDS[number % 15], year=number % 25)
        answer = engine.find(parse(text, 1000), View(RESULTS))
        took.append(answer.took.total - answer.took.encode)
    warm = took[3:]
    return {name: round(float(np.percentile(warm, p)), 2) for name, p in (("p50_ms", 50), ("p99_ms", 99))}


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=768)
    given = parser.parse_args()
    draw = np.random.default_rng(1)
    centres = around(np.zeros((max(1, given.photos // 50), given.dimension), np.float32), draw, 1)
    with tempfile.TemporaryDirectory() as folder, Catalog(Path(folder) / "catalog.db", create=True) as catalog:
        encoder = Drawn(given.dimension, centres)
        encoder_id = catalog.add_encoder("drawn", encoder.fingerprint.digest, given.dimension, "float32").id
        start = time.perf_counter()
        fill(catalog, encoder_id, given.photos, centres)
        filled = time.perf_counter() - start
        engine = Engine(catalog, encoder, encoder_id)
        result = {kind: timed(engine, template) for kind, template in KINDS.items()}
    publish(
        "searching",
        {
            "photos": given.photos,
            "dimension": given.dimension,
            "results": RESULTS,
            "commit_seconds": round(filled, 1),
            "search after encoding": result,
        },
    )


if __name__ == "__main__":
    main()
