"""Calibration: from scores to relevances, which are comparable between queries and languages."""

from __future__ import annotations

import math

import numpy as np

from ...arrays import Floats
from ...encoders.base import Curve

SMALLEST_SAMPLE = 8
"""The least number of background scores from which a standard deviation is computed."""

TRIMMED_SHARE, TRIMMED_LEAST = 0.02, 5
"""Share of the best background scores that are left out, and their least number, because photos that match the query
would increase the variance. At most a quarter of the scores is left out."""

PRIOR_WEIGHT = 100
"""The weight, in photos, of an encoder's usual variance when it is averaged with the sample's."""


def relevance(scores: Floats, background: Floats, pictures: int, curve: Curve | None = None) -> Floats:
    """Relevances, 0 to 1, of photos with these scores. They have the shape of `scores` and never fall as scores rise.

    `background` holds the query's scores over a sample of the library, which has `pictures` vectors. With a curve the
    result follows the curve; without one it is the probability that no unrelated picture scores as high. The result
    does not change when a constant is added to all scores. When all scores are multiplied by a positive number, it does
    not change without a curve, and changes little with one. If the sample is too small, the result is the clipped
    score.
    """
    if len(background) < SMALLEST_SAMPLE:
        return np.clip(scores, 0, 1).astype(np.float32)
    if curve is None:
        return _normal_relevance(scores, background, pictures)
    return _curve_relevance(scores, background, curve)


def _curve_relevance(scores: Floats, background: Floats, curve: Curve) -> Floats:
    """Relevances with the odds (z / half) ** steepness; z is in deviations from the mean of the trimmed background."""
    trimmed = max(round(TRIMMED_SHARE * len(background)), min(TRIMMED_LEAST, len(background) // 4))
    kept = np.sort(background)[: len(background) - trimmed].astype(np.float64)
    variance = (len(kept) * kept.var() + PRIOR_WEIGHT * curve.spread**2) / (len(kept) + PRIOR_WEIGHT)
    deviations = np.maximum((scores.astype(np.float64) - kept.mean()) / math.sqrt(variance), 1e-9)
    return np.asarray(1 / (1 + np.exp(curve.steepness * (math.log(curve.half) - np.log(deviations)))), np.float32)


def _normal_relevance(scores: Floats, background: Floats, pictures: int) -> Floats:
    """Phi(z) ** pictures: the Sidak correction for the best of many, if unrelated scores are normally distributed.

    The background includes photos that match the query, which increase its deviation. If much of a library matches, the
    result is therefore too low.
    """
    mean = float(background.mean(dtype=np.float64))
    deviation = max(float(background.std(dtype=np.float64)), 1e-6)
    tails = [0.5 * math.erfc((float(score) - mean) / deviation / math.sqrt(2)) for score in scores]
    return np.array([math.exp(pictures * math.log1p(-min(tail, 1 - 1e-12))) for tail in tails], np.float32)
