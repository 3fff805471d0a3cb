"""Folding: one spelling for texts that differ only in case, accents, width, vowel marks or forms of letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_Letters: TypeAlias = dict[str, str | int | None]

_ARABIC: _Letters = {"ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": None}
_PERSIAN: _Letters = {"ی": "ي", "ې": "ي", "ک": "ك"}
_LATIN: _Letters = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}

_VOICING = "\u3099\u309a"  # marks that distinguish kana: か is not が
_BREVE = "\u0306"  # of й, which is not и
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}  # to hiragana


@dataclass(frozen=True, eq=False)
class Folding:
    """The rules in which the users of `fold` differ."""

    letters: Mapping[int, str | int | None]
    """Code point -> its replacement, before marks are removed."""
    joins_kana: bool
    """Whether katakana becomes hiragana."""
    keeps_accents: bool
    """Whether accents stay. Arabic vowel marks are removed anyway."""


FULL_TEXT = Folding(str.maketrans(_ARABIC | _PERSIAN | _LATIN), joins_kana=False, keeps_accents=False)
"""For full-text search: カメラ is not かめら.

The full-text index of every library contains tokens with this folding: see `tokens.FORMULA` before you change it.
"""

CONCEPTS = Folding(FULL_TEXT.letters, joins_kana=True, keeps_accents=False)
"""For the words of the embedded encoder, as people type them: ネコ is ねこ, camion is camión."""

ACCENTED = Folding(str.maketrans(_ARABIC | _PERSIAN), joins_kana=True, keeps_accents=True)
"""For words that differ only in accents: thé is not the, pañal (diaper) is not panal (honeycomb)."""


def fold(text: str, folding: Folding = FULL_TEXT) -> str:
    """The folded text. Folding it again does not change it."""
    plain = fold_marks(fold_marks(text, folding).casefold(), folding)
    return plain.translate(_KATAKANA) if folding.joins_kana else plain


def fold_marks(text: str, folding: Folding = FULL_TEXT) -> str:
    """The text without marks and variants of letters; case and kana are not changed."""
    if text.isascii():  # nothing to do: a query folds hundreds of English names
        return text
    decomposed = unicodedata.normalize("NFKD", text).translate(folding.letters)
    kept = []
    for position, character in enumerate(decomposed):
        is_short_i = character == _BREVE and decomposed[position - 1 : position] in {"и", "И"}
        is_kept_accent = folding.keeps_accents and not _ARABIC_MARKS.match(character)
        if unicodedata.category(character) != "Mn" or character in _VOICING or is_short_i or is_kept_accent:
            kept.append(character)
    return unicodedata.normalize("NFKC", "".join(kept))
