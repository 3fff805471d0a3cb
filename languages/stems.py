"""Inflected words: stems by Snowball's stemmers, for six of the languages, and the singulars of plurals.

Chinese and Japanese nouns have no endings; Korean particles are removed by the embedded encoder.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from Stemmer import Stemmer

from .fold import CONCEPTS, fold

SNOWBALL = {"en": "english", "es": "spanish", "fr": "french", "it": "italian", "ru": "russian", "ar": "arabic"}
PLURALS = {
    "en": (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("s", ""), ("es", "")),
    "es": (("ces", "z"), ("s", ""), ("es", "")),
    "fr": (("s", ""), ("x", ""), ("aux", "al")),
    "it": (("i", "o"), ("i", "e"), ("i", "io"), ("e", "a"), ("hi", "o"), ("he", "a")),
    "ru": (
        *(("ы", ""), ("ы", "а"), ("и", ""), ("и", "а"), ("и", "я"), ("и", "ь"), ("и", "й"), ("а", "о"), ("а", "")),
        *(("ов", ""), ("ов", "ы"), ("ам", ""), ("ами", ""), ("ах", ""), ("ом", ""), ("ек", "ка"), ("ок", "ка")),
    ),
    "ar": (("ات", "ه"), ("ات", "")),
}
"""Endings of plurals, in Russian of cases too, with those of their singulars.

A stem says less: pesci (fish) and pesca (peach) share one.
"""

MIN_LENGTH = 3
"""Shorter words are not inflected."""

_LEFT_ENDINGS = {"es": re.compile("(?<=..)(e?s|[aeo])$"), "it": re.compile("(?<=..)[aeio]$"), "fr": re.compile("x$")}
"""Endings that the stemmers leave as they are: of short words (osos, orsi), and the French x (feux)."""


def stems(word: str, language: str) -> tuple[str, ...]:
    """Folded stems of a lower-case word, the most likely first; none if the language has no stemmer.

    The stemmers depend on accents, which people leave out: the word is stemmed with its accents and without them.
    """
    if language not in SNOWBALL or len(word) < MIN_LENGTH:
        return ()
    forms = (word.replace("ё", "е"), fold(word, CONCEPTS))
    likely = [fold(_stem(form, language), CONCEPTS) for form in forms]
    if endings := _LEFT_ENDINGS.get(language):
        likely.append(endings.sub("", forms[1]))
    return tuple(dict.fromkeys(likely))


def singulars(word: str, language: str) -> Iterator[str]:
    """Words whose plural a lower-case word may be: wolf and wolfe of wolves. Most of them do not exist."""
    for plural, singular in PLURALS.get(language, ()):
        if word.endswith(plural) and len(word) - len(plural) + len(singular) >= MIN_LENGTH:
            yield word.removesuffix(plural) + singular


@functools.lru_cache(maxsize=4096)
def _stem(word: str, language: str) -> str:
    return str(Stemmer(SNOWBALL[language]).stemWord(word))  # a stemmer stores the word, so threads must not share it
