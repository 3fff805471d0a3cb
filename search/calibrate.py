"""From a score to a relevance that means the same for every query and language."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SMALLEST_SAMPLE = 8  # below this many pictures a spread says nothing

TRIMMED = 0.02
"""Share of a sample, its best, that is left out of the background: related pictures would widen its spread."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How an encoder's texts were measured: relevance 0.5 at `half` deviations above the background.

    The odds of relevance grow as the deviations to the power of `steepness`: logistic regression on their logarithm.
    """

    half: float
    steepness: float


TEXT_CURVES = {"lite": Curve(half=37.0, steepness=1.7)}
"""Encoders whose scores of texts are far from normal, by name; one curve for all languages (docs/relevance.md)."""


def relevance(scores: Floats, background: Floats, pictures: int, curve: Curve | None = None) -> Floats:
    """Relevance, 0 to 1, of pictures with these scores: shape of `scores`, never falling as they grow.

    `background` are the query's scores over a sample of the library of `pictures`. Shifting and stretching scores and
    background alike changes nothing, so queries and languages can be compared. A sample too small gives the scores,
    clipped. With a curve it is what was measured, else the chance that no unrelated picture would score as high.
    """
    if len(background) < SMALLEST_SAMPLE:
        return np.clip(scores, 0, 1).astype(np.float32)
    return _unlikely(scores, background, pictures) if curve is None else _measured(scores, background, curve)


def _measured(scores: Floats, background: Floats, curve: Curve) -> Floats:
    """Odds (z / half) ** steepness; z counts deviations above the mean of a background without its best."""
    kept = len(background) - max(1, round(TRIMMED * len(background)))
    deviations = np.maximum(_deviations(scores, np.partition(background, kept - 1)[:kept]), 1e-9)
    exponents = np.clip(curve.steepness * (math.log(curve.half) - np.log(deviations)), -50, 50)
    return np.asarray(1 / (1 + np.exp(exponents)), np.float32)


def _unlikely(scores: Floats, background: Floats, pictures: int) -> Floats:
    """Phi(z) ** pictures: the Sidak correction for picking the best of many, were unrelated scores normal.

    Related pictures are in the background and widen it: where much of a library fits a query, it errs on the low side.
    """
    tails = [0.5 * math.erfc(z / math.sqrt(2)) for z in _deviations(scores, background).tolist()]
    return np.array([math.exp(pictures * math.log1p(-min(tail, 1 - 1e-12))) for tail in tails], np.float32)


def _deviations(scores: Floats, background: Floats) -> npt.NDArray[np.float64]:
    spread = max(float(background.std(dtype=np.float64)), 1e-6)
    return (scores.astype(np.float64) - float(background.mean(dtype=np.float64))) / spread
