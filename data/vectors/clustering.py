"""Making an index in clusters from a library's vectors: find the clusters, fill them, measure how many to read.

Spherical k-means finds the clusters (Lloyd's algorithm, after Dhillon and Modha 2001). It is written here, in steps of
about a second, because FAISS's own cannot be stopped. The number of clusters that a search reads is measured against
exact answers, with queries of two kinds: pictures of the library, and points halfway between two of them. Those points
lie farther from all clusters than pictures do, as far as texts do; sums of queries are such points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...arrays import Floats, Ids
from ...errors import Stopped
from ..catalog.vectors import VectorBatch
from .clustered import Clustered
from .faiss_ import faiss, on_gpu, padded
from .snapshot import Tuning

Marks = npt.NDArray[np.uint64]
ShouldStop = Callable[[], bool]

ROUNDS = 8
SAMPLED = 32
"""Vectors per cluster in the sample for k-means."""

STEP = 8192  # vectors assigned between two checks of `should_stop`

QUERIES = 256  # of each kind
DEPTH = 10
RECALL = 0.99
MARGIN = 0.002
"""About the standard error of the measured recall."""

CANDIDATES = 32
"""How many of the best get exact scores: with 8 bits a component one of the first ten hardly ever falls behind them."""


def clusters_for(count: int) -> int:
    """How many clusters `count` vectors get: 4 sqrt(n), as FAISS's guide to choosing an index advises."""
    return max(1, round(4 * math.sqrt(count)))


def build(
    batches: Iterable[VectorBatch], sample: Floats, count: int, should_stop: ShouldStop = lambda: False
) -> tuple[Clustered, Ids, npt.NDArray[np.uint64]]:
    """An index of all `batches`, with the ids and seals of what is in it.

    `sample` are some of the vectors, evenly spread; `count` is about the number of vectors. Raises Stopped as soon as
    `should_stop` is true.
    """
    sample = padded(sample)
    index = empty(kmeans(sample, min(clusters_for(count), len(sample)), should_stop), sample)
    draw = np.random.default_rng(0)
    truth = Truth.for_queries(_queries(sample, draw))
    ids, seals = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for batch in batches:
        _check_stop(should_stop)
        vectors = padded(batch.vectors)
        index.add_with_ids(vectors, batch.ids)
        truth.add(batch.ids, vectors)
        ids.append(batch.ids)
        seals.append(batch.seals)
    return Clustered(index, tuned(index, truth)), np.concatenate(ids), np.concatenate(seals)


def empty(centres: Floats, sample: Floats) -> Any:
    """An index with these clusters and the range of values in `sample`, and nothing in it."""
    dimension = centres.shape[1]
    quantizer = faiss.IndexFlatIP(dimension)
    quantizer.add(centres)
    eight = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, len(centres), eight, faiss.METRIC_INNER_PRODUCT, False)
    index.train(sample)
    return index


def kmeans(sample: Floats, clusters: int, should_stop: ShouldStop = lambda: False) -> Floats:
    """Centres of clusters on the sphere, shape (clusters, dimension), of at least that many vectors."""
    draw = np.random.default_rng(0)
    centres = sample[draw.choice(len(sample), clusters, replace=False)]
    for _ in range(ROUNDS):
        nearest = _nearest(sample, centres, should_stop)
        order = np.argsort(nearest, kind="stable")
        filled, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        # A cluster that lost all of its vectors starts again at one of the sample.
        centres = sample[draw.choice(len(sample), clusters, replace=False)]
        centres[filled] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(centres, np.float32)


def _nearest(vectors: Floats, centres: Floats, should_stop: ShouldStop) -> Ids:
    flat = faiss.IndexFlatIP(centres.shape[1])
    flat.add(np.ascontiguousarray(centres))
    searched = on_gpu(flat)
    nearest = []
    for start in range(0, len(vectors), STEP):
        _check_stop(should_stop)
        nearest.append(searched.search(vectors[start : start + STEP], 1)[1][:, 0])
    return np.concatenate(nearest)


def _queries(sample: Floats, draw: np.random.Generator) -> Floats:
    """Pictures, and points halfway between two: shape (2 * QUERIES, dimension)."""
    first, second, third = (sample[draw.integers(len(sample), size=QUERIES)] for _ in range(3))
    between = first + second
    return np.concatenate([third, between / np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)])


@dataclass
class Truth:
    """The exact first DEPTH of some queries, over the vectors added so far."""

    queries: Floats
    scores: Floats
    ids: Ids

    @classmethod
    def for_queries(cls, queries: Floats) -> Truth:
        """The truth over no vector yet."""
        shape = (len(queries), DEPTH)
        return cls(queries, np.full(shape, -2, np.float32), np.full(shape, -1, np.int64))

    def add(self, ids: Ids, vectors: Floats) -> None:
        """Take further vectors into account."""
        scores = np.concatenate([self.scores, self.queries @ vectors.T], axis=1)
        known = np.concatenate([self.ids, np.broadcast_to(ids, (len(self.queries), len(ids)))], axis=1)
        best = np.argpartition(-scores, DEPTH - 1, axis=1)[:, :DEPTH]
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.ids = np.take_along_axis(known, best, axis=1)


def tuned(index: Any, truth: Truth) -> Tuning:
    """The fewest clusters to read for a recall of RECALL for either kind of query, and the lower of both recalls."""
    clusters, probes = int(index.nlist), 1
    while (recall := _recall(index, truth, probes)) < RECALL + MARGIN and probes < clusters:
        probes = min(clusters, probes + max(1, probes // 3))
    return Tuning(probes, int(index.ntotal), recall)


def _recall(index: Any, truth: Truth, probes: int) -> float:
    """Share of the exact first DEPTH that is among the first CANDIDATES: the lower one of the two kinds of query."""
    parameters = faiss.SearchParametersIVF(nprobe=probes)
    _, ids = index.search(truth.queries, min(CANDIDATES, int(index.ntotal)), params=parameters)
    hits = [len(np.intersect1d(exact[exact >= 0], row)) for exact, row in zip(truth.ids, ids, strict=True)]
    kinds = np.array(hits).reshape(2, QUERIES).mean(axis=1)
    return float(kinds.min() / min(DEPTH, index.ntotal))


def _check_stop(should_stop: ShouldStop) -> None:
    if should_stop():
        raise Stopped
