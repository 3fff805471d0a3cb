"""More than recall: consistency across languages, hubness, and how precise the relevance cut is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..data.vectors.store import SAMPLE
from ..encoders.base import Curve
from ..search.ranking import calibrate
from . import metrics
from .metrics import Relevance
from .retrieval import RetrievalResult

Indices: TypeAlias = npt.NDArray[np.int64]

DEPTH = 10
"""Overlap and k-occurrence look at the first ten."""

RELEVANCE_CUTS = (0.1, 0.5, 0.9)
"""Relevances from which on a result might be shown."""

CUT_QUERIES = 2000
"""Queries a language that the cut is measured with, evenly spread."""


@dataclass(frozen=True)
class Hubness:
    """Of the pictures (or texts) as answers: skewness of their 10-occurrence, its largest, the share that has none."""

    skewness: float
    largest: int
    never: float


@dataclass(frozen=True)
class Consistency:
    """Mean overlap, 0 to 1, of the first ten for the same picture's caption in two languages.

    `languages` name the rows and columns of `pairs`; `mean` is that of all pairs; nothing to compare gives None.
    """

    languages: tuple[str, ...]
    pairs: tuple[tuple[float | None, ...], ...]
    mean: float | None


@dataclass(frozen=True)
class Cut:
    """Showing only results of at least `relevance`, text to picture.

    `precision`: share of the shown that are right (None if nothing is shown), a lower bound, since captions name one of
    perhaps several fitting pictures. `recall`: share of the right ones that are shown. `shown`: results a query.
    `empty`: share of queries that show nothing.
    """

    relevance: float
    precision: float | None
    recall: float
    shown: float
    empty: float


def hubness(queries: Floats, items: Floats) -> Hubness:
    """How unevenly the items share the first ten places of the queries."""
    counts = metrics.occurrences(metrics.top(queries, items, DEPTH)[1], len(items))
    return Hubness(metrics.skewness(counts), int(counts.max()), float((counts == 0).mean()))


def consistency(result: RetrievalResult) -> Consistency:
    """Compare the first caption of each picture between languages, over the pictures that have one in both."""
    first = {language: _first_captions(result, language) for language in result.languages}
    tops = {language: metrics.top(found.texts, result.images, DEPTH)[1] for language, found in result.languages.items()}
    codes = list(first)
    table: list[list[float | None]] = [[1.0 if left == right else None for left in codes] for right in codes]
    values = []
    for (row, left), (column, right) in combinations(enumerate(codes), 2):
        both = (first[left] >= 0) & (first[right] >= 0)
        if both.any():
            shared = metrics.overlap(tops[left][first[left][both]], tops[right][first[right][both]])
            table[row][column] = table[column][row] = float(shared.mean())
            values.append(float(shared.mean()))
    return Consistency(tuple(codes), tuple(map(tuple, table)), float(np.mean(values)) if values else None)


def relevance_cuts(
    texts: Floats, images: Floats, right: Relevance, cuts: Sequence[float] = RELEVANCE_CUTS, curve: Curve | None = None
) -> list[Cut]:
    """Measure the cut with the encoder's `curve`; the background is an even sample of the pictures."""
    chosen = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), CUT_QUERIES)).astype(np.int64))
    sample = np.unique(np.linspace(0, len(images) - 1, min(len(images), SAMPLE)).astype(np.int64))
    totals = np.zeros((len(cuts), 4))  # shown, right among them, right in all, queries without any
    for rows, scores in metrics.score_chunks(texts[chosen], images):
        for query, row in zip(chosen[rows], scores, strict=True):
            own = row[right.items[right.starts[query] : right.starts[query + 1]]]
            descending = np.sort(row)[::-1]
            for place, cut in enumerate(cuts):
                shown = _shown(descending, row[sample], len(images), cut, curve)
                least = descending[shown - 1] if shown else np.inf
                totals[place] += (shown, np.count_nonzero(own >= least), len(own), shown == 0)
    return [
        Cut(
            cut,
            float(hit / shown) if shown else None,
            float(hit / relevant),
            float(shown / len(chosen)),
            float(empty / len(chosen)),
        )
        for cut, (shown, hit, relevant, empty) in zip(cuts, totals, strict=True)
    ]


def _shown(descending: Floats, background: Floats, pictures: int, cut: float, curve: Curve | None) -> int:
    """How many of the scores, best first, reach the relevance: by bisection, since relevance grows with the score."""
    low, high = 0, len(descending)
    while low < high:
        middle = (low + high) // 2
        if calibrate.relevance(descending[middle : middle + 1], background, pictures, curve)[0] >= cut:
            low = middle + 1
        else:
            high = middle
    return low


def _first_captions(result: RetrievalResult, language: str) -> Indices:
    """The number of each picture's first caption in the language, -1 where it has none: (pictures,)."""
    first = np.full(len(result.images), -1, np.int64)
    owners = result.data.captions[language].owner_array
    first[owners[::-1]] = np.arange(len(owners))[::-1]
    return first
