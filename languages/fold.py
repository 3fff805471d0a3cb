"""Folding: one spelling for texts that differ only in case, accents, width, vowel marks or forms of letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_Letters: TypeAlias = dict[str, str | int | None]

_ARABIC: _Letters = {"ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": None}
_PERSIAN: _Letters = {"ی": "ي", "ې": "ي", "ک": "ك"}
_LATIN: _Letters = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
_IOTA_SUBSCRIPT: _Letters = {"\u0345": "ι"}  # of polytonic Greek

_VOICING = "\u3099\u309a"  # marks that distinguish kana: か is not が
_BREVE = "\u0306"
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}  # to hiragana


@dataclass(frozen=True, eq=False)
class Folding:
    """The rules in which the two users of `fold` differ."""

    letters: Mapping[int, str | int | None]
    """Code point -> its replacement, before marks are removed."""
    keeps_short_i: bool
    """Whether й stays a letter of its own. If not, its breve is removed as an accent, and it becomes и."""
    joins_kana: bool
    """Whether katakana becomes hiragana."""


FULL_TEXT = Folding(str.maketrans(_ARABIC | _PERSIAN | _LATIN), keeps_short_i=True, joins_kana=False)
"""For full-text search: мой is not мои, and カメラ is not かめら.

The full-text index of every library contains tokens with this folding: see `tokens.FORMULA` before you change it.
"""

CONCEPTS = Folding(str.maketrans(_ARABIC | _IOTA_SUBSCRIPT), keeps_short_i=False, joins_kana=True)
"""For the lexicon of the embedded encoder: ネコ is ねこ, and endings are removed afterwards.

The encoder folds its texts this way, and its concept data are folded this way. A change would change its vectors: then
increase the encoder's formula, and every library has to be encoded again. The lexicon has no Persian or Nordic words.
"""


def fold(text: str, folding: Folding = FULL_TEXT) -> str:
    """The folded text. Folding it again does not change it."""
    plain = fold_marks(fold_marks(text, folding).casefold(), folding)
    return plain.translate(_KATAKANA) if folding.joins_kana else plain


def fold_marks(text: str, folding: Folding = FULL_TEXT) -> str:
    """The text without marks and variants of letters; case and kana are not changed."""
    decomposed = unicodedata.normalize("NFKD", text).translate(folding.letters)
    kept = []
    for position, character in enumerate(decomposed):
        is_short_i = folding.keeps_short_i and character == _BREVE and decomposed[position - 1 : position] in {"и", "И"}
        if unicodedata.category(character) != "Mn" or character in _VOICING or is_short_i:
            kept.append(character)
    return unicodedata.normalize("NFKC", "".join(kept))
