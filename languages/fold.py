"""One spelling for what people write in several: case, accents, full and half width, vowel marks, forms of letters."""

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

_VOICING = "\u3099\u309a"  # of kana: か is not が
_BREVE = "\u0306"
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}  # to hiragana


@dataclass(frozen=True, eq=False)
class Folding:
    """What is one letter and what is two, where the two users of `fold` differ."""

    letters: Mapping[int, str | int | None]
    """Code point -> what it is replaced by, before marks are left out."""
    keeps_short_i: bool
    """Whether й stays a letter of its own; else its breve is an accent like any other, and it becomes и."""
    joins_kana: bool
    """Whether katakana becomes hiragana."""


FULL_TEXT = Folding(str.maketrans(_ARABIC | _PERSIAN | _LATIN), keeps_short_i=True, joins_kana=False)
"""For words that must be found as they are written: мой is not мои, and カメラ is a word, its hiragana none.

The full-text index of every library holds tokens of this spelling: see `tokens.FORMULA` before changing it.
"""

CONCEPTS = Folding(str.maketrans(_ARABIC | _IOTA_SUBSCRIPT), keeps_short_i=False, joins_kana=True)
"""For words that must be recognised as things: ネコ is ねこ, and endings are cut off afterwards.

The embedded encoder's texts are read in this spelling, and its concept data are written in it: another one changes
its vectors, so its formula has to be raised and every library encoded again. It knows neither Persian nor Nordic words.
"""


def fold(text: str, folding: Folding = FULL_TEXT) -> str:
    """The text without what people leave out or vary when they type. Folding twice is folding once."""
    plain = fold_marks(fold_marks(text, folding).casefold(), folding)
    return plain.translate(_KATAKANA) if folding.joins_kana else plain


def fold_marks(text: str, folding: Folding = FULL_TEXT) -> str:
    """The text without marks and variants of letters; its case and kana stay."""
    apart = unicodedata.normalize("NFKD", text).translate(folding.letters)
    kept = []
    for position, character in enumerate(apart):
        is_short_i = folding.keeps_short_i and character == _BREVE and apart[position - 1 : position] in {"и", "И"}
        if unicodedata.category(character) != "Mn" or character in _VOICING or is_short_i:
            kept.append(character)
    return unicodedata.normalize("NFKC", "".join(kept))
