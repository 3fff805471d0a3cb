"""A whole search after encoding (vectors, words, filters, photos, near-duplicates) in a library of many photos.

    python -m benchmarks.searching [--small] [--photos N] [--folder F]

The catalog is real, vectors and queries (half as pictures, half as words) are those of `benchmarks.clustered`; names,
dates and cameras are drawn. Each kind of search is asked once for each of many query vectors, 50 results, never the
same search twice: orders that are kept would cost nothing. Then a process of its own opens the library (cold, but for
the system's cache of files), and 1,000 photos are added: until their commit, and until a search has taken them in.

A library in F is used again if it has N photos.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors import index_files
from polyglance.data.vectors.index import VectorIndex
from polyglance.data.vectors.store import VectorStore
from polyglance.encoders.base import Card, Fingerprint
from polyglance.search.answer import View
from polyglance.search.engine import Engine
from polyglance.search.query.parse import parse

from . import clustered
from .report import parser, publish
from .scale import DIMENSION, resident_mb

BATCH = 5000
QUERIES = 100
WARM = 5
SMALL_PHOTOS, SMALL_QUERIES = 2000, 2
ADDED = 1000
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
    """An encoder whose texts are the queries of `benchmarks.clustered`, one after the other."""

    name = "drawn"
    card = Card(languages=("en",))
    image_side = 32
    logit_scale = 20.0
    fingerprint = Fingerprint("drawn", "none", DIMENSION, "l2", "float32")
    dimension = DIMENSION

    def __init__(self, world: clustered.World) -> None:
        mixed = np.stack([world.pictures(1000), world.texts(1000)], axis=1)
        self._queries = itertools.cycle(mixed.reshape(-1, DIMENSION))

    def encode_texts(self, texts: Any) -> npt.NDArray[np.float32]:
        """The next query for each text."""
        return np.stack([next(self._queries) for _ in texts])

    def encode_images(self, images: Any) -> npt.NDArray[np.float32]:
        """Nothing is asked by picture here."""
        raise NotImplementedError


def commit(catalog: Catalog, encoder_id: int, numbers: range, vectors: npt.NDArray[np.float32]) -> None:
    root = catalog.roots.all(counted=False)[0]
    entries = []
    for number in numbers:
        word, folder = WORDS[number % 15], WORDS[number // 15 % 15]
        taken = f"20{number % 25:02}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:{number % 60:02}:00"
        facts = Facts(taken, "Rare 1" if number % 1000 == 0 else f"Camera {number % 7}")
        content = Content(number.to_bytes(32, "big"), 4000, 3000, "JPEG", facts)
        path = f"{folder} {number // 1000}/{word}_{number}.jpg".encode()
        entries.append(Entry(root.id, path, FileStat(1, 1, 1), content))
    keys = [number.to_bytes(32, "big") for number in numbers]
    catalog.changes.commit(entries, dict(zip(keys, vectors, strict=True)), encoder_id)


def fill(folder: Path, count: int, world: clustered.World, url: str = "") -> None:
    """Make the library, its catalog in the database at `url` if there is one, unless it is there."""
    with Catalog(folder / "catalog.db", url, create=True) as catalog:
        encoder = catalog.encoders.add("drawn", Drawn.fingerprint.digest, DIMENSION, "float32")
        if len(catalog.vectors.ids(encoder.id)) < count:
            catalog.roots.add(b"/photos")
            for start in range(0, count, BATCH):
                numbers = range(start, min(start + BATCH, count))
                commit(catalog, encoder.id, numbers, world.photos(len(numbers), start))
        index_files.save_if_stale(catalog, encoder)


def timed(engine: Engine, template: str, queries: int) -> dict[str, float]:
    took = []
    for number in range(queries + WARM):
        text = template.format(n=number, word=WORDS[number % 15], year=number % 25)
        answer = engine.find(parse(text, 1000), View(RESULTS))
        took.append(answer.took.total - answer.took.encode)
    return {name: round(float(np.percentile(took[WARM:], p)), 2) for name, p in (("p50_ms", 50), ("p99_ms", 99))}


def vectors_timed(store: VectorStore, queries: npt.NDArray[np.float32], among: Any = None) -> float:
    took = []
    for query in queries:
        start = time.perf_counter()
        store.search(query, RESULTS, among)
        took.append(time.perf_counter() - start)
    return round(1000 * float(np.median(took)), 2)


def opened(folder: Path) -> None:
    """In a process of its own: print how long the index takes to open, and what it keeps in memory."""
    with Catalog(folder / "catalog.db") as catalog:
        before, start = resident_mb(), time.perf_counter()
        index = VectorIndex(catalog, 1, DIMENSION)
        index.follow()
        seconds = time.perf_counter() - start
        for query in clustered.world(index.count(), DIMENSION).texts(200):
            index.search(query, RESULTS)
        print(json.dumps({"cold_open_s": round(seconds, 2), "resident_mb": round(resident_mb() - before)}))


def grown(catalog: Catalog, engine: Engine, world: clustered.World) -> dict[str, float]:
    """Add ADDED photos and ask; then take them away again."""
    count = int(catalog.vectors.ids(1)[-1])
    start = time.perf_counter()
    commit(catalog, 1, range(count + 10**6, count + 10**6 + ADDED), world.photos(ADDED, -1 % 2**32))
    committed = time.perf_counter()
    engine.find(parse("just added", 1000), View(RESULTS))
    asked = time.perf_counter()
    roots = {
        known.photo_id
        for path, known in catalog.photos.known(1).items()
        if int(path.split(b"_")[-1][:-4]) >= count + 10**6
    }
    catalog.changes.remove(sorted(roots))
    catalog.vectors.prune()
    removed = time.perf_counter()
    engine.find(parse("just removed", 1000), View(RESULTS))
    return {
        "commit_s": round(committed - start, 2),
        "next_search_s": round(asked - committed, 2),
        "next_search_after_removal_s": round(time.perf_counter() - removed, 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--photos", type=int)
    options.add_argument("--folder", type=Path)
    options.add_argument("--open", action="store_true", help="measure opening alone")
    given = options.parse_args(arguments)
    photos = given.photos or (SMALL_PHOTOS if given.small else 100_000)
    queries = SMALL_QUERIES if given.small else QUERIES
    if given.open:
        opened(given.folder)
        return
    world = clustered.world(photos, DIMENSION)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        start = time.perf_counter()
        fill(folder, photos, world)
        filled = time.perf_counter() - start
        command = [sys.executable, "-m", "benchmarks.searching", "--folder", str(folder), "--open"]
        cold = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        with Catalog(folder / "catalog.db") as catalog:
            engine = Engine(catalog, Drawn(world), VectorIndex(catalog, 1, DIMENSION))
            index = VectorIndex(catalog, 1, DIMENSION)
            index.follow()
            vectors = world.texts(queries)
            thousandth = index.state.ids[:: index.count() // (photos // 1000)]
            nearest = {
                "all_p50_ms": vectors_timed(index, vectors),
                "a_thousandth_p50_ms": vectors_timed(index, vectors, thousandth),
            }
            result = {kind: timed(engine, template, queries) for kind, template in KINDS.items()}
            growth = grown(catalog, engine, world)
    publish(
        "searching",
        {
            "photos": photos,
            "dimension": DIMENSION,
            "results": RESULTS,
            "fill_s": round(filled, 1),
            **cold,
            "vectors alone": nearest,
            "search after encoding": result,
            "adding 1,000": growth,
        },
        small=given.small,
    )


if __name__ == "__main__":
    main()
