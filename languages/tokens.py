"""Tokenisation: splits text of any of the nine languages into words, and into tokens for a full-text index.

Documents and queries are tokenised the same way. Words are folded. Chinese, Japanese and Korean, which have no spaces
between words, become overlapping pairs of characters, and the last character of a run by itself. A run of characters is
therefore found at any place: two or more as a phrase of pairs, one as a prefix. A name such as `IMG_2024BeachParty`
becomes its whole words and their parts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from .fold import fold, fold_marks

FORMULA = 1
"""Increase it, and write a migration that tokenises all photos again, when a change of the code changes tokens."""

_HAN = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana and their marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_RUN = re.compile(f"[{_HAN}]+|[{_HANGUL}]+|[^\\W_{_HAN}{_HANGUL}]+")
_JOINED = re.compile(f"[{_HAN}{_HANGUL}]")
_IDEOGRAPH = re.compile(f"[{_HAN}]")
_WORD = re.compile(r"[^\W_]+")

MAX_UNITS = 64
"""The number of a query's words that are searched; more would only take time."""


def words(text: str) -> list[str]:
    """Runs of letters and digits, as they are written; a Chinese or Japanese run may be several words."""
    return _WORD.findall(text)


def has_ideographs(word: str) -> bool:
    """Whether a word has Chinese characters or kana: their languages have no spaces between words."""
    return _IDEOGRAPH.search(word) is not None


def document_tokens(text: str) -> list[str]:
    """The tokens that the full-text index stores for a text, in order; a word's parts follow the word."""
    document: list[str] = []
    for run in _RUN.findall(fold_marks(text)):
        folded = fold(run)
        if _JOINED.match(folded):
            document += [*_pairs(folded), folded[-1:]]
        elif pieces := _RUN.findall(folded):
            parts = [fold(part) for part in _parts(run)]
            document += pieces + (parts if len(parts) > 1 else [])
    return document


def units(text: str, stop_words: Collection[str] = ()) -> list[list[str]]:
    """The units of a query: each is a phrase of tokens, or one character that begins a token.

    The `stop_words` (folded) are left out, unless there are no other words.
    """
    query_units: list[list[str]] = []
    for run in _RUN.findall(fold(text)):
        unit = (_pairs(run) or [run]) if _JOINED.match(run) else [run]
        if unit not in query_units:
            query_units.append(unit)
    without_stop_words = [unit for unit in query_units if not (len(unit) == 1 and unit[0] in stop_words)]
    return (without_stop_words or query_units)[:MAX_UNITS]


def has(document: list[str], unit: list[str]) -> bool:
    """Whether a document's tokens contain a unit, by the rules of the full-text index."""
    if is_prefix(unit):
        return any(token.startswith(unit[0]) for token in document)
    return any(document[start : start + len(unit)] == unit for start in range(len(document) - len(unit) + 1))


def is_prefix(unit: list[str]) -> bool:
    """Whether a unit is a single character of a script without spaces."""
    return len(unit) == 1 and len(unit[0]) == 1 and _JOINED.match(unit[0]) is not None


def _pairs(run: str) -> list[str]:
    return [run[start : start + 2] for start in range(len(run) - 1)]


def _parts(word: str) -> Iterator[str]:
    """`BeachParty2024` -> Beach, Party, 2024; `HDRPhoto` -> HDR, Photo."""
    start = 0
    for position in range(1, len(word)):
        previous, current, following = word[position - 1], word[position], word[position + 1 : position + 2]
        digit_boundary = previous.isdigit() != current.isdigit()
        case_boundary = current.isupper() and (previous.islower() or (previous.isupper() and following.islower()))
        if digit_boundary or case_boundary:
            yield word[start:position]
            start = position
    yield word[start:]
