"""A whole search after encoding: what is embedded, beside PostgreSQL, pgvector and Milvus's API in other processes.

    python -m benchmarks.ports [--small] [--photos N] [--folder F]

Library, queries and kinds of search are those of `benchmarks.searching`. The columns are catalog+vectors; all are asked
in turns, in one run. PostgreSQL is a server of its own on a socket of this machine; Milvus is milvus-lite, a process on
this machine, or the one that POLYGLANCE_VECTORS names. Of each search, `catalog_ms` are spent in statements to
PostgreSQL's catalog and `vectors_ms` in requests to pgvector or Milvus; the rest is ours: following, checking seals,
exact scores, photos, and SQLite and FAISS where they are used. `sent_s` is how long an engine takes to get all vectors,
pgvector with its index. A library in F is used again, in SQLite alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.vectors import stores
from polyglance.data.vectors.index import VectorIndex
from polyglance.data.vectors.milvus import collection as milvus
from polyglance.data.vectors.remote import follower
from polyglance.data.vectors.remote.collection import Collection
from polyglance.data.vectors.remote.store import RemoteStore
from polyglance.search.answer import View
from polyglance.search.engine import Engine
from polyglance.search.query.parse import parse
from sqlalchemy import event

from . import clustered, postgresql
from .report import parser, publish
from .scale import DIMENSION
from .searching import KINDS, RESULTS, SMALL_PHOTOS, WARM, WORDS, Drawn, fill

QUERIES, SMALL_QUERIES = 15, 2

SERVER = ("shared_buffers=512MB", "maintenance_work_mem=512MB")
"""As whoever keeps a server for such a library sets it; the defaults are for the smallest machines."""


class Stopwatch:
    """Counts the seconds that searches spend in statements to a catalog, and in requests to an engine of vectors."""

    def __init__(self) -> None:
        self.catalog = self.vectors = 0.0

    def watch_catalog(self, catalog: Catalog) -> None:
        """Count the statements on the connections of the catalog's pool; pgvector is asked on others."""
        engine, starts = catalog.database._engine, list[float]()

        @event.listens_for(engine, "before_cursor_execute")
        def begin(*_: Any) -> None:
            starts.append(time.perf_counter())

        @event.listens_for(engine, "after_cursor_execute")
        def end(*_: Any) -> None:
            self.catalog += time.perf_counter() - starts.pop()

    def watch_vectors(self, collection: Any) -> None:
        """Count the requests of a collection that belong to a search."""
        for name in ("search", "read_position"):
            setattr(collection, name, self._timed(getattr(collection, name)))

    def _timed(self, request: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return request(*arguments)
            finally:
                self.vectors += time.perf_counter() - start

        return timed


@contextlib.contextmanager
def milvus_address(folder: Path) -> Iterator[str]:
    """The address of a Milvus: what POLYGLANCE_VECTORS names, or milvus-lite on a free port of this machine."""
    if url := os.environ.get("POLYGLANCE_VECTORS"):
        yield url
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(folder), "--host", "127.0.0.1"]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
                break
            time.sleep(0.1)
        else:
            raise SystemExit("milvus-lite did not start.")
        yield f"milvus://127.0.0.1:{port}/ports"
    finally:
        process.kill()
        process.wait()


def opened(collection: Collection) -> Collection:
    """The collection, as a store opens it."""
    return collection


def measure(engines: dict[str, Engine], template: str, queries: int, stopwatch: Stopwatch) -> dict[str, Any]:
    """Median milliseconds of each column."""
    took: dict[str, list[tuple[float, float, float]]] = {name: [] for name in engines}
    for number in range(queries + WARM):
        for name, engine in engines.items():
            stopwatch.catalog = stopwatch.vectors = 0.0
            text = template.format(n=f"{number}{name[:3]}{name[-3:]}", word=WORDS[number % 15], year=number % 25)
            answer = engine.find(parse(text, 1000), View(RESULTS))
            whole = answer.took.total - answer.took.encode
            took[name].append((whole, 1000 * stopwatch.catalog, 1000 * stopwatch.vectors))
    result = {}
    for name, times in took.items():
        medians = np.median(np.array(times[WARM:]), axis=0).round(2).tolist()
        result[name] = dict(zip(("p50_ms", "catalog_ms", "vectors_ms"), medians, strict=True))
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--photos", type=int)
    options.add_argument("--folder", type=Path)
    given = options.parse_args(arguments)
    photos = given.photos or (SMALL_PHOTOS if given.small else 100_000)
    world = clustered.world(photos, DIMENSION)
    stopwatch = Stopwatch()
    filled: dict[str, float] = {}
    sent: dict[str, float] = {}
    milvus.READ_SECONDS = 120.0  # milvus-lite takes longer for its first search than a search may wait
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgresql.running(*SERVER))
        version = server.version()
        places = {"sqlite": (given.folder or temporary / "sqlite", ""), "postgresql": (temporary, server.create())}
        catalogs = {}
        for name, (folder, url) in places.items():
            start = time.perf_counter()
            fill(folder, photos, world, url)
            filled[name] = round(time.perf_counter() - start, 1)
            catalogs[name] = stack.enter_context(Catalog(folder / "catalog.db", url))
        server.execute("VACUUM ANALYZE", catalogs["postgresql"].database.url.partition("@/")[2].partition("?")[0])
        stopwatch.watch_catalog(catalogs["postgresql"])
        engines = {
            f"{name}+faiss": Engine(catalog, Drawn(world), VectorIndex(catalog, 1, DIMENSION))
            for name, catalog in catalogs.items()
        }
        catalog = catalogs["postgresql"]
        for url in ("pgvector", stack.enter_context(milvus_address(temporary / "milvus"))):
            collection, name = stores.collection(url, catalog, 1, DIMENSION), stores.kind(url)
            start = time.perf_counter()
            follower.bring(catalog, 1, collection)
            sent[name] = round(time.perf_counter() - start, 1)
            stack.callback(collection.drop)
            stopwatch.watch_vectors(collection)
            store = RemoteStore(catalog, 1, DIMENSION, partial(opened, collection))
            engines[f"postgresql+{name}"] = Engine(catalog, Drawn(world), store)
        queries = SMALL_QUERIES if given.small else QUERIES
        result = {kind: measure(engines, text, queries, stopwatch) for kind, text in KINDS.items()}
    publish(
        "ports",
        {
            "photos": photos,
            "dimension": DIMENSION,
            "results": RESULTS,
            "milvus": "POLYGLANCE_VECTORS" if "POLYGLANCE_VECTORS" in os.environ else "milvus-lite, on this machine",
            "postgresql": f"{version}, on this machine, {', '.join(SERVER)}",
            "filled_s": filled,
            "sent_s": sent,
            "search after encoding": result,
        },
        small=given.small,
    )


if __name__ == "__main__":
    main()
