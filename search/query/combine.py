"""From weighted terms to one query vector, and to one expression for the full-text search."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...arrays import Floats
from ...data.catalog.name_query import NameQuery
from ...data.catalog.word_query import WordQuery
from ...errors import QueryError
from ...languages import tokens
from ...languages.stop_words import stop_words_in
from .parse import Term

CANCELLED = 1e-3
"""A sum of this length or less, relative to the weights, is a rounding error: the terms cancel out."""


def vector_of(
    terms: Sequence[Term], encode: Callable[[list[str]], Floats], picture: Callable[[Term], Floats]
) -> Floats:
    """The weighted sum of the terms' unit vectors, as a unit vector; `encode` gives those of texts.

    Raises QueryError if the terms cancel each other out, and what `encode` and `picture` raise.
    """
    texts = list(dict.fromkeys(term.value for term in terms if term.kind == "text"))
    encoded = dict(zip(texts, encode(texts), strict=True)) if texts else {}
    vectors = [encoded[term.value] if term.kind == "text" else picture(term) for term in terms]
    if len(terms) == 1:
        return vectors[0]
    weights = np.array([term.weight for term in terms], np.float64)
    total = weights @ np.stack(vectors).astype(np.float64)
    length = float(np.linalg.norm(total))
    if length < CANCELLED * float(np.abs(weights).sum()):
        error = QueryError("The parts of the query cancel each other out.", "Change their weights, or leave some out.")
        raise error.with_code("cancelled")
    return (total / length).astype(np.float32)


def words_of(terms: Sequence[Term]) -> WordQuery:
    """The query for photos with all words of a text that is added, and not all words of a text that is subtracted."""
    added, subtracted = (
        [term.value for term in terms if term.kind == "text" and sign * term.weight > 0] for sign in (1, -1)
    )
    return WordQuery.from_texts(added, subtracted, stop_words_in=stop_words_in)


def name_of(terms: Sequence[Term]) -> NameQuery | None:
    """The file's name or path that a query of one text may be."""
    return NameQuery.from_text(terms[0].value) if len(terms) == 1 and terms[0].kind == "text" else None


def units_of(terms: Sequence[Term]) -> list[list[str]]:
    """The tokens of the added texts, as the full-text search looks them up."""
    added = [term.value for term in terms if term.kind == "text" and term.weight > 0]
    return [unit for value in added for unit in tokens.units(value, stop_words_in(value))]
