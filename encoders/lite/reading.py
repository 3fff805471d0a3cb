"""Finds the known words of a text, in the language that knows most of it.

The script of a word leaves one language, or a few: the one counts that knows most letters, with its stop words. If
several know equally many, each has an equal share. Words that the text's language does not have count in others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...languages import tokens
from ...languages.fold import ACCENTED, fold
from .joined import has_kana, parse_joined
from .lexicon import Lexicon
from .parse import Hit, Parse, Reading
from .spaced import parse_spaced

LATIN = ("en", "es", "fr", "it")
HAN = ("zh", "ja")
SCRIPTS = (("ru", "[\u0400-\u04ff]"), ("ko", "[\uac00-\ud7a3]"), ("ar", "[\u0600-\u06ff]"))
KATAKANA_DOT = "・"
"""Separates the words of a name, which is listed as one word."""

MIN_FOREIGN = 4
"""A word of another language counts from this length."""


def read(text: str, lexicon: Lexicon) -> Reading:
    """The known words of `text`, none overlapping."""
    words = tokens.words(fold(text.replace(KATAKANA_DOT, ""), ACCENTED))
    is_japanese = any(map(has_kana, words))
    words_by_languages: dict[tuple[str, ...], list[str]] = {}
    for word in words:
        words_by_languages.setdefault(_languages(word, is_japanese), []).append(word)
    readings = [_read(words, languages, lexicon) for languages, words in words_by_languages.items()]
    return Reading(
        [hit for reading in readings for hit in reading.hits],
        sum(reading.letters for reading in readings),
        frozenset().union(*(reading.languages for reading in readings)),
        whole=readings[0].whole if len(readings) == 1 else (),
        is_one_word=len(readings) == 1 and readings[0].is_one_word,
    )


def _languages(word: str, is_japanese: bool) -> tuple[str, ...]:
    """The languages that have the script of a word."""
    if tokens.has_ideographs(word):
        return ("ja",) if is_japanese else HAN
    return next(((code,) for code, letters in SCRIPTS if re.search(letters, word)), LATIN)


def _read(words: list[str], languages: tuple[str, ...], lexicon: Lexicon) -> Reading:
    parse = parse_joined if languages[-1] == "ja" else parse_spaced
    parses = [parse(words, language, lexicon) for language in languages]
    most = max(candidate.worth for candidate in parses)
    best = [candidate for candidate in parses if candidate.worth == most]
    hits = [Hit(hit.sense, hit.length / len(best)) for candidate in best for hit in candidate.hits]
    hits += _foreign_words(_unknown_in_all(best), lexicon)
    letters = sum(candidate.letters for candidate in best) / len(best)
    is_one_word = all(len(candidate.hits) == 1 and candidate.hits[0].length == candidate.letters for candidate in best)
    whole = [candidate.hits for candidate in best if sum(hit.length for hit in candidate.hits) == candidate.letters]
    return Reading(hits, letters, frozenset(candidate.language for candidate in best), whole, is_one_word)


def _unknown_in_all(parses: list[Parse]) -> list[str]:
    first, *others = parses
    return [word for word in first.unknown if all(word in other.unknown for other in others)]


def _foreign_words(words: Iterable[str], lexicon: Lexicon) -> Iterator[Hit]:
    """Hits of words that the text's language does not have, in every language that has them."""
    for word in words:
        if len(word) >= MIN_FOREIGN:
            by_language = (
                lexicon.find(code, word) or lexicon.find_without_accents(code, word) for code in lexicon.exact
            )
            senses = [sense for sense in by_language if sense]
            yield from (Hit(sense, len(word) / len(senses)) for sense in senses)
