"""What pgvector's HNSW costs and gives: time to send and to build, size, recall@10 and time of a search.

    python -m benchmarks.pgvector [--small] [--vectors N]

Vectors and queries are those of `benchmarks.clustered`, half of the queries as pictures, half as words. Recall is
against all cosines of the vectors in half precision. PostgreSQL is a server of its own on a socket of this machine.
Searches are those of a library, without the catalog's exact scores, in the one connection that the store has.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from polyglance.arrays import Floats
from polyglance.data.catalog.database import Database
from polyglance.data.vectors.pgvector import table as tables
from polyglance.data.vectors.pgvector.table import Table

from . import clustered, postgresql
from .ports import SERVER
from .report import parser, publish
from .scale import DIMENSION

BATCH = 4096
DEPTH = 10
QUERIES = 200


def searched(table: Table, queries: Floats, truth: Floats, vectors: Floats, count: int = DEPTH) -> dict[str, float]:
    """Median milliseconds of a search for `count`, and recall of its first DEPTH."""
    took, hits = [], 0
    for query, tenth in zip(queries, truth, strict=True):
        start = time.perf_counter()
        keys = table.search(query, count).keys
        took.append(time.perf_counter() - start)
        best = np.sort(vectors[keys - 1] @ query)[::-1][:DEPTH]  # as the store does, which scores the first ones anew
        hits += int((best >= tenth - 1e-5).sum())
    return {"p50_ms": round(1000 * float(np.median(took)), 2), "recall@10": round(hits / DEPTH / len(queries), 4)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--vectors", type=int)
    given = options.parse_args(arguments)
    count = given.vectors or (1000 if given.small else 20_000)
    world = clustered.world(count, DIMENSION)
    vectors = world.photos(count, 0).astype(np.float16).astype(np.float32)
    half = (10 if given.small else QUERIES) // 2
    queries = np.stack([world.pictures(half), world.texts(half)], axis=1).reshape(-1, DIMENSION)
    truth = -np.sort(-(queries @ vectors.T), axis=1)[:, DEPTH - 1]
    result: dict[str, Any] = {"vectors": count, "dimension": DIMENSION}
    with postgresql.running(*SERVER) as server, contextlib.closing(Database(Path(), server.create())) as database:
        result["postgresql"] = f"{server.version()}, {', '.join(SERVER)}"
        table, keys = Table(database, "nearest_1", DIMENSION, "HNSW"), np.arange(1, count + 1)
        table.create(count)
        start = time.perf_counter()
        for at in range(0, count, BATCH):
            part = slice(at, at + BATCH)
            table.upsert(keys[part], keys[part].astype(np.uint64), vectors[part])
        result["sent_s"] = round(time.perf_counter() - start, 2)
        table.seal()
        result["flat"] = searched(table, queries, truth, vectors)
        start = time.perf_counter()
        table.arrange(count)
        result["built_s"] = round(time.perf_counter() - start, 2)
        for order in ("strict_order", "relaxed_order"):
            tables._WIDELY = tables._WIDELY.replace("strict_order", order)
            result[order] = {str(depth): searched(table, queries, truth, vectors, depth) for depth in (10, 128, 1000)}
        few = keys[:: max(count // 5000, 1)]
        start = time.perf_counter()
        for query in queries[:20]:
            table.search(query, DEPTH, few)
        result["among 5,000"] = {"mean_ms": round(50 * (time.perf_counter() - start), 2)}
        start = time.perf_counter()
        for at in range(100):
            table.upsert(keys[at : at + 1], keys[at : at + 1].astype(np.uint64), vectors[at : at + 1])
        result["one added, ms"] = round(10 * (time.perf_counter() - start), 2)
        with database.reading() as connection:
            sizes = "SELECT pg_relation_size('nearest_1'), pg_relation_size('nearest_1_hnsw')"
            result["megabytes"] = [size // 2**20 for size in connection.exec_driver_sql(sizes).one()]
    publish("pgvector", result, small=given.small)


if __name__ == "__main__":
    main()
