"""From a score to a relevance that means the same for every query, language and encoder."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SMALLEST_SAMPLE = 8  # below this many pictures a spread says nothing


def relevance(scores: Floats, background: Floats, pictures: int) -> Floats:
    """Probability, 0 to 1, that the best of `pictures` unrelated pictures would score lower: shape of `scores`.

    `background` are the query's scores over a sample of the library, taken as normally distributed, so the value is
    Phi((score - mean) / deviation) ** pictures, the Sidak correction for picking the best of many. The related pictures
    are among them and widen the deviation: where a large part of a library fits a query, it errs on the low side.
    (Median and quartiles instead, tried on lite, let through ten times as much: its scores have a heavy tail.)
    """
    if len(background) < SMALLEST_SAMPLE:
        return np.clip(scores, 0, 1).astype(np.float32)
    mean = float(background.mean(dtype=np.float64))
    deviation = max(float(background.std(dtype=np.float64)), 1e-6)
    tails = [0.5 * math.erfc((float(score) - mean) / deviation / math.sqrt(2)) for score in scores]
    return np.array([math.exp(pictures * math.log1p(-min(tail, 1 - 1e-12))) for tail in tails], np.float32)
