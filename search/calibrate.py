"""From a score to a relevance that means the same for every query, language and encoder."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MAD_TO_SIGMA = 1.4826  # of a normal distribution: sigma = 1.4826 * median absolute deviation
SMALLEST_SAMPLE = 8  # below this many pictures a spread says nothing


def relevance(scores: Floats, background: Floats, pictures: int) -> Floats:
    """Probability, 0 to 1, that the best of `pictures` unrelated pictures would score lower: shape of `scores`.

    `background` are the query's scores over a sample of the library; their median and MAD describe the
    unrelated pictures (robust: the few related ones hardly move them), taken as normally distributed, so the
    value is Phi((score - median) / sigma) ** pictures, the Sidak correction for picking the best of many.
    """
    if len(background) < SMALLEST_SAMPLE:
        return np.clip(scores, 0, 1).astype(np.float32)
    middle = float(np.median(background))
    sigma = max(MAD_TO_SIGMA * float(np.median(np.abs(background - middle))), 1e-6)
    tail = [0.5 * math.erfc((float(score) - middle) / sigma / math.sqrt(2)) for score in scores]
    return np.array([math.exp(pictures * math.log1p(-min(p, 1 - 1e-12))) for p in tail], np.float32)
