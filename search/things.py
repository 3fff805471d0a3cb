"""Which things photos show, judged by the rule that gives the verdicts of a search for a thing's name."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Floats
from ..encoders.base import Encoder, KnowsKinds, KnowsThings, Margin
from .ranking import calibrate
from .ranking.calibrate import RELEVANT, Rule


@dataclass(frozen=True, slots=True)
class NamedThing:
    """A thing with the rule for a search for its name."""

    key: str
    rule: Rule


@dataclass(frozen=True)
class Recogniser:
    """Finds things in pictures by their vectors. Sizes: t things."""

    things: Sequence[NamedThing]
    vectors: Floats  # (t, dimension), of the names
    background: Floats
    """The names' scores over a sample of the library, (pictures, t)."""
    total: int
    """Number of vectors of the library."""

    def labels(self, pictures: Floats) -> Iterator[tuple[int, str, float]]:
        """(row, key, relevance) of every thing that is relevant in one of the `pictures` (n, dimension)."""
        scores = np.minimum(pictures @ self.vectors.T, 1)
        for column, thing in enumerate(self.things):
            rows, relevances = self._relevant(scores[:, column], column, thing.rule)
            for row, relevance in zip(rows.tolist(), relevances.tolist(), strict=True):
                yield row, thing.key, relevance

    def _relevant(self, scores: Floats, column: int, rule: Rule) -> tuple[np.ndarray, Floats]:
        """The rows with relevant scores, the best first, and their relevances, which never rise as scores fall."""
        order = np.argsort(-scores, kind="stable")

        def relevance(rows: np.ndarray) -> Floats:
            return calibrate.relevance(scores[rows], self.background[:, column], self.total, rule)

        count = bisect.bisect_left(
            range(len(order)), True, key=lambda place: bool(relevance(order[place : place + 1])[0] < RELEVANT)
        )
        return order[:count], relevance(order[:count])


def recogniser(
    encoder: Encoder,
    names: Sequence[tuple[str, str]],
    vectors: Floats,
    attainable: Floats,
    sample: Floats,
    total: int,
    calibration: Margin | None,
) -> Recogniser:
    """A recogniser of things by (key, name), given the names' vectors and attainable scores (NaN for none).

    An encoder that knows kinds leaves out the things whose kinds it does not know. For any other one, a library that is
    too small to judge by has no things.
    """
    rules = [Rule(calibration or encoder.card.text_curve, float(score) if score > 0 else None) for score in attainable]
    judged = [
        row
        for row, rule in enumerate(rules)
        if rule.attainable is not None
        or (not isinstance(encoder, KnowsKinds) and len(sample) >= calibrate.SMALLEST_SAMPLE)
    ]
    things = [NamedThing(names[row][0], rules[row]) for row in judged]
    return Recogniser(things, vectors[judged], sample @ vectors[judged].T, total)


def read_names(encoder: Encoder, texts: Sequence[str]) -> tuple[Floats, Floats] | None:
    """(vectors, attainable scores) of English names, if the encoder brings them."""
    return encoder.things(texts) if isinstance(encoder, KnowsThings) else None


def attainable(encoder: Encoder, texts: Sequence[str], vectors: Floats) -> Floats:
    """The attainable scores (n,) of texts with these vectors, NaN for none."""
    if not isinstance(encoder, KnowsKinds):
        return np.full(len(texts), np.nan, np.float32)
    scores = [encoder.attainable(text, vector) for text, vector in zip(texts, vectors, strict=True)]
    return np.array([np.nan if score is None else score for score in scores], np.float32)
