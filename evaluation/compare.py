"""Comparison of two encoders on the same data, with bootstrap confidence intervals.

Pictures are drawn with replacement, each with all its captions in all languages, because the captions of one picture
are hit or missed together. Both encoders get the same draws. The difference is therefore paired, and its interval is
much narrower than those of the two figures. Intervals are percentile intervals (Efron, Tibshirani 1993, chapter 13).
The draws affect only the queries: all pictures and captions are searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .metrics import CUTS
from .retrieval import RetrievalResult

Doubles: TypeAlias = npt.NDArray[np.float64]

SAMPLES = 2000
SEED = 20221112
"""Fixed, so that the intervals are the same at every run (the day AltCLIP's paper appeared)."""

CONFIDENCE = 0.95
DRAWS_PER_CHUNK = 100

WAYS = ("text_to_image", "image_to_text")
MEASURES = (*((way, f"R@{cut}") for way in WAYS for cut in CUTS), ("", "MR"))
"""The compared measures (way, name), in the order of the columns below."""


@dataclass(frozen=True)
class Interval:
    """A value in percent, or a difference in points, with the ends of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MeasureComparison:
    """One measure of both encoders, and the second's value minus the first's."""

    first: Interval
    second: Interval
    difference: Interval

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference excludes zero."""
        return self.difference.low > 0 or self.difference.high < 0


Table: TypeAlias = dict[tuple[str, str], MeasureComparison]
"""(way, R@k), or ("", "MR") -> its comparison."""


def compare(
    first: RetrievalResult, second: RetrievalResult, samples: int = SAMPLES, seed: int = SEED
) -> dict[str, Table]:
    """Language -> table, and "mean" -> that of the mean over languages. Raises DataError if the data differ."""
    if first.data.images != second.data.images or first.data.captions != second.data.captions:
        raise DataError(
            f"{first.encoder} and {second.encoder} could not read the same pictures.", "Leave out those that fail."
        )
    hits, queries = zip(*(_count_hits(result) for result in (first, second)), strict=True)
    images = len(hits[0])
    values = _compute_measures(np.ones((1, images)), hits, queries[0])
    generator = np.random.default_rng(seed)
    chunks = (min(DRAWS_PER_CHUNK, samples - start) for start in range(0, samples, DRAWS_PER_CHUNK))
    sampled = np.concatenate(
        [_compute_measures(_draw_weights(generator, images, count), hits, queries[0]) for count in chunks]
    )
    tables = {}
    for row, language in enumerate([*first.languages, "mean"]):
        tables[language] = {
            measure: _compare_measure(values[0, :, row, column], sampled[:, :, row, column])
            for column, measure in enumerate(MEASURES)
        }
    return tables


def _count_hits(result: RetrievalResult) -> tuple[Doubles, Doubles]:
    """(hits, queries) of each picture, both (pictures, languages, 6). A text counts for the picture it describes."""
    images = len(result.images)
    hits = np.zeros((images, len(result.languages), len(WAYS) * len(CUTS)))
    queries = np.zeros_like(hits)
    for row, (language, ranking) in enumerate(result.languages.items()):
        owners = result.data.captions[language].owner_array
        for column, cut in enumerate(CUTS):
            hits[:, row, column] = np.bincount(owners, ranking.to_image.hits(cut), images)
            queries[:, row, column] = np.bincount(owners, minlength=images)
            hits[ranking.captioned, row, len(CUTS) + column] = ranking.to_text.hits(cut)
            queries[ranking.captioned, row, len(CUTS) + column] = 1
    return hits, queries


def _draw_weights(generator: np.random.Generator, images: int, samples: int) -> Doubles:
    """How often each picture was drawn in each sample: (samples, pictures); rows sum to `images`."""
    picks = generator.integers(0, images, (samples, images))
    return np.stack([np.bincount(row, minlength=images) for row in picks]).astype(np.float64)


def _compute_measures(weights: Doubles, hits: tuple[Doubles, ...], queries: Doubles) -> Doubles:
    """Percent: (samples, encoders, languages + mean, 6 + MR). A language without captions in a draw does not count."""
    query_sums = np.tensordot(weights, queries, axes=1)
    hit_sums = np.stack([np.tensordot(weights, encoder_hits, axes=1) for encoder_hits in hits], axis=1)
    query_sums = np.broadcast_to(query_sums[:, None], hit_sums.shape)
    recalls = 100 * np.divide(hit_sums, query_sums, out=np.full_like(hit_sums, np.nan), where=query_sums > 0)
    recalls = np.concatenate([recalls, np.nanmean(recalls, axis=2, keepdims=True)], axis=2)
    return np.asarray(np.concatenate([recalls, recalls.mean(axis=3, keepdims=True)], axis=3), np.float64)


def _compare_measure(value: Doubles, draws: Doubles) -> MeasureComparison:
    """Compare the two encoders' values (2,), with intervals from the values of the draws (samples, 2)."""
    first, second = (_make_interval(float(value[encoder]), draws[:, encoder]) for encoder in (0, 1))
    return MeasureComparison(first, second, _make_interval(float(value[1] - value[0]), draws[:, 1] - draws[:, 0]))


def _make_interval(value: float, draws: Doubles) -> Interval:
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(draws, [tail, 100 - tail])
    return Interval(value, float(low), float(high))
