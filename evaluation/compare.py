"""Two encoders on the same data, with bootstrap confidence intervals.

Pictures are drawn with replacement, each with all its captions in all languages, because captions of one picture are
hit or missed together. Both encoders see the same draws, so the difference is paired and its interval much narrower
than those of the two figures. Intervals are percentile intervals (Efron, Tibshirani 1993, chapter 13). What is searched
in stays whole.
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
"""The day AltCLIP's paper appeared; any fixed number gives the same intervals every time."""

CONFIDENCE = 0.95
DRAWS_AT_ONCE = 100

WAYS = ("text_to_image", "image_to_text")
MEASURES = (*((way, f"R@{cut}") for way in WAYS for cut in CUTS), ("", "MR"))
"""What is compared, in the order of the columns below."""


@dataclass(frozen=True)
class Interval:
    """A value in percent, or a difference in points, with the ends of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Compared:
    """One measure of both encoders and the second less the first; `differs` if its interval leaves zero out."""

    first: Interval
    second: Interval
    difference: Interval

    @property
    def differs(self) -> bool:
        """Whether the data tell the encoders apart by this measure."""
        return self.difference.low > 0 or self.difference.high < 0


Table: TypeAlias = dict[tuple[str, str], Compared]
"""By (way, R@k), and ("", "MR")."""


def compare(
    first: RetrievalResult, second: RetrievalResult, samples: int = SAMPLES, seed: int = SEED
) -> dict[str, Table]:
    """Language -> table, and "mean" over the languages. Raises DataError if the two did not see the same data."""
    if first.data.images != second.data.images or first.data.captions != second.data.captions:
        raise DataError(
            f"{first.encoder} and {second.encoder} could not read the same pictures.", "Leave out those that fail."
        )
    sums, counts = zip(*(_columns(result) for result in (first, second)), strict=True)
    values = _values(np.ones((1, len(sums[0]))), sums, counts[0])
    generator = np.random.default_rng(seed)
    drawn = np.concatenate(
        [
            _values(_draws(generator, len(sums[0]), min(DRAWS_AT_ONCE, samples - start)), sums, counts[0])
            for start in range(0, samples, DRAWS_AT_ONCE)
        ]
    )
    tables = {}
    for row, language in enumerate([*first.languages, "mean"]):
        tables[language] = {
            measure: _compared(values[0, :, row, column], drawn[:, :, row, column])
            for column, measure in enumerate(MEASURES)
        }
    return tables


def _columns(result: RetrievalResult) -> tuple[Doubles, Doubles]:
    """(hits, queries) of each picture: (pictures, languages, 6); a text counts for the picture it was written for."""
    images = len(result.images)
    hits = np.zeros((images, len(result.languages), len(WAYS) * len(CUTS)))
    queries = np.zeros_like(hits)
    for row, (language, found) in enumerate(result.languages.items()):
        owners = result.data.captions[language].owner_array
        for column, cut in enumerate(CUTS):
            hits[:, row, column] = np.bincount(owners, found.to_image.hits(cut), images)
            queries[:, row, column] = np.bincount(owners, minlength=images)
            hits[found.captioned, row, len(CUTS) + column] = found.to_text.hits(cut)
            queries[found.captioned, row, len(CUTS) + column] = 1
    return hits, queries


def _draws(generator: np.random.Generator, images: int, samples: int) -> Doubles:
    """How often each picture was drawn in each sample: (samples, pictures), rows sum to `images`."""
    picks = generator.integers(0, images, (samples, images))
    return np.stack([np.bincount(row, minlength=images) for row in picks]).astype(np.float64)


def _values(weights: Doubles, sums: tuple[Doubles, ...], counts: Doubles) -> Doubles:
    """Percent: (samples, encoders, languages + mean, 6 + MR). A language that a draw lacks does not count in it."""
    flat = (len(weights), *counts.shape[1:])
    asked = (weights @ counts.reshape(len(counts), -1)).reshape(flat)
    found = np.stack([(weights @ hits.reshape(len(hits), -1)).reshape(flat) for hits in sums], axis=1)
    asked = np.broadcast_to(asked[:, None], found.shape)
    recalls = 100 * np.divide(found, asked, out=np.full_like(found, np.nan), where=asked > 0)
    recalls = np.concatenate([recalls, np.nanmean(recalls, axis=2, keepdims=True)], axis=2)
    return np.asarray(np.concatenate([recalls, recalls.mean(axis=3, keepdims=True)], axis=3), np.float64)


def _compared(value: Doubles, drawn: Doubles) -> Compared:
    """From the two encoders' values (2,) and draws (samples, 2)."""
    first, second = (_interval(float(value[place]), drawn[:, place]) for place in (0, 1))
    return Compared(first, second, _interval(float(value[1] - value[0]), drawn[:, 1] - drawn[:, 0]))


def _interval(value: float, drawn: Doubles) -> Interval:
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    return Interval(value, float(low), float(high))
