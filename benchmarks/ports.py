"""A whole search after encoding: FAISS in the process, beside Milvus's API in another, over the same catalog.

    python -m benchmarks.ports [--small] [--photos N] [--folder F]

Library, queries and kinds of search are those of `benchmarks.searching`. Milvus is milvus-lite, a process on this
machine, or the one that POLYGLANCE_VECTORS names. Of each search, `engine_ms` is spent in requests to it, and the rest
is ours: following, checking seals, exact scores, photos. Both stores are asked in turns, in one run.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.vectors.index import VectorIndex
from polyglance.data.vectors.milvus import collection as collections
from polyglance.data.vectors.milvus import follower
from polyglance.data.vectors.milvus.address import Address
from polyglance.data.vectors.milvus.collection import Collection
from polyglance.data.vectors.milvus.store import MilvusStore, opened
from polyglance.search.answer import View
from polyglance.search.engine import Engine
from polyglance.search.query.parse import parse

from . import clustered
from .report import parser, publish
from .scale import DIMENSION
from .searching import KINDS, RESULTS, SMALL_PHOTOS, WARM, WORDS, Drawn, fill

QUERIES, SMALL_QUERIES = 30, 2


class Stopwatch:
    """Counts the seconds that searches spend in requests to Milvus."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watch(self, collection: Collection) -> None:
        for name in ("search", "read_position"):
            setattr(collection, name, self._timed(getattr(collection, name)))

    def _timed(self, request: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return request(*arguments)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start milvus-lite on a free port of this machine; return the process and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(folder), "--host", "127.0.0.1"]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return process, f"milvus://127.0.0.1:{port}/ports"
        except OSError:
            time.sleep(0.1)
    raise SystemExit("milvus-lite did not start.")


def measure(engines: dict[str, Engine], template: str, queries: int, stopwatch: Stopwatch) -> dict[str, Any]:
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for number in range(queries + WARM):
        for name, engine in engines.items():
            stopwatch.seconds = 0.0
            text = template.format(n=f"{number}{name}", word=WORDS[number % 15], year=number % 25)
            answer = engine.find(parse(text, 1000), View(RESULTS))
            took[name].append((answer.took.total - answer.took.encode, 1000 * stopwatch.seconds))
    result = {}
    for name, times in took.items():
        total, engine_ms = np.median(np.array(times[WARM:]), axis=0).tolist()
        result[name] = {"p50_ms": round(total, 2), "engine_ms": round(engine_ms, 2)}
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--photos", type=int)
    options.add_argument("--folder", type=Path)
    given = options.parse_args(arguments)
    photos = given.photos or (SMALL_PHOTOS if given.small else 100_000)
    world = clustered.world(photos, DIMENSION)
    process, stopwatch = None, Stopwatch()
    collections.READ_SECONDS = 120.0  # milvus-lite takes longer for its first search than a search may wait
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        fill(folder, photos, world)
        url = os.environ.get("POLYGLANCE_VECTORS", "")
        if not url:
            process, url = serve(Path(temporary) / "milvus")
        try:
            with Catalog(folder / "catalog.db") as catalog:
                address = Address.from_url(url)
                collection = opened(catalog, 1, DIMENSION, address)
                start = time.perf_counter()
                follower.bring(catalog, 1, collection)
                sent = time.perf_counter() - start
                store = MilvusStore(catalog, 1, DIMENSION, address)
                store._collection = collection
                stopwatch.watch(collection)
                engines = {
                    "faiss": Engine(catalog, Drawn(world), VectorIndex(catalog, 1, DIMENSION)),
                    "milvus": Engine(catalog, Drawn(world), store),
                }
                queries = SMALL_QUERIES if given.small else QUERIES
                result = {kind: measure(engines, text, queries, stopwatch) for kind, text in KINDS.items()}
                collection.drop()
        finally:
            if process is not None:
                process.kill()
                process.wait()
    publish(
        "ports",
        {
            "photos": photos,
            "dimension": DIMENSION,
            "results": RESULTS,
            "milvus": "milvus-lite, one process on this machine" if process else "POLYGLANCE_VECTORS",
            "sent_s": round(sent, 1),
            "search after encoding": result,
        },
        small=given.small,
    )


if __name__ == "__main__":
    main()
