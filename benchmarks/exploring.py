"""Exploring a library, suggestions, facets, months and the map, over many photos.

    python -m benchmarks.exploring [--small] [--photos N] [--library FOLDER]

With --library the drawn library is kept there, and used again by the next run, which then makes no labels.
The catalog is real. Vectors are those of things' names with noise, so that photos show things as the embedded encoder
sees them; names, folders, cameras and coordinates (of a third) are drawn. Labels are made as an index run does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from polyglance.config import LANGUAGES, Settings
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.places import gazetteer
from polyglance.encoders.lite import things as table
from polyglance.languages.things import things
from polyglance.library import Library, encoders

from .report import parser, publish

PHOTOS, SMALL_PHOTOS = 100_000, 1500
BATCH = 5000
FOLDERS, CAMERAS, CITIES = 300, 12, 400
NOISE = 0.7
"""Length of the noise beside a thing's vector of length 1."""


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--photos", type=int, default=PHOTOS)
    options.add_argument("--library", type=Path)
    given = options.parse_args(arguments)
    photos = SMALL_PHOTOS if given.small else given.photos
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.open(given.library or Path(folder) / "library", settings=Settings(encoder="lite")) as library,
    ):
        is_new = not library.status().photos
        if is_new:
            fill(library, photos)
        start = time.perf_counter()
        library.label()
        labelled = time.perf_counter() - start
        start = time.perf_counter()
        explored = library.explore()
        first = time.perf_counter() - start
        figures = {
            "photos": library.status().photos,
            "label_seconds": round(labelled, 1) if is_new else None,
            "labels": len(library.catalog.labels.photos("thing")),
            "things": len(explored.things),
            "explore_first_ms": round(first * 1000),
            "explore": percentiles([partial(library.explore, language) for language in LANGUAGES] * 5),
            "suggest_first_ms": round(seconds(lambda: library.suggest("c")) * 1000),
            "suggest": percentiles([partial(library.suggest, text) for text in typed(3 if given.small else 60)]),
            **browsing(library, 3 if given.small else 15),
        }
    publish("exploring", figures, small=given.small)


def browsing(library: Library, times: int) -> dict[str, Any]:
    """Months, a month's photos, the map and facets; of a query first and again with other filters."""
    library.search("a search loads the encoder")
    has_place = {"has": ["place"]}
    month = max(library.months(), key=lambda pair: pair[1])[0] or "undated"
    first_facets = seconds(library.facets)
    of_queries = [seconds(partial(library.facets, name)) for name in ("dog", "car", "金魚", "montaña", "кошка")]
    return {
        "months": percentiles([library.months] * times),
        "months_with_a_place": percentiles([partial(library.months, filters=has_place)] * times),
        "month_of_160": percentiles([partial(library.month, month, 0, 160)] * times),
        "map": percentiles([partial(library.clusters, zoom) for zoom in (1, 4, 8)] * times),
        "facets_first_ms": round(1000 * first_facets),
        "facets": percentiles([library.facets] * times),
        "facets_of_a_query": {"p50_ms": round(1000 * float(np.median(of_queries)), 1)},
        "facets_of_the_same_query": percentiles([partial(library.facets, "кошка", filters=has_place)] * times),
    }


def fill(library: Library, photos: int) -> None:
    """Commit drawn photos."""
    random = np.random.default_rng(0)
    parts = library._parts
    record = encoders.active_or_new(parts, "lite")
    root = library.catalog.roots.add(b"/photos")
    lite = table.load()
    names = lite.vectors[~np.isnan(lite.attainable)]
    known = list(gazetteer.cities().values())
    cities = [known[number] for number in random.integers(len(known), size=CITIES)]
    for start in range(0, photos, BATCH):
        numbers = range(start, min(start + BATCH, photos))
        noise = random.normal(size=(len(numbers), names.shape[1])).astype(np.float32)
        vectors = names[random.integers(len(names), size=len(numbers))] + NOISE * noise / np.linalg.norm(
            noise, axis=1, keepdims=True
        )
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        entries, contents = [], {}
        for number, vector in zip(numbers, vectors, strict=True):
            key = number.to_bytes(32, "big")
            contents[key] = vector
            city = cities[number % CITIES] if number % 3 == 0 else None
            facts = Facts(
                f"20{number % 25:02}-{1 + number % 12:02}-{1 + number % 28:02}T10:00:00",
                f"Camera {number % CAMERAS}",
                f"Lens {number % 7}",
                city.latitude if city else None,
                city.longitude if city else None,
            )
            path = f"folder {number % FOLDERS}/IMG_{number:06}.jpg".encode()
            content = Content(key, 4000, 3000, "JPEG", facts)
            entries.append(Entry(root.id, path, FileStat(number, 1, number), content))
        library.catalog.changes.commit(entries, contents, record.id)


def typed(count: int) -> list[str]:
    """What people type on the way to names of things and places, and to names of files."""
    all_things = list(things().values())[:: max(1, len(things()) // count)]
    texts = [
        name[:length]
        for thing in all_things
        for code in LANGUAGES
        for name in thing.names[code][:1]
        for length in (1, 2, 4)
    ]
    return [*texts, *(f"IMG_{number:03}"[: 3 + number % 5] for number in range(count)), "folder 1", "camera", "0"]


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def percentiles(actions: Sequence[Callable[[], object]]) -> dict[str, float]:
    times = np.array([seconds(action) for action in actions]) * 1000
    return {f"p{point}_ms": round(float(np.percentile(times, point)), 1) for point in (50, 99)}


if __name__ == "__main__":
    main()
