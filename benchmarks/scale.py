"""Vector search side by side, on the same vectors in one run: ours, and what a user would otherwise run.

    pip install usearch sqlite-vec apsw lancedb matplotlib
    python -m benchmarks.scale [--small] [--vectors 1000 10000 100000 1000000] [--only NAME …] [--folder F]

Vectors and queries are those of `benchmarks.clustered`, half of the queries as pictures, half as words. Each contestant
stores the vectors in one process, and in another opens what it stored and answers one query at a time for the ten
nearest. Recall is against all cosines; memory is what the process holds more than before it opened. Writes
`results/scale.json` and draws `docs/images/scale.svg`. In a folder F, what was stored before is used again.

- `polyglance`: `data.vectors`, vectors in a catalog, snapshot as the library's writer makes it
- `faiss IndexFlat`: all in memory as float32, every one looked at
- `usearch HNSW`: a graph in memory, float16, its default parameters
- `sqlite-vec`: every one looked at, in SQLite
- `LanceDB`: columnar files; from 10,000 vectors on with its IVF_PQ index, asked for a refinement by 10
- `numpy over SQLite`: float32 blobs read from SQLite into one matrix for each query, as rclip does
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from polyglance.arrays import Floats

from . import clustered, report

Ask = Callable[[Floats], Any]

SIZES = [1000, 10_000, 100_000, 1_000_000]
DIMENSION = 768
DEPTH = 10
BATCH = 10_000
QUERIES = 200
SMALL = [1000]
EMBEDDED = ["polyglance", "faiss IndexFlat"]
"""Those that need no package besides ours, and that are compared."""

PATIENCE = 60.0
"""Seconds of queries, after which a slow contestant has answered enough."""


def rows(folder: Path) -> Iterator[tuple[int, Floats]]:
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    for start in range(0, len(vectors), BATCH):
        yield start, np.asarray(vectors[start : start + BATCH], np.float32)


class Polyglance:
    def store(self, folder: Path) -> None:
        from polyglance.data.catalog.catalog import Catalog
        from polyglance.data.vectors import index_files

        with Catalog(folder / "catalog.db", create=True) as catalog:
            encoder = catalog.encoders.add("drawn", "d" * 32, DIMENSION, "float32")
            for start, batch in rows(folder):
                keys = [number.to_bytes(32, "big") for number in range(start, start + len(batch))]
                catalog.vectors.add(dict(zip(keys, batch, strict=True)), encoder.id)
            index_files.save(catalog, encoder)

    def open(self, folder: Path) -> Ask:
        from polyglance.data.catalog.catalog import Catalog
        from polyglance.data.vectors.index import VectorIndex

        index = VectorIndex(Catalog(folder / "catalog.db"), 1, DIMENSION)
        index.follow()
        return lambda query: index.search(query, DEPTH)[1] - 1


class Flat:
    def store(self, folder: Path) -> None:
        import faiss

        index = faiss.IndexFlatIP(DIMENSION)
        for _, batch in rows(folder):
            index.add(batch)
        faiss.write_index(index, str(folder / "flat.faiss"))

    def open(self, folder: Path) -> Ask:
        import faiss

        index = faiss.read_index(str(folder / "flat.faiss"))
        return lambda query: index.search(query.reshape(1, -1), DEPTH)[1][0]


class Graph:
    def _index(self) -> Any:
        from usearch.index import Index

        return Index(ndim=DIMENSION, metric="ip", dtype="f16")

    def store(self, folder: Path) -> None:
        index = self._index()
        for start, batch in rows(folder):
            index.add(np.arange(start, start + len(batch)), batch)
        index.save(str(folder / "graph.usearch"))

    def open(self, folder: Path) -> Ask:
        index = self._index()
        index.load(str(folder / "graph.usearch"))
        return lambda query: index.search(query, DEPTH).keys


class SqliteVec:
    def _open(self, folder: Path) -> Any:
        import apsw  # Python's own sqlite3 is often built without extensions
        import sqlite_vec

        db = apsw.Connection(str(folder / "vec.db"))
        db.enable_load_extension(True)
        db.load_extension(sqlite_vec.loadable_path())
        return db

    def store(self, folder: Path) -> None:
        db = self._open(folder)
        db.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{DIMENSION}] distance_metric=cosine)")
        for start, batch in rows(folder):
            values = [(start + number, row.tobytes()) for number, row in enumerate(batch)]
            with db:
                db.executemany("INSERT INTO v (rowid, e) VALUES (?, ?)", values)
        db.close()

    def open(self, folder: Path) -> Ask:
        db = self._open(folder)
        asked = "SELECT rowid FROM v WHERE e MATCH ? AND k = ?"
        return lambda query: [row[0] for row in db.execute(asked, (query.tobytes(), DEPTH))]


class Lance:
    def store(self, folder: Path) -> None:
        import lancedb
        import pyarrow as pa

        schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), DIMENSION))])

        def batches() -> Iterator[Any]:
            for start, batch in rows(folder):
                flat = pa.FixedSizeListArray.from_arrays(pa.array(batch.reshape(-1)), DIMENSION)
                yield pa.record_batch([pa.array(range(start, start + len(batch))), flat], schema=schema)

        table = lancedb.connect(folder / "lance").create_table("v", batches(), schema=schema)
        if table.count_rows() >= 10_000:
            table.create_index(metric="cosine", vector_column_name="vector")

    def open(self, folder: Path) -> Ask:
        import lancedb

        table = lancedb.connect(folder / "lance").open_table("v")

        def ask(query: Floats) -> Any:
            asked = (
                table.search(query).distance_type("cosine").refine_factor(10).limit(DEPTH).select(["id", "_distance"])
            )
            return asked.to_arrow()["id"].to_numpy()

        return ask


class NumpyScan:
    def store(self, folder: Path) -> None:
        db = sqlite3.connect(folder / "blobs.db")
        db.execute("CREATE TABLE v (id INTEGER PRIMARY KEY, e BLOB)")
        for start, batch in rows(folder):
            db.executemany("INSERT INTO v VALUES (?, ?)", ((start + n, row.tobytes()) for n, row in enumerate(batch)))
        db.commit()
        db.close()

    def open(self, folder: Path) -> Ask:
        db = sqlite3.connect(folder / "blobs.db")

        def ask(query: Floats) -> Any:
            read = db.execute("SELECT e FROM v ORDER BY id").fetchall()
            scores = np.frombuffer(b"".join(row[0] for row in read), np.float32).reshape(len(read), -1) @ query
            best = np.argpartition(-scores, DEPTH)[:DEPTH]
            return best[np.argsort(-scores[best])]

        return ask


CONTESTANTS: dict[str, Any] = {
    "polyglance": Polyglance,
    "faiss IndexFlat": Flat,
    "usearch HNSW": Graph,
    "sqlite-vec": SqliteVec,
    "LanceDB": Lance,
    "numpy over SQLite": NumpyScan,
}


def resident_mb() -> float:
    """Memory of this process (Linux): all that is resident, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def measured(name: str, folder: Path) -> dict[str, float]:
    """Open what was stored and ask it; run in a process of its own."""
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    before, start = resident_mb(), time.perf_counter()
    ask = CONTESTANTS[name]().open(folder)
    ask(queries[0])
    opened = time.perf_counter() - start
    took, found, began = [], [], time.perf_counter()
    for query in queries:
        start = time.perf_counter()
        found.append(np.sort(np.asarray(ask(query), np.int64)))
        took.append(time.perf_counter() - start)
        if time.perf_counter() - began > PATIENCE:
            break
    resident = resident_mb() - before
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    asked = zip(found, queries, truth, strict=False)
    hits = sum(int((vectors[ids].astype(np.float32) @ query >= tenth - 1e-5).sum()) for ids, query, tenth in asked)
    return {
        "open_s": round(opened, 2),
        "p50_ms": round(1000 * float(np.median(took)), 3),
        "p99_ms": round(1000 * float(np.percentile(took, 99)), 3),
        "queries": len(took),
        "recall@10": round(hits / DEPTH / len(took), 4),
        "resident_mb": round(resident),
    }


def prepare(folder: Path, count: int) -> None:
    """Write vectors, queries and the score of each query's exact tenth."""
    folder.mkdir(parents=True, exist_ok=True)
    world = clustered.world(count, DIMENSION)
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", mode="w+", dtype=np.float16, shape=(count, DIMENSION))
    for start in range(0, count, clustered.BATCH):
        vectors[start : start + clustered.BATCH] = world.photos(min(clustered.BATCH, count - start), start)
    vectors.flush()
    half = QUERIES // 2
    mixed = np.stack([world.pictures(half), world.texts(half)], axis=1).reshape(QUERIES, DIMENSION)
    best = np.full((QUERIES, DEPTH), -2, np.float32)
    for _, batch in rows(folder):
        best = -np.sort(-np.concatenate([best, mixed @ batch.T], axis=1), axis=1)[:, :DEPTH]
    np.save(folder / "queries.npy", mixed)
    np.save(folder / "truth.npy", best[:, -1])


def contest(folder: Path, count: int, names: list[str]) -> dict[str, Any]:
    """Let each contestant store and answer `count` vectors."""
    if not (folder / "truth.npy").exists():
        prepare(folder, count)
    kept = folder / "stored.json"
    seconds: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
    result: dict[str, Any] = {}
    for name in names:
        command = [sys.executable, "-m", "benchmarks.scale", "--folder", str(folder), "--contestant", name]
        if name not in seconds:
            start = time.perf_counter()
            subprocess.run([*command, "--store"], check=True, stdout=subprocess.DEVNULL)
            seconds[name] = round(time.perf_counter() - start, 1)
            kept.write_text(json.dumps(seconds))
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result[name] = {"store_s": seconds[name], **json.loads(answer.splitlines()[-1])}
        print(count, name, result[name], file=sys.stderr, flush=True)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    parser = report.parser(__doc__)
    parser.add_argument("--vectors", type=int, nargs="+")
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS))
    parser.add_argument("--folder", type=Path, help="where contestants store, and find what they stored before")
    parser.add_argument("--contestant", choices=list(CONTESTANTS))
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args(arguments)
    if given.contestant and given.store:
        CONTESTANTS[given.contestant]().store(given.folder)
    elif given.contestant:
        print(json.dumps(measured(given.contestant, given.folder)))
    else:
        result, names = {}, given.only or (EMBEDDED if given.small else list(CONTESTANTS))
        for count in given.vectors or (SMALL if given.small else SIZES):
            with tempfile.TemporaryDirectory() as folder:
                result[str(count)] = contest((given.folder or Path(folder)) / str(count), count, names)
        document = {"dimension": DIMENSION, "vectors": result, "ratio to IndexFlat": ratios(result)}
        report.publish("scale", document, small=given.small)
        if not given.small:
            draw(result)


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """How many times longer IndexFlat takes for a query than we do, by number of vectors."""
    return {
        count: round(one["faiss IndexFlat"]["p50_ms"] / one["polyglance"]["p50_ms"], 1)
        for count, one in result.items()
        if {"faiss IndexFlat", "polyglance"} <= set(one)
    }


def draw(result: dict[str, Any]) -> None:
    """Draw latency, memory and recall over the number of vectors."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "polyglance"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    panels = (("p50_ms", "Query, median (ms)"), ("resident_mb", "Memory (MB)"), ("recall@10", "Recall@10"))
    for panel, (key, title) in zip(axes, panels, strict=True):
        for name in CONTESTANTS:
            points = [(int(count), one[name][key]) for count, one in result.items() if name in one]
            width = 2.6 if name == "polyglance" else 1.2
            panel.plot(*zip(*points, strict=True), marker="o", markersize=4, linewidth=width, label=name)
        panel.set(title=title, xscale="log", xlabel="vectors of 768 dimensions")
        panel.grid(alpha=0.3)
        if key != "recall@10":
            panel.set_yscale("log")
    axes[0].legend(frameon=False)
    target = Path(__file__).parent.parent / "docs" / "images" / "scale.svg"
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
