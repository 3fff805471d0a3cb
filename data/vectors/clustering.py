"""Making an index in clusters from a library's vectors: find the clusters, fill them, measure how many to read.

Spherical k-means finds the clusters (Lloyd's algorithm, after Dhillon and Modha 2001). It is written here, in steps of
about a second, because FAISS's own cannot be stopped. The number of clusters that a search reads is measured against
exact answers, with queries of two kinds: pictures of the library, and points halfway between two of them. Those points
lie farther from all clusters than pictures do, as far as texts do; sums of queries are such points.
"""

from __future__ import annotations

import math
from collections import Counter
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

    `sample` are some of the vectors, padded and evenly spread; `count` is about how many vectors there will be; the
    ids of the batches ascend. Raises Stopped as soon as `should_stop` is true.
    """
    sample = _distinct(sample)
    index = empty(kmeans(sample, min(clusters_for(count), len(sample)), should_stop), sample)
    truth = Truth.for_queries(_queries(sample, np.random.default_rng(0)))
    ids, seals, marks = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for batch in batches:
        _check_stop(should_stop)
        vectors = padded(batch.vectors)
        index.add_with_ids(vectors, batch.ids)
        ids.append(batch.ids)
        seals.append(batch.seals)
        marks.append(_marks(vectors))
        truth.add(marks[-1], vectors)
    all_ids = np.concatenate(ids)
    return Clustered(index, tuned(index, truth, all_ids, np.concatenate(marks))), all_ids, np.concatenate(seals)


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
        sums = _sums(sample, nearest, clusters)
        filled = np.unique(nearest)
        # A cluster that lost all of its vectors begins anew at one of the sample.
        centres = sample[draw.choice(len(sample), clusters, replace=False)]
        centres[filled] = sums[filled] / np.maximum(np.linalg.norm(sums[filled], axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(centres, np.float32)


def _sums(vectors: Floats, nearest: Ids, clusters: int) -> Floats:
    """The sum of the vectors of each cluster, shape (clusters, dimension). Copies STEP vectors at a time, not all."""
    sums = np.zeros((clusters, vectors.shape[1]), np.float32)
    order = np.argsort(nearest, kind="stable")
    for start in range(0, len(order), STEP):
        rows = order[start : start + STEP]
        filled, starts = np.unique(nearest[rows], return_index=True)
        sums[filled] += np.add.reduceat(vectors[rows], starts, axis=0)
    return sums


def _marks(vectors: Floats) -> Marks:
    """A number for each vector, shape (n,): equal vectors have equal ones, and others hardly ever do."""
    factors = np.random.default_rng(0).integers(0, 2**64, vectors.shape[1], np.uint64, endpoint=False) | np.uint64(1)
    marks = np.empty(len(vectors), np.uint64)
    for start in range(0, len(vectors), STEP):
        bits = np.ascontiguousarray(vectors[start : start + STEP]).view(np.uint32)
        marks[start : start + STEP] = (bits * factors).sum(axis=1)  # modulo 2 ** 64
    return marks


def _distinct(vectors: Floats) -> Floats:
    """The vectors without repetitions: one picture in many files must not make many clusters of one vector."""
    first = np.unique(_marks(vectors), return_index=True)[1]
    return vectors if len(first) == len(vectors) else vectors[np.sort(first)]


def _nearest(vectors: Floats, centres: Floats, should_stop: ShouldStop) -> Ids:
    flat = faiss.IndexFlatIP(centres.shape[1])
    flat.add(np.ascontiguousarray(centres))
    searched = on_gpu(flat)
    batches = []
    for start in range(0, len(vectors), STEP):
        _check_stop(should_stop)
        batches.append(searched.search(vectors[start : start + STEP], 1)[1][:, 0])
    return np.concatenate(batches)


def _queries(sample: Floats, draw: np.random.Generator) -> Floats:
    """Pictures, and points halfway between two: shape (2 * QUERIES, dimension)."""
    first, second, third = (sample[draw.integers(len(sample), size=QUERIES)] for _ in range(3))
    between = first + second
    return np.concatenate([third, between / np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)])


@dataclass
class Truth:
    """The exact first DEPTH of some queries, as vectors come by. They are known by their marks: equal ones are one."""

    queries: Floats
    scores: Floats
    marks: Marks

    @classmethod
    def for_queries(cls, queries: Floats) -> Truth:
        """The truth over no vector yet."""
        shape = (len(queries), DEPTH)
        return cls(queries, np.full(shape, -2, np.float32), np.zeros(shape, np.uint64))

    def add(self, marks: Marks, vectors: Floats) -> None:
        """Take further vectors into account."""
        scores = np.concatenate([self.scores, self.queries @ vectors.T], axis=1)
        known = np.concatenate([self.marks, np.broadcast_to(marks, (len(self.queries), len(marks)))], axis=1)
        best = np.argpartition(-scores, DEPTH - 1, axis=1)[:, :DEPTH]
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.marks = np.take_along_axis(known, best, axis=1)


def tuned(index: Any, truth: Truth, ids: Ids, marks: Marks) -> Tuning:
    """The fewest clusters to look at for a recall of RECALL for either kind of query, and the lower of both recalls.

    `ids` (ascending) and `marks` are those of the vectors in the index, shape (n,).
    """
    clusters, probes = int(index.nlist), 1
    while (recall := _recall(index, truth, ids, marks, probes)) < RECALL + MARGIN and probes < clusters:
        probes = min(clusters, probes + max(1, probes // 3))
    return Tuning(probes, int(index.ntotal), recall)


def _recall(index: Any, truth: Truth, ids: Ids, marks: Marks, probes: int) -> float:
    """Share of the exact first DEPTH that is among the first CANDIDATES, of the kind of query that fares worse.

    Of several equal vectors any will do: which of them come first is chance, and they have the same score.
    """
    parameters = faiss.SearchParametersIVF(nprobe=probes)
    depth = min(DEPTH, len(ids))
    _, hit_ids = index.search(truth.queries, min(CANDIDATES, len(ids)), params=parameters)
    hits = [
        (Counter(best[scores > -2].tolist()) & Counter(marks[np.searchsorted(ids, row[row >= 0])].tolist())).total()
        for best, scores, row in zip(truth.marks, truth.scores, hit_ids, strict=True)
    ]
    kinds = np.array(hits).reshape(2, QUERIES).mean(axis=1)
    return float(kinds.min() / depth)


def _check_stop(should_stop: ShouldStop) -> None:
    if should_stop():
        raise Stopped
