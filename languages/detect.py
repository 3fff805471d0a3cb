"""Language detection among the nine languages. The result is shown to the user; no search depends on it.

The script of the text decides if only one language uses it. Between languages of one script, the vocabulary decides.
If that leaves several, py3langid decides; it is loaded only then, because that takes about a second.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from . import tokens
from .vocabulary import vocabulary

LATIN = ("en", "es", "fr", "it")
HAN = ("zh", "ja")

MIN_PROBABILITY = 0.5
"""A guess between the Latin-script languages with a lower probability is replaced by English."""

_SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "ARABIC": "ar", "CYRILLIC": "ru"}


def detect(text: str) -> str | None:
    """ISO 639-1 code of the most likely language of `text` among the nine; None if it has no letters.

    A text of Chinese characters only is Chinese, unless only the Japanese vocabulary has the word.
    """
    scripts = {unicodedata.name(character, "").partition(" ")[0] for character in text if character.isalpha()}
    for script, code in _SCRIPTS.items():
        if script in scripts:
            return code
    if "CJK" in scripts:
        return _best_languages(text, HAN)[0]
    if "LATIN" not in scripts:
        return None
    candidates = _best_languages(text, LATIN)
    return candidates[0] if len(candidates) == 1 else _guess(text, candidates)


def _best_languages(text: str, languages: tuple[str, ...]) -> list[str]:
    """The languages whose vocabulary has the most words of the text. Accents stay: they distinguish languages."""
    lowered = text.lower()
    parts = {lowered, *tokens.words(lowered)}
    votes = {code: len(parts & vocabulary()[code]) for code in languages}
    return [code for code in languages if votes[code] == max(votes.values())]


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
