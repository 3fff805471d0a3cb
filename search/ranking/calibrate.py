"""From a score to a relevance that means the same for every query and language."""

from __future__ import annotations

import math

import numpy as np

from ...arrays import Floats
from ...encoders.base import Curve

SMALLEST_SAMPLE = 8  # below this many pictures a spread says nothing

TRIMMED, TRIMMED_LEAST = 0.02, 5
"""Share and number of a sample's best that are left out of the background: related pictures would widen its spread.
At most a quarter is."""

PRIOR_WEIGHT = 100
"""Pictures that the usual spread of an encoder counts for, beside those of the sample: a few say little."""


def relevance(scores: Floats, background: Floats, pictures: int, curve: Curve | None = None) -> Floats:
    """Relevance, 0 to 1, of pictures with these scores: shape of `scores`, never falling as they grow.

    `background` holds the query's scores over a sample of the library of `pictures`. The result does not change when a
    constant is added to all scores; without a curve it does not change either when all scores are multiplied by one,
    and with a curve it changes little. So queries and languages can be compared. If the sample is too small, the result
    is the clipped score. With a curve the result follows it; without one it is the probability that no unrelated
    picture scores as high.
    """
    if len(background) < SMALLEST_SAMPLE:
        return np.clip(scores, 0, 1).astype(np.float32)
    return _unlikely(scores, background, pictures) if curve is None else _measured(scores, background, curve)


def _measured(scores: Floats, background: Floats, curve: Curve) -> Floats:
    """Odds (z / half) ** steepness; z counts deviations above the mean of a background without its best."""
    trimmed = max(round(TRIMMED * len(background)), min(TRIMMED_LEAST, len(background) // 4))
    kept = np.sort(background)[: len(background) - trimmed].astype(np.float64)
    variance = (len(kept) * kept.var() + PRIOR_WEIGHT * curve.spread**2) / (len(kept) + PRIOR_WEIGHT)
    deviations = np.maximum((scores.astype(np.float64) - kept.mean()) / math.sqrt(variance), 1e-9)
    return np.asarray(1 / (1 + np.exp(curve.steepness * (math.log(curve.half) - np.log(deviations)))), np.float32)


def _unlikely(scores: Floats, background: Floats, pictures: int) -> Floats:
    """Phi(z) ** pictures: the Sidak correction for picking the best of many, were unrelated scores normal.

    Related pictures are in the background and widen it: where much of a library fits a query, it errs on the low side.
    """
    mean = float(background.mean(dtype=np.float64))
    deviation = max(float(background.std(dtype=np.float64)), 1e-6)
    tails = [0.5 * math.erfc((float(score) - mean) / deviation / math.sqrt(2)) for score in scores]
    return np.array([math.exp(pictures * math.log1p(-min(tail, 1 - 1e-12))) for tail in tails], np.float32)
