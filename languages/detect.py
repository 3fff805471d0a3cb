"""Language detection among the nine languages. The result is shown to the user; no search depends on it.

The script of the text decides if only one language uses it. Between languages of one script, the vocabulary decides.
If that leaves several, py3langid decides; it is loaded only then, because that takes about a second. A text with no
word of the vocabulary, whose letters stand as in no language (`asdfgh`, `qwerty`, `IMG_7003.jpg`), names none.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

from . import tokens
from .fold import fold
from .stop_words import stop_words
from .vocabulary import vocabulary

LATIN = ("en", "es", "fr", "it")
HAN = ("zh", "ja")

MIN_PROBABILITY = 0.5
"""A guess between the Latin-script languages with a lower probability is replaced by English."""

PLAUSIBLE = {"LATIN": 0.5, "CYRILLIC": 0.4}
"""Script -> share of a text's groups of three letters that the vocabulary has, above which it is no nonsense. Of 380
words of captions in each language 1 % have less; of random letters 87 %. Cyrillic words are of one language only."""

KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "йцукенгшщзхъ")
"""Letters that stand side by side are typed to fill a box (`qwerty`): groups of them are no sign of a language."""

_DIGIT = re.compile(r"\d")
_SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "ARABIC": "ar", "CYRILLIC": "ru"}


def detect(text: str) -> str | None:
    """ISO 639-1 code of the most likely language of `text` among the nine; None if it has no letters or is nonsense.

    A text of Chinese characters only is Chinese, unless only the Japanese vocabulary has the word.
    """
    scripts = {unicodedata.name(character, "").partition(" ")[0] for character in text if character.isalpha()}
    for script, code in _SCRIPTS.items():
        if script in scripts:
            return None if script == "CYRILLIC" and _is_nonsense(text, script, (code,)) else code
    if "CJK" in scripts:
        return _best_languages(text, HAN)[0]
    if "LATIN" not in scripts:
        return None
    if _is_nonsense(text, "LATIN", LATIN):
        return None
    candidates = _best_languages(text, LATIN)
    return candidates[0] if len(candidates) == 1 else _guess(text, candidates)


def _best_languages(text: str, languages: tuple[str, ...]) -> list[str]:
    """The languages whose vocabulary has the most words of the text. Accents stay: they distinguish languages."""
    lowered = text.lower()
    parts = {lowered, *tokens.words(lowered)}
    votes = {code: len(parts & vocabulary()[code]) for code in languages}
    return [code for code in languages if votes[code] == max(votes.values())]


def _is_nonsense(text: str, script: str, languages: tuple[str, ...]) -> bool:
    """Whether no word of a text is in the vocabulary, and few groups of three of its letters are.

    Words with a digit (`DSC07003`) are of no language, so their letters do not count.
    """
    lowered = text.lower()
    words = tokens.words(lowered)
    if any({lowered, *words} & vocabulary()[code] for code in languages):
        return False
    groups = [group for word in words if not _DIGIT.search(word) for group in _groups(word)]
    known = _vocabulary_groups(languages)
    return sum(group in known and not _is_typed_along(group) for group in groups) <= PLAUSIBLE[script] * len(groups)


def _groups(word: str) -> list[str]:
    """Groups of three letters of a word, whose ends are spaces."""
    spaced = f" {fold(word)} "
    return [spaced[start : start + 3] for start in range(len(spaced) - 2)]


def _is_typed_along(group: str) -> bool:
    """Whether the letters stand side by side on a keyboard, from left to right."""
    return any(group in row for row in KEYBOARD_ROWS)


@functools.cache
def _vocabulary_groups(languages: tuple[str, ...]) -> frozenset[str]:
    phrases = {*stop_words(), *(phrase for code in languages for phrase in vocabulary()[code])}
    return frozenset(group for phrase in phrases for word in tokens.words(phrase) for group in _groups(word))


def _guess(text: str, candidates: list[str]) -> str:
    for code, probability in _identifier().rank(text):
        if code in candidates:
            return code if probability >= MIN_PROBABILITY or "en" not in candidates else "en"
    return candidates[0]


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LATIN))
    return identifier
