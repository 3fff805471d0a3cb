"""Which of the nine languages a text is in: shown to the user, never required for a search.

The script decides where it can. Between languages of one script, words that only one of them uses decide;
what is left goes to py3langid, which is loaded for that alone (about a second, once a process).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

from ..encoders.concepts import words_by_language

LATIN = ("en", "es", "fr", "it")
HAN = ("zh", "ja")

_WORD = re.compile(r"\w+")


def detect(text: str) -> str | None:
    """ISO 639-1 code of the language among the nine that `text` is most likely in; None if it has no letters."""
    scripts = {_script(character) for character in text if character.isalpha()}
    for script, code in (("HIRAGANA", "ja"), ("KATAKANA", "ja"), ("HANGUL", "ko"), ("ARABIC", "ar")):
        if script in scripts:
            return code
    if "CYRILLIC" in scripts:
        return "ru"
    if "CJK" in scripts:
        return _among(text, HAN)
    return _among(text, LATIN) if "LATIN" in scripts else None


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def _among(text: str, languages: tuple[str, ...]) -> str:
    lowered = text.lower()
    words = words_by_language()
    parts = {lowered, *_WORD.findall(lowered)}
    votes = {code: sum(part in words[code] for part in parts) for code in languages}
    best = max(votes.values())
    leaders = [code for code in languages if votes[code] == best]
    if best and len(leaders) == 1:
        return leaders[0]
    ranked: list[tuple[str, float]] = _identifier(languages).rank(text)
    return next((code for code, _ in ranked if code in leaders), leaders[0])


@functools.cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(languages))
    return identifier
