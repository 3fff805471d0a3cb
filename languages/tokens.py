"""Text of any of the nine languages as words, and as tokens that a full-text index can hold and match.

A text and a query become tokens the same way. Words are folded. Chinese, Japanese and Korean, whose words are not set
apart, become overlapping pairs of characters, and the last character of a run by itself. So a run of characters is
found wherever it stands: two or more as a phrase of pairs, one as a prefix. A name such as `IMG_2024BeachParty` gives
its whole words and their parts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from .fold import fold, fold_marks

FORMULA = 1
"""Raise it, and write a migration that makes the words again, when the same text becomes other tokens."""

_HAN = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana and their marks
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_RUN = re.compile(f"[{_HAN}]+|[{_HANGUL}]+|[^\\W_{_HAN}{_HANGUL}]+")
_JOINED = re.compile(f"[{_HAN}{_HANGUL}]")
_IDEOGRAPH = re.compile(f"[{_HAN}]")
_WORD = re.compile(r"[^\W_]+")

MOST_UNITS = 64
"""Words of a query that are looked for; more would only cost time."""


def words(text: str) -> list[str]:
    """Runs of letters and digits, as they are written; Chinese and Japanese runs may hold several words."""
    return _WORD.findall(text)


def has_ideographs(word: str) -> bool:
    """Whether a word has Chinese characters or kana, of languages that put no spaces between words."""
    return _IDEOGRAPH.search(word) is not None


def of_document(text: str) -> list[str]:
    """Tokens under which a text is found, in order; a word's parts follow the word."""
    found: list[str] = []
    for run in _RUN.findall(fold_marks(text)):
        folded = fold(run)
        if _JOINED.match(folded):
            found += [*_pairs(folded), folded[-1:]]
        elif pieces := _RUN.findall(folded):
            parts = [fold(part) for part in _parts(run)]
            found += pieces + (parts if len(parts) > 1 else [])
    return found


def units(text: str, stop_words: Collection[str] = ()) -> list[list[str]]:
    """What a query asks for: each unit is a phrase of tokens, or one character that begins a token.

    Without the `stop_words` (folded), unless there is nothing else.
    """
    found: list[list[str]] = []
    for run in _RUN.findall(fold(text)):
        unit = (_pairs(run) or [run]) if _JOINED.match(run) else [run]
        if unit not in found:
            found.append(unit)
    telling = [unit for unit in found if not (len(unit) == 1 and unit[0] in stop_words)]
    return (telling or found)[:MOST_UNITS]


def has(document: list[str], unit: list[str]) -> bool:
    """Whether a document's tokens have a unit, as a full-text index would say."""
    if is_prefix(unit):
        return any(token.startswith(unit[0]) for token in document)
    return any(document[at : at + len(unit)] == unit for at in range(len(document) - len(unit) + 1))


def is_prefix(unit: list[str]) -> bool:
    """Whether a unit is a single character of a script without spaces."""
    return len(unit) == 1 and len(unit[0]) == 1 and _JOINED.match(unit[0]) is not None


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _parts(word: str) -> Iterator[str]:
    """`BeachParty2024` -> Beach, Party, 2024; `HDRPhoto` -> HDR, Photo."""
    start = 0
    for at in range(1, len(word)):
        before, here, after = word[at - 1], word[at], word[at + 1 : at + 2]
        of_digits = before.isdigit() != here.isdigit()
        of_case = here.isupper() and (before.islower() or (before.isupper() and after.islower()))
        if of_digits or of_case:
            yield word[start:at]
            start = at
    yield word[start:]
