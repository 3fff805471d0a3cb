"""Diagnostics beside recall: consistency across languages, hubness, and precision of the relevance cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..data.vectors.store import SAMPLE
from ..search.ranking import calibrate
from ..search.ranking.calibrate import Rule
from . import metrics
from .metrics import RelevantItems
from .retrieval import RetrievalResult

Indices: TypeAlias = npt.NDArray[np.int64]

DEPTH = 10
"""The k of overlap and k-occurrence."""

RELEVANCE_CUTS = (0.1, 0.5, 0.9)
"""Thresholds of relevance to measure."""

CUT_QUERIES = 2000
"""Number of queries a language for the relevance cut, an even sample."""


@dataclass(frozen=True)
class Hubness:
    """Of pictures (or texts) as results: skewness and maximum of their 10-occurrence, and the share without any."""

    skewness: float
    largest: int
    never: float


@dataclass(frozen=True)
class Consistency:
    """Mean overlap, 0 to 1, of the first ten results of a picture's captions in two languages.

    `languages` name the rows and columns of `pairs`; `mean` is the mean of all pairs. None if there is nothing to
    compare.
    """

    languages: tuple[str, ...]
    pairs: tuple[tuple[float | None, ...], ...]
    mean: float | None


@dataclass(frozen=True)
class Cut:
    """Search by text if only results of at least `relevance` are shown.

    `precision`: share of the shown results that are right (None if nothing is shown). It is a lower bound, because only
    the caption's own picture counts as right. `recall`: share of the right pictures that are shown. `shown`: results
    per query. `empty`: share of queries without a result.
    """

    relevance: float
    precision: float | None
    recall: float
    shown: float
    empty: float


def hubness(queries: Floats, items: Floats) -> Hubness:
    """How unevenly the items are distributed over the first ten places of the queries."""
    counts = metrics.occurrences(metrics.top(queries, items, DEPTH)[1], len(items))
    return Hubness(metrics.skewness(counts), int(counts.max()), float((counts == 0).mean()))


def consistency(result: RetrievalResult) -> Consistency:
    """Compare the first caption of each picture between two languages, over the pictures with captions in both."""
    first = {language: _first_captions(result, language) for language in result.languages}
    tops = {code: metrics.top(ranking.texts, result.images, DEPTH)[1] for code, ranking in result.languages.items()}
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
    texts: Floats,
    images: Floats,
    relevant: RelevantItems,
    cuts: Sequence[float] = RELEVANCE_CUTS,
    rules: Sequence[Rule] = (),
) -> list[Cut]:
    """Measure the relevance cut with the rule of each text. The background is an even sample of the pictures."""
    sampled = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), CUT_QUERIES)).astype(np.int64))
    sample = np.unique(np.linspace(0, len(images) - 1, min(len(images), SAMPLE)).astype(np.int64))
    totals = np.zeros((len(cuts), 4))  # shown results, right results among them, right pictures, queries without result
    for rows, scores in metrics.score_chunks(texts[sampled], images):
        for query, row in zip(sampled[rows], scores, strict=True):
            right = relevant.items[relevant.starts[query] : relevant.starts[query + 1]]
            rule = rules[query] if rules else Rule()
            relevances = calibrate.judge(row, row[sample], len(images), rule, images.__matmul__)
            for column, cut in enumerate(cuts):
                shown = np.count_nonzero(relevances >= cut)
                totals[column] += (shown, np.count_nonzero(relevances[right] >= cut), len(right), shown == 0)
    return [
        Cut(
            cut,
            float(hit / shown) if shown else None,
            float(hit / relevant_total),
            float(shown / len(sampled)),
            float(empty / len(sampled)),
        )
        for cut, (shown, hit, relevant_total, empty) in zip(cuts, totals, strict=True)
    ]


def _first_captions(result: RetrievalResult, language: str) -> Indices:
    """The number of each picture's first caption in the language: (pictures,); -1 if it has none."""
    first = np.full(len(result.images), -1, np.int64)
    owners = result.data.captions[language].owner_array
    first[owners[::-1]] = np.arange(len(owners))[::-1]
    return first
