"""Known words in a text of a language with spaces between words: the longest phrase first."""

from __future__ import annotations

from collections.abc import Iterator

from ...languages.stems import singulars
from .lexicon import Lexicon, Sense, merge, without_stop_words
from .parse import EXACT, INFLECTED, WITHOUT_ACCENTS, Parse

MAX_PHRASE = 5
"""Words of the longest phrase that is looked up."""

ARABIC_PREFIXES = ("وال", "بال", "فال", "كال", "لل", "ال", "و", "ب", "ل", "ف", "ك")
ARABIC_ARTICLE = "ال"
MIN_ARABIC = 3
"""Letters that an Arabic word must have without its prefix."""

KOREAN_PARTICLES = (
    *(
        "에서는",
        "들에게",
        "으로는",
        "들이",
        "들은",
        "들을",
        "들의",
        "들과",
        "에서",
        "에게",
        "으로",
        "까지",
        "부터",
        "처럼",
        "이랑",
    ),
    *("들", "이", "가", "은", "는", "을", "를", "의", "에", "로", "와", "과", "도", "만", "랑"),
)


def parse_spaced(words: list[str], language: str, lexicon: Lexicon) -> Parse:
    """`words`, in lower case with their accents, as `language` reads them."""
    telling = without_stop_words(words, language)
    letters = sum(map(len, telling))
    parse = Parse(language, letters=letters, worth=sum(map(len, words)) - letters)
    position = 0
    while position < len(telling):
        for count in range(min(MAX_PHRASE, len(telling) - position), 0, -1):
            phrase = telling[position : position + count]
            if known := _look_up(phrase, language, lexicon):
                sense, worth = known
                parse.add(sense, sum(map(len, phrase)), worth)
                position += count
                break
        else:
            parse.unknown.append(telling[position])
            position += 1
    return parse


def _look_up(phrase: list[str], language: str, lexicon: Lexicon) -> tuple[Sense, float] | None:
    """The sense of a phrase, and how much each of its letters is worth."""
    word = " ".join(phrase)
    plural = _find_singular(word, language, lexicon) if len(phrase) == 1 else None
    if exact := lexicon.find(language, word):
        # A plural may be listed for a narrow sense alone: "toys" for toy shops.
        is_side_name = all(weight < 1 for _, weight in exact)
        return (merge([exact, plural]) if plural and is_side_name else exact), EXACT
    if plural:
        return plural, EXACT
    if sense := lexicon.find_without_accents(language, word):
        return sense, WITHOUT_ACCENTS
    parts = _arabic_parts(phrase) if language == "ar" else _korean_parts(phrase) if language == "ko" else ()
    senses = (sense for part in parts if (sense := lexicon.find(language, part)))
    inflected = next(senses, None) or lexicon.find_inflected(language, phrase)
    return (inflected, INFLECTED) if inflected else None


def _find_singular(word: str, language: str, lexicon: Lexicon) -> Sense | None:
    for singular in singulars(word, language):
        if sense := lexicon.find(language, singular) or lexicon.find_without_accents(language, singular):
            return sense
    return None


def _arabic_parts(phrase: list[str]) -> Iterator[str]:
    """A phrase without the conjunction, preposition or article of its first word, and without all articles."""
    first, *others = phrase
    for prefix in ARABIC_PREFIXES:
        if first.startswith(prefix) and len(first) - len(prefix) >= MIN_ARABIC:
            yield " ".join([first.removeprefix(prefix), *others])
            yield " ".join([first.removeprefix(prefix), *(word.removeprefix(ARABIC_ARTICLE) for word in others)])


def _korean_parts(phrase: list[str]) -> Iterator[str]:
    """A phrase without its particle; then beginnings and ends of a single word, because compounds have no spaces."""
    *others, last = phrase
    for particle in KOREAN_PARTICLES:
        if last.endswith(particle) and last != particle:
            yield " ".join([*others, last.removesuffix(particle)])
    if not others:
        for length in range(len(last) - 1, 1, -1):
            yield last[:length]
            yield last[-length:]
