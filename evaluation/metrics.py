"""Retrieval and classification metrics: pure functions of vectors, computed in chunks of bounded memory.

Ties: an item that scores within TIE of the right one counts as equal to it, and the metric is the expected value over
all orders of the equal items. A constant encoder thus gets the figures of chance, not 0 or 100. AltCLIP's script and
CLIP_benchmark use the order that `torch.topk` gives equal scores. It is unspecified and differs from that of `argmax`:
CIFAR-10's classes are equally large, so that acc1 and mean per-class recall are equal by definition, but AltCLIP
publishes 0.95402 (topk) and 0.95412 (argmax, half-precision scores).
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
"""Cosines that differ by no more are equal: the order of summation changes float32 sums as much, float16 ones more."""

CHUNK_BYTES = 128 << 20
"""Bytes of scores in memory at once; comparing them needs about as much again."""

HEAPS = 512
"""Number of groups of columns in `top`: many times the usual `count`."""


@dataclass(frozen=True)
class RelevantItems:
    """The right items of each query: those of query q are `items[starts[q] : starts[q + 1]]`, at least one."""

    starts: Indices
    items: Indices

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]]) -> RelevantItems:
        """From a list of items for each query. Raises ValueError if a list is empty."""
        lengths = [len(items) for items in lists]
        if not all(lengths):
            raise ValueError(f"query {lengths.index(0)} has no relevant item")
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return cls(starts, np.array([item for items in lists for item in items], np.int64))

    @classmethod
    def from_items(cls, items: npt.ArrayLike) -> RelevantItems:
        """From one right item for each query."""
        numbers = np.asarray(items, np.int64)
        return cls(np.arange(len(numbers) + 1, dtype=np.int64), numbers)

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.starts) - 1


@dataclass(frozen=True)
class Standing:
    """The rank of each query's best relevant item, with ties; arrays (queries,).

    `above` items score higher; `tied` items, the item itself included, score the same; `right` of these are relevant.
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
            remaining = np.maximum(self.tied - place, 1)
            wrong = np.maximum(self.tied - self.right - place, 0)
            missed *= np.where(place < free, wrong / remaining, 1.0)
        return 1.0 - missed

    def ranks(self) -> Doubles:
        """Expected rank, from 1, of the best relevant item: above + (tied + 1) / (right + 1)."""
        return self.above + (self.tied + 1) / (self.right + 1)


def standing(queries: Floats, items: Floats, relevant: RelevantItems, chunk_bytes: int = CHUNK_BYTES) -> Standing:
    """Rank the relevant items of each query by cosine: `queries` (q, d), `items` (n, d), unit rows.

    Needs `chunk_bytes` of memory for scores.
    """
    above, tied, right = (np.empty(len(queries), np.int64) for _ in range(3))
    for rows, scores in score_chunks(queries, items, chunk_bytes):
        starts = relevant.starts[rows.start : rows.stop + 1]
        first = starts[:-1] - starts[0]
        columns = relevant.items[starts[0] : starts[-1]]
        relevant_scores = scores[np.repeat(np.arange(len(scores)), np.diff(starts)), columns]
        best = np.maximum.reduceat(relevant_scores, first)
        low = (best - TIE)[:, None]
        above[rows] = np.count_nonzero(scores > (best + TIE)[:, None], axis=1)
        tied[rows] = np.count_nonzero(scores >= low, axis=1) - above[rows]
        right[rows] = np.add.reduceat(
            (relevant_scores >= np.repeat(low[:, 0], np.diff(starts))).astype(np.int64), first
        )
    return Standing(above, tied, right, len(items))


def top(queries: Floats, items: Floats, count: int, chunk_bytes: int = CHUNK_BYTES) -> tuple[Floats, Indices]:
    """(scores, item numbers) of the `count` best items of each query: arrays (q, min(count, n)).

    Best first; of equal scores the lower number comes first.
    """
    count = min(count, len(items))
    best = np.empty((len(queries), count), np.float32)
    numbers = np.empty((len(queries), count), np.int64)
    for rows, scores in score_chunks(queries, items, chunk_bytes):
        numbers[rows] = _first_columns(scores, count)
        best[rows] = np.take_along_axis(scores, numbers[rows], axis=1)
    return best, numbers


def _first_columns(scores: Floats, count: int) -> Indices:
    """Numbers (rows, count) of the columns with each row's largest scores, in order.

    Only scores above a bound are sorted. The columns are dealt out to `heaps`; the count-th largest of the heaps'
    maxima is a bound that at least `count` scores reach and few others do. Over 150,000 columns this was measured to
    be three to five times as fast as argpartition.
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
    """Yield (rows, cosines (rows, n)) for some queries at a time. All chunks share one buffer."""
    step = max(1, min(len(queries), chunk_bytes // (4 * max(1, len(items)))))
    buffer = np.empty((step, len(items)), np.float32)
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        yield rows, np.matmul(queries[rows], items.T, out=buffer[: rows.stop - rows.start])


def recalls(standing: Standing) -> dict[str, float]:
    """`{"R@1", "R@5", "R@10"}` in percent, unrounded: the share of queries with a relevant item among the first k."""
    return {f"R@{cut}": 100 * float(standing.hits(cut).mean()) for cut in CUTS}


def chance(relevant: RelevantItems, items: int) -> dict[str, float]:
    """The mean of `recalls` for random scores, in percent."""
    counts = np.diff(relevant.starts)
    nothing = np.zeros(len(counts), np.int64)
    return recalls(Standing(nothing, np.full(len(counts), items), counts, items))


def accuracies(scores: Floats, labels: Indices, cuts: Sequence[int] = (1, 5)) -> list[float]:
    """Top-k accuracies, 0 to 1, of class scores (n, classes) for the right classes (n,); 1 if k exceeds the classes."""
    standing = _class_standing(scores, labels)
    return [float(standing.hits(min(cut, scores.shape[1])).mean()) for cut in cuts]


def mean_per_class_recall(scores: Floats, labels: Indices) -> float:
    """Mean over the classes of the share of their pictures that are classified right (balanced accuracy)."""
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


def occurrences(numbers: Indices, items: int) -> Indices:
    """How often each item is among the first k results: (items,) from item numbers (q, k).

    The skewness of this N_k measures hubness (Radovanovic, Nanopoulos, Ivanovic, JMLR 11, 2010).
    """
    return np.bincount(numbers.ravel(), minlength=items).astype(np.int64)


def overlap(left: Indices, right: Indices) -> Doubles:
    """Share of common item numbers, row by row: (q, k), (q, k) -> (q,)."""
    merged = np.sort(np.concatenate([left, right], axis=1), axis=1)
    return np.asarray((merged[:, 1:] == merged[:, :-1]).sum(axis=1) / left.shape[1], np.float64)


def _class_standing(scores: Floats, labels: Indices) -> Standing:
    right_scores = scores[np.arange(len(scores)), labels][:, None]
    above = np.count_nonzero(scores > right_scores + TIE, axis=1)
    tied = np.count_nonzero(scores >= right_scores - TIE, axis=1) - above
    return Standing(above, tied, np.ones(len(scores), np.int64), scores.shape[1])
