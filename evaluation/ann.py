"""Recall of the library's index, compared with an exact search over the same vectors."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..data.catalog.catalog import Catalog
from ..data.catalog.records import NEVER_SEEN, Content, EncoderRecord, Entry
from ..data.pictures.exif import Facts
from ..data.vectors import index_files
from ..data.vectors.index import VectorIndex
from . import metrics
from .metrics import TIE

QUERIES = 1000
"""Number of queries, an even sample: the standard error of a recall of 0.99 is then 0.003."""

BATCH = 1000
DEPTH = 10


@dataclass(frozen=True)
class AnnRecall:
    """Share, 0 to 1, of the exact first ten that a library's index found, over `queries` queries."""

    recall: float
    queries: int
    vectors: int


def measure(queries: Floats, items: Floats) -> AnnRecall:
    """Put `items` (n, d) into a temporary library, search its index, and compare with all cosines.

    Equal vectors become one content, as in a library. Any item within TIE of the tenth best score counts as found,
    because chance decides which of equal items comes tenth.
    """
    vectors = np.unique(items.astype(np.float16), axis=0).astype(np.float32)
    sampled = queries[np.unique(np.linspace(0, len(queries) - 1, min(len(queries), QUERIES)).astype(np.int64))]
    exact, _ = metrics.top(sampled, vectors, DEPTH)
    with tempfile.TemporaryDirectory() as folder, Catalog(Path(folder) / "catalog.db", create=True) as catalog:
        encoder, row_of_vector = _fill(catalog, vectors)
        index_files.save_if_stale(catalog, encoder)
        index = VectorIndex(catalog, encoder.id, encoder.dimension)
        index.follow()
        hits = 0
        for query, best_scores in zip(sampled, exact, strict=True):
            vector_ids = {int(vector_id) for vector_id in index.search(query, DEPTH)[1]}
            scores = np.array([query @ vectors[row_of_vector[vector_id]] for vector_id in vector_ids], np.float32)
            hits += min(int((scores >= best_scores[-1] - TIE).sum()), len(best_scores))
    return AnnRecall(hits / exact.size, len(sampled), len(vectors))


def _fill(catalog: Catalog, items: Floats) -> tuple[EncoderRecord, dict[int, int]]:
    """Commit the vectors as an index run does; return their encoder and vector id -> row of `items`."""
    record = catalog.encoders.add("evaluated", "0" * 32, items.shape[1], "float32")
    root = catalog.roots.add(b"/evaluated")
    catalog.encoders.activate(record.id)
    for start in range(0, len(items), BATCH):
        keys = {row: row.to_bytes(32, "big") for row in range(start, min(start + BATCH, len(items)))}
        entries = [
            Entry(root.id, b"%d" % row, NEVER_SEEN, content=Content(key, 1, 1, "PNG", Facts()))
            for row, key in keys.items()
        ]
        catalog.changes.commit(entries, {key: items[row] for row, key in keys.items()}, record.id)
    photos = catalog.selection.photos([int(vector_id) for vector_id in catalog.vectors.ids(record.id)])
    return record, {vector_id: int(first.path.rsplit(b"/", 1)[-1]) for vector_id, (first, *_) in photos.items()}
