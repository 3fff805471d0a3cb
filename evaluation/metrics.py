"""Retrieval and classification metrics: pure functions of vectors, computed in chunks of bounded memory.

Ties. An item that scores within TIE of the right one counts as equal to it, and the metric is its expected value over
all orders of the equal items: a constant encoder scores at chance, not 0 or 100. AltCLIP's script and CLIP_benchmark
take whatever order `torch.topk` leaves equal scores in, which is neither specified nor the same for `argmax`: over
CIFAR-10's equally large classes acc1 and mean per-class recall are one number, yet AltCLIP publishes 0.95402 (topk) and
0.95412 (argmax, of half-precision scores).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..arrays import Floats

Doubles: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int64]

CUTS = (1, 5, 10)
"""The k of R@k."""

TIE = 1e-6
"""Cosines this close are equal: float32 sums differ by as much with the order of adding, float16 vectors by more."""

CHUNK_BYTES = 128 << 20
"""Bytes of scores held at once; comparing them takes about as much again."""

HEAPS = 512
"""Columns that `top` holds the maxima of; many times the number that is looked for."""


@dataclass(frozen=True)
class Relevance:
    """Which items are right for each query: those of query q are `items[starts[q] : starts[q + 1]]`, at least one."""

    starts: Indices
    items: Indices

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> Relevance:
        """From one list of items a query."""
        lengths = [len(items) for items in lists]
        if not all(lengths):
            raise ValueError(f"query {lengths.index(0)} has no relevant item")
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return cls(starts, np.array([item for items in lists for item in items], np.int64))

    @classmethod
    def single(cls, items: npt.ArrayLike) -> Relevance:
        """One right item a query."""
        found = np.asarray(items, np.int64)
        return cls(np.arange(len(found) + 1, dtype=np.int64), found)

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.starts) - 1


@dataclass(frozen=True)
class Standing:
    """Where each query's best relevant item stands; arrays (queries,).

    `above` items score higher, `tied` score the same, the item itself among them, and `right` of those are relevant.
    """

    above: Indices
    tied: Indices
    right: Indices
    items: int

    def hits(self, cut: int) -> Doubles:
        """Probability, 0 to 1, that a relevant item is among the first `cut`, equal scores in random order.

        With `free` places left for the tied items: 1 - C(tied - right, free) / C(tied, free).
        """
        free = np.clip(cut - self.above, 0, self.tied)
        missed = np.ones(len(free))
        for place in range(cut):
            left = np.maximum(self.tied - place, 1)
            wrong = np.maximum(self.tied - self.right - place, 0)
            missed *= np.where(place < free, wrong / left, 1.0)
        return 1.0 - missed

    def ranks(self) -> Doubles:
        """Expected rank, 1 the best, of the best relevant item: above + (tied + 1) / (right + 1)."""
        return self.above + (self.tied + 1) / (self.right + 1)


def standing(queries: Floats, items: Floats, relevant: Relevance, chunk_bytes: int = CHUNK_BYTES) -> Standing:
    """Where the relevant items of each query stand by cosine: `queries` (q, d), `items` (n, d), unit rows.

    Holds `chunk_bytes` of scores at a time.
    """
    above, tied, right = (np.empty(len(queries), np.int64) for _ in range(3))
    for rows, scores in score_chunks(queries, items, chunk_bytes):
        starts = relevant.starts[rows.start : rows.stop + 1]
        first = starts[:-1] - starts[0]
        places = relevant.items[starts[0] : starts[-1]]
        own = scores[np.repeat(np.arange(len(scores)), np.diff(starts)), places]
        best = np.maximum.reduceat(own, first)
        low = (best - TIE)[:, None]
        above[rows] = np.count_nonzero(scores > (best + TIE)[:, None], axis=1)
        tied[rows] = np.count_nonzero(scores >= low, axis=1) - above[rows]
        right[rows] = np.add.reduceat((own >= np.repeat(low[:, 0], np.diff(starts))).astype(np.int64), first)
    return Standing(above, tied, right, len(items))


def top(queries: Floats, items: Floats, count: int, chunk_bytes: int = CHUNK_BYTES) -> tuple[Floats, Indices]:
    """(scores, item numbers) of the `count` best items of each query: arrays (q, min(count, n)).

    Best first, of equal scores the lower number first.
    """
    count = min(count, len(items))
    best = np.empty((len(queries), count), np.float32)
    found = np.empty((len(queries), count), np.int64)
    for rows, scores in score_chunks(queries, items, chunk_bytes):
        found[rows] = _first(scores, count)
        best[rows] = np.take_along_axis(scores, found[rows], axis=1)
    return best, found


def _first(scores: Floats, count: int) -> Indices:
    """Numbers (rows, count) of the largest scores of each row: a sort, made short by a bound.

    The columns are dealt out to `heaps`; the count-th largest of the heaps' maxima is a bound that at least `count`
    scores reach and few others do. [M] Three to five times as fast as argpartition over 150,000 columns.
    """
    heaps = min(HEAPS, scores.shape[1] // 4)
    if heaps < 4 * count:
        return np.argsort(-scores, axis=1, kind="stable")[:, :count]
    maxima = scores[:, :heaps].copy()
    for start in range(heaps, scores.shape[1], heaps):
        part = scores[:, start : start + heaps]
        np.maximum(maxima[:, : part.shape[1]], part, out=maxima[:, : part.shape[1]])
    reached = scores >= np.partition(maxima, -count, axis=1)[:, -count, None]
    lengths = np.count_nonzero(reached, axis=1)
    if lengths.sum() > scores.size // 16:  # most scores are equal
        return np.argsort(-scores, axis=1, kind="stable")[:, :count]
    rows, columns = np.nonzero(reached)
    order = np.lexsort((columns, -scores[rows, columns], rows))
    starts = np.cumsum(lengths) - lengths
    return np.asarray(columns[order[starts[:, None] + np.arange(count)]], np.int64)


def score_chunks(queries: Floats, items: Floats, chunk_bytes: int = CHUNK_BYTES) -> Iterator[tuple[slice, Floats]]:
    """Yield (rows, cosines (rows, n)) over the queries, some rows at a time, in one buffer that is used again."""
    step = max(1, min(len(queries), chunk_bytes // (4 * max(1, len(items)))))
    buffer = np.empty((step, len(items)), np.float32)
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        yield rows, np.matmul(queries[rows], items.T, out=buffer[: rows.stop - rows.start])


def recalls(found: Standing) -> dict[str, float]:
    """`{"R@1", "R@5", "R@10"}` in percent, unrounded: the share of queries with a relevant item among the first k."""
    return {f"R@{cut}": 100 * float(found.hits(cut).mean()) for cut in CUTS}


def chance(relevant: Relevance, items: int) -> dict[str, float]:
    """What `recalls` is, on average, of scores that are drawn at random: percent."""
    counts = np.diff(relevant.starts)
    nothing = np.zeros(len(counts), np.int64)
    return recalls(Standing(nothing, np.full(len(counts), items), counts, items))


def accuracies(scores: Floats, labels: Indices, cuts: Sequence[int] = (1, 5)) -> list[float]:
    """Top-k accuracies, 0 to 1, of class scores (n, classes) with the right classes (n,); k above classes gives 1."""
    found = _class_standing(scores, labels)
    return [float(found.hits(min(cut, scores.shape[1])).mean()) for cut in cuts]


def mean_per_class_recall(scores: Floats, labels: Indices) -> float:
    """Mean over the classes of the share of their pictures that are put into them: scikit-learn's balanced accuracy."""
    hits = _class_standing(scores, labels).hits(1)
    classes = scores.shape[1]
    counts = np.bincount(labels, minlength=classes)
    return float((np.bincount(labels, hits, classes)[counts > 0] / counts[counts > 0]).mean())


def skewness(values: npt.ArrayLike) -> float:
    """Skewness m3 / m2 ** 1.5 (Fisher-Pearson, biased); 0 where all values are equal."""
    numbers = np.asarray(values, np.float64)
    deviations = numbers - numbers.mean()
    spread = float((deviations**2).mean())
    return float((deviations**3).mean() / spread**1.5) if spread > 0 else 0.0


def occurrences(found: Indices, items: int) -> Indices:
    """How often each item is among the first k of a query: (items,) from item numbers (q, k).

    The skewness of this N_k measures hubness (Radovanovic, Nanopoulos, Ivanovic, JMLR 11, 2010).
    """
    return np.bincount(found.ravel(), minlength=items).astype(np.int64)


def overlap(left: Indices, right: Indices) -> Doubles:
    """Share of item numbers that two lists of k have in common, row by row: (q, k), (q, k) -> (q,)."""
    merged = np.sort(np.concatenate([left, right], axis=1), axis=1)
    return np.asarray((merged[:, 1:] == merged[:, :-1]).sum(axis=1) / left.shape[1], np.float64)


def _class_standing(scores: Floats, labels: Indices) -> Standing:
    own = scores[np.arange(len(scores)), labels][:, None]
    above = np.count_nonzero(scores > own + TIE, axis=1)
    tied = np.count_nonzero(scores >= own - TIE, axis=1) - above
    return Standing(above, tied, np.ones(len(scores), np.int64), scores.shape[1])
