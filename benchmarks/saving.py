"""Saving many photos as one zip: how soon its first bytes come, how fast the rest, how much memory the server takes.

    python -m benchmarks.saving [--small] [--photos N]

The files are real, each with other bytes: one small JPEG with noise behind it. They are put into the catalog by hand,
because encoding them would take minutes and changes nothing here. `polyglance serve` is a process of its own.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from polyglance.config import Settings
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.encoders import registry
from polyglance.library import Library

from .report import parser, publish
from .serving import alone, middle, search_for, served

PHOTOS, SMALL_PHOTOS = 1000, 8
FILE_BYTES = 500_000
TIMES = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--photos", type=int, default=PHOTOS)
    given = options.parse_args(arguments)
    photos = SMALL_PHOTOS if given.small else given.photos
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "library", Path(folder) / "photos", photos)
        with served(Path(folder) / "library") as (port, process):
            figures = saving(port, process, photos, 1 if given.small else TIMES)
    publish("saving", {"photos": photos, "file_bytes": FILE_BYTES, **figures}, small=given.small)


def fill(library_folder: Path, folder: Path, photos: int) -> None:
    """Write files, and a library that has them."""
    draw = np.random.default_rng(0)
    target = BytesIO()
    Image.new("RGB", (64, 48), (120, 90, 30)).save(target, "JPEG")
    folder.mkdir()
    settings = Settings()
    lite = registry.create("lite", settings)
    vector = np.zeros(lite.dimension, np.float32)
    vector[0] = 1
    with Library.open(library_folder, settings=settings) as library:
        record = library.catalog.encoders.add("lite", lite.fingerprint.digest, lite.dimension, lite.fingerprint.dtype)
        library.catalog.encoders.activate(record.id)
        root = library.catalog.roots.add(os.fsencode(folder))
        entries, vectors = [], {}
        for number in range(photos):
            content = target.getvalue() + draw.bytes(FILE_BYTES)
            path = folder / f"IMG_{number:05}.jpg"
            path.write_bytes(content)
            key, stat = hashlib.sha256(content).digest(), path.stat()
            vectors[key] = vector
            file_stat = FileStat(stat.st_size, stat.st_mtime_ns, stat.st_ino)
            entries.append(Entry(root.id, os.fsencode(path.name), file_stat, Content(key, 64, 48, "JPEG", Facts())))
        library.catalog.changes.commit(entries, vectors, record.id)


def saving(port: int, process: psutil.Process, photos: int, times: int) -> dict[str, Any]:
    """Ask for a zip of all photos, several times."""
    body = json.dumps({"ids": list(range(1, photos + 1))})
    alone(port, iter([search_for("a search that waits until the encoder is loaded")]), 1)
    first: list[float] = []
    whole: list[float] = []
    sizes: list[int] = []
    before = most = 0
    for number in range(-1, times):
        if number == 0:  # the server has done what it does once
            first, whole, sizes = [], [], []
            before = most = process.memory_info().rss
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        start = time.perf_counter()
        connection.request("POST", "/api/v1/photos/zip", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        size = len(answer.read(4096))
        first.append(1000 * (time.perf_counter() - start))
        while piece := answer.read(2**20):
            size += len(piece)
            most = max(most, process.memory_info().rss)
        whole.append(time.perf_counter() - start)
        sizes.append(size)
        connection.close()
    if min(sizes) < photos * FILE_BYTES:
        raise RuntimeError(f"The zip lacks photos: it has {min(sizes)} bytes.")
    return {
        "first_bytes_ms": {"p50": middle(first), "worst": round(max(first), 1)},
        "megabytes_a_second": round(
            middle([size / seconds / 1e6 for size, seconds in zip(sizes, whole, strict=True)]), 1
        ),
        "memory_grown_mb": round((most - before) / 1e6, 1),
    }


if __name__ == "__main__":
    main()
