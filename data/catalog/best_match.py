"""The order of photos that match words: BM25 as FTS5 computes it, for a database that has no such function.

score = sum over the phrases of idf * f * (K + 1) / (f + K * (1 - B + B * length / mean length)), with
idf = log((photos - hits + 0.5) / (hits + 0.5)), at least LEAST_IDF. f is the number of times that a photo has the
phrase, each weighted by its column. Source: https://www.sqlite.org/fts5.html#the_bm25_function and FTS5's code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .dialect import WEIGHTS
from .expression import AnyOf, Expression, Phrase, Without, phrases

K, B, LEAST_IDF = 1.2, 0.75, 1e-6

Document: TypeAlias = Mapping[str, Sequence[str]]
"""Column -> tokens of a photo."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """`hits` are the numbers of photos that have each phrase of an expression, in their order."""

    photos: int
    tokens: int
    hits: Sequence[int]


def score(expression: Expression, document: Document, statistics: Statistics) -> float:
    """How well a photo that matches does so; more is better."""
    length = sum(map(len, document.values()))
    share = 1 - B + B * length / (statistics.tokens / statistics.photos)
    total = 0.0
    for frequency, hits in zip(_frequencies(expression, document), statistics.hits, strict=True):
        rarity = math.log((statistics.photos - hits + 0.5) / (hits + 0.5)) if hits < statistics.photos + 0.5 else 0.0
        total += max(rarity, LEAST_IDF) * (frequency * (K + 1)) / (frequency + K * share)
    return total


def _frequencies(expression: Expression, document: Document) -> list[float]:
    """The weighted number of occurrences of each phrase; none of a part that does not match as a whole."""
    if isinstance(expression, Phrase):
        return [_frequency(expression, document)]
    if isinstance(expression, Without):
        return _frequencies(expression.included, document) + [0.0] * len(phrases(expression.excluded))
    each = [_frequencies(part, document) for part in expression.parts]
    if isinstance(expression, AnyOf) or all(map(any, each)):
        return [frequency for part in each for frequency in part]
    return [0.0] * sum(map(len, each))


def _frequency(phrase: Phrase, document: Document) -> float:
    columns = [phrase.column] if phrase.column else WEIGHTS
    return sum(WEIGHTS[column] * _count(phrase, document[column]) for column in columns)


def _count(phrase: Phrase, tokens: Sequence[str]) -> int:
    *first, last = phrase.tokens
    count = 0
    for end in range(len(first), len(tokens)):
        token = tokens[end]
        fits = token.startswith(last) if phrase.is_prefix else token == last
        count += fits and list(tokens[end - len(first) : end]) == first
    return count
