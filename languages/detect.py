"""Which of the nine languages a text is in: shown to the user, never required for a search.

The script decides where it can. Between languages of one script, words that only one of them uses decide;
what is left goes to py3langid, which is loaded for that alone (about a second, once a process).
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from . import tokens
from .vocabulary import vocabulary

LATIN = ("en", "es", "fr", "it")
HAN = ("zh", "ja")

SURE = 0.5
"""Below this probability a guess between the Latin-script languages is not worth more than "English"."""

_SCRIPTS = {"HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "ARABIC": "ar", "CYRILLIC": "ru"}


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language among the nine that `text` is most likely in; None if it has no letters.

    Chinese characters alone are taken for Chinese unless only Japanese has the word.
    """
    scripts = {unicodedata.name(character, "").partition(" ")[0] for character in text if character.isalpha()}
    for script, code in _SCRIPTS.items():
        if script in scripts:
            return code
    if "CJK" in scripts:
        return _leaders(text, HAN)[0]
    if "LATIN" not in scripts:
        return None
    leaders = _leaders(text, LATIN)
    return leaders[0] if len(leaders) == 1 else _guess(text, leaders)


def _leaders(text: str, languages: tuple[str, ...]) -> list[str]:
    """The languages whose vocabulary has the most of the text's words, which keep their accents: some tell."""
    lowered = text.lower()
    parts = {lowered, *tokens.words(lowered)}
    votes = {code: len(parts & vocabulary()[code]) for code in languages}
    return [code for code in languages if votes[code] == max(votes.values())]


def _guess(text: str, among: list[str]) -> str:
    for code, probability in _identifier().rank(text):
        if code in among:
            return code if probability >= SURE or "en" not in among else "en"
    return among[0]


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LATIN))
    return identifier
