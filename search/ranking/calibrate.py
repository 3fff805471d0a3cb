"""Calibration: from scores to relevances, which are comparable between queries and languages."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ...arrays import Floats
from ...encoders.base import Condition, Curve, Encoder, KnowsConditions, KnowsKinds, Margin

Verdict: TypeAlias = Literal["sure", "likely", "unlikely"]

RELEVANT = 0.5
"""Relevance from which a photo counts as relevant; docs/relevance.md says how often that is right."""

SURE = 0.8
"""Relevance from which a relevant photo counts as sure."""

SMALLEST_SAMPLE = 8
"""The least number of background scores from which a standard deviation is computed."""

TRIMMED_SHARE, TRIMMED_LEAST = 0.02, 5
"""Share of the best background scores that are left out, and their least number, because photos that match the query
would increase the variance. At most a quarter of the scores is left out."""

PRIOR_WEIGHT = 100
"""The weight, in photos, of an encoder's usual variance when it is averaged with the sample's."""

KIND_SHARE, KIND_STEEPNESS = 0.45, 3.0
"""A photo that has this share of the attainable score has relevance 0.5; the exponent on the odds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How the scores of one query become relevances."""

    curve: Curve | Margin | None = None
    """None if nothing was measured: unrelated scores are then taken to be normally distributed."""
    attainable: float | None = None
    """The score of a perfect picture of one kind of the thing asked for, if the encoder can tell. It goes first."""
    conditions: tuple[Condition, ...] = ()
    """What a right photo must show, each by itself. They go before all else; only `judge` knows them."""

    @property
    def needs_background(self) -> bool:
        """Whether a photo is judged by the query's scores over a sample of the library."""
        return self.attainable is None and not self.conditions


def text_rule(encoder: Encoder, text: str | None, vector: Floats, fitted: Margin | None = None) -> Rule:
    """The rule for a query of texts with this vector. `text` is None if it adds up several.

    `fitted` comes from captioned pictures and goes before what the encoder brings.
    """
    measured = fitted or encoder.card.text_curve
    if text is None:
        return Rule(measured)
    conditions = tuple(encoder.conditions(text)) if isinstance(encoder, KnowsConditions) else ()
    attainable = encoder.attainable(text, vector) if isinstance(encoder, KnowsKinds) else None
    return Rule(measured, attainable if attainable is not None and attainable > 0 else None, conditions)


def verdict(relevance: float, by_words: bool) -> Verdict:
    """What a relevance means; a photo that has the words of the query is sure."""
    if by_words or relevance >= SURE:
        return "sure"
    return "likely" if relevance >= RELEVANT else "unlikely"


ScoreAll: TypeAlias = Callable[[Floats], Floats]
"""The scores of the judged photos, (n,), for another vector than the query's."""


def judge(scores: Floats, background: Floats, pictures: int, rule: Rule, score_all: ScoreAll) -> Floats:
    """Relevances (n,), 0 to 1, of photos with these scores (n,): as a search judges them.

    If the rule has conditions, a photo's relevance is that of the condition that it fulfils least, and can fall as its
    score rises. Else see `relevance`.
    """
    if not rule.conditions:
        return relevance(scores, background, pictures, rule)
    least = np.ones(len(scores), np.float32)
    for condition in rule.conditions:
        least = np.minimum(least, _odds_relevance(score_all(condition.vector), condition.half, condition.steepness))
    return least


def relevance(scores: Floats, background: Floats, pictures: int, rule: Rule | None = None) -> Floats:
    """Relevances, 0 to 1, of photos with these scores. They have the shape of `scores` and never fall as scores rise.

    If the rule has an attainable score, a photo is judged by its share of it. Else it is judged by `background`, the
    query's scores over a sample of the library, which has `pictures` vectors. If the sample is too small, the result is
    the clipped score.
    """
    rule = rule or Rule()
    if rule.attainable is not None:
        return _kind_relevance(scores, rule.attainable)
    if len(background) < SMALLEST_SAMPLE:
        return np.clip(scores, 0, 1).astype(np.float32)
    if isinstance(rule.curve, Curve):
        return _curve_relevance(scores, background, rule.curve)
    if isinstance(rule.curve, Margin):
        return _margin_relevance(scores, background, rule.curve)
    return _normal_relevance(scores, background, pictures)


def _kind_relevance(scores: Floats, attainable: float) -> Floats:
    """Relevances with the odds (share / KIND_SHARE) ** KIND_STEEPNESS; the share is that of the attainable score."""
    return _odds_relevance(scores, KIND_SHARE * attainable, KIND_STEEPNESS)


def _odds_relevance(scores: Floats, half: float, steepness: float) -> Floats:
    ratios = np.maximum(scores.astype(np.float64) / half, 1e-9)
    return np.asarray(1 / (1 + (1 / ratios) ** steepness), np.float32)


def _margin_relevance(scores: Floats, background: Floats, margin: Margin) -> Floats:
    """Relevances with the odds of a `Margin`. A wide background, as a general word has, changes nothing."""
    logits = margin.slope * (scores.astype(np.float64) - float(np.median(background))) - margin.offset
    return np.asarray(1 / (1 + np.exp(np.clip(-logits, -500, 500))), np.float32)


def _curve_relevance(scores: Floats, background: Floats, curve: Curve) -> Floats:
    """Relevances with the odds (z / half) ** steepness; z is in deviations from the mean of the trimmed background."""
    trimmed = max(round(TRIMMED_SHARE * len(background)), min(TRIMMED_LEAST, len(background) // 4))
    kept = np.sort(background)[: len(background) - trimmed].astype(np.float64)
    variance = (len(kept) * kept.var() + PRIOR_WEIGHT * curve.spread**2) / (len(kept) + PRIOR_WEIGHT)
    deviations = np.maximum((scores.astype(np.float64) - kept.mean()) / math.sqrt(variance), 1e-9)
    return np.asarray(1 / (1 + np.exp(curve.steepness * (math.log(curve.half) - np.log(deviations)))), np.float32)


def _normal_relevance(scores: Floats, background: Floats, pictures: int) -> Floats:
    """Phi(z) ** pictures: the Sidak correction for the best of many, if unrelated scores are normally distributed.

    The distribution's middle is the median, its deviation that of the lower half: photos that match a general word,
    up to half of the library, change neither much.
    """
    scores64 = background.astype(np.float64)
    middle = float(np.median(scores64))
    deviation = max(float(np.sqrt(np.mean((scores64[scores64 <= middle] - middle) ** 2))), 1e-6)
    tails = [0.5 * math.erfc((float(score) - middle) / deviation / math.sqrt(2)) for score in scores]
    return np.array([math.exp(pictures * math.log1p(-min(tail, 1 - 1e-12))) for tail in tails], np.float32)
