"""Fits the relevance of an encoder's texts to captioned pictures, and measures it on pictures that were left out.

The model is a logistic regression with one feature, the distance of a score from the median of its query's scores. The
feature rises with the score, so that relevance never contradicts the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..datasets.sets import RetrievalSet
from ..encoders.base import Margin
from ..errors import DataError
from ..search.ranking.calibrate import RELEVANT, Rule, judge
from .retrieval import LanguageResult, RetrievalResult

Booleans = npt.NDArray[np.bool_]

FEWEST_PICTURES = 16
"""The least number of pictures in each half."""

STEPS = 100
RIDGE = 1e-3
"""Weight of the squared slope, which keeps it finite if right and wrong scores do not overlap."""


@dataclass(frozen=True)
class Quality:
    """Precision (None if nothing is shown) and recall, 0 to 1, of the results that are called relevant."""

    precision: float | None
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if nothing is shown."""
        total = (self.precision or 0.0) + self.recall
        return 2 * (self.precision or 0.0) * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Fit:
    """A calibration fitted to one half of the pictures, and its quality on the other half."""

    margin: Margin
    before: Quality
    """The quality with the rules that the encoder has now."""
    after: Quality


def check(data: RetrievalSet) -> None:
    """Raise DataError if there are too few pictures."""
    if len(data.images) < 2 * FEWEST_PICTURES:
        raise DataError(f"{len(data.images)} pictures are too few.", f"Give at least {2 * FEWEST_PICTURES}.")


def fit(first: RetrievalResult, second: RetrievalResult) -> Fit:
    """Fit to the first half and measure on the second."""
    queries = [query for language in first.languages.values() for query in _queries(language, first.images)]
    features = np.concatenate([scores - np.median(scores) for scores, _, _ in queries])
    margin = fit_margin(features, np.concatenate([right for _, right, _ in queries]))
    tested = [query for language in second.languages.values() for query in _queries(language, second.images)]
    before = measure(tested, [rule for _, _, rule in tested], second.images)
    after = measure(tested, [replace(rule, curve=margin) for _, _, rule in tested], second.images)
    return Fit(margin, before, after)


def fit_margin(features: Floats, right: Booleans) -> Margin:
    """Logistic regression of `right` on one feature, by Newton's method. The slope is never negative."""
    scale = max(float(features.std(dtype=np.float64)), 1e-9)
    design = np.stack([features.astype(np.float64) / scale, np.ones(len(features))], axis=1)
    weights = np.array([0.0, np.log((right.sum() + 0.5) / ((~right).sum() + 0.5))])
    penalty = np.diag([RIDGE * len(features) ** 0.5, 0.0])
    for _ in range(STEPS):
        probabilities = 1 / (1 + np.exp(-np.clip(design @ weights, -50, 50)))
        gradient = design.T @ (right - probabilities) - penalty @ weights
        curvature = (design * (probabilities * (1 - probabilities))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        weights += step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return Margin(max(float(weights[0]) / scale, 0.0), -float(weights[1]))


def measure(queries: Sequence[tuple[Floats, Booleans, Rule]], rules: Sequence[Rule], images: Floats) -> Quality:
    """The quality of the relevance cut; the background of a query are its scores over all pictures."""
    shown, hits, total = 0, 0, 0
    for (scores, right, _), rule in zip(queries, rules, strict=True):
        is_shown = judge(scores, scores, len(scores), rule, images.__matmul__) >= RELEVANT
        shown += int(is_shown.sum())
        hits += int((is_shown & right).sum())
        total += int(right.sum())
    return Quality(hits / shown if shown else None, hits / total)


def _queries(language: LanguageResult, images: Floats) -> Iterator[tuple[Floats, Booleans, Rule]]:
    """Scores (pictures,), whether each picture is right, and the rule, of each text."""
    relevant = language.right_images
    for number, (text, rule) in enumerate(zip(language.texts, language.rules, strict=True)):
        right = np.zeros(len(images), dtype=bool)
        right[relevant.items[relevant.starts[number] : relevant.starts[number + 1]]] = True
        yield np.einsum("nd,d->n", images, text), right, rule
