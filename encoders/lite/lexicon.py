"""The words of the nine languages that the embedded encoder knows, and the things that each stands for.

Every language has words of its own, because the same letters can be words of several: "pie", "mare", 机. A sense is a
list of anchors with weights. `reading` finds the words in a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, TypeAlias

from ...config import LANGUAGES
from ...languages import tokens
from ...languages.chinese import simplified
from ...languages.fold import ACCENTED, CONCEPTS, fold
from ...languages.stems import SNOWBALL, stems
from ...languages.stop_words import stop_words_by_language

Sense: TypeAlias = Sequence[tuple[int, float]]
"""Anchors of one word with their weights."""


@dataclass(frozen=True)
class Lexicon:
    """The words of each language. The words of a phrase are separated by a space; it has no stop words."""

    senses: Sequence[Sense]
    exact: Mapping[str, Mapping[str, int]]
    """Language -> word in lower case with its accents -> index of its sense."""
    without_accents: Mapping[str, Mapping[str, int]]
    """The same for words without accents that are not words of their own: camion (camión), but not panal (pañal)."""
    by_stem: Mapping[str, Mapping[str, Sequence[str]]]
    """Language -> stem -> the words that have it."""

    def find(self, language: str, word: str) -> Sense | None:
        """The sense of a word with its accents."""
        index = self.exact[language].get(word)
        return None if index is None else self.senses[index]

    def find_without_accents(self, language: str, word: str) -> Sense | None:
        """The sense of a word that is written without accents, or with others."""
        index = self.without_accents[language].get(fold(word, CONCEPTS))
        return None if index is None else self.senses[index]

    def find_inflected(self, language: str, phrase: Sequence[str]) -> Sense | None:
        """The sense of the words with the same stem, of those that have the longest beginning in common with it."""
        for stem in _phrase_stems(phrase, language):
            if words := self.by_stem[language].get(stem):
                lengths = [_common_length(word, " ".join(phrase)) for word in words]
                nearest = [word for word, length in zip(words, lengths, strict=True) if length == max(lengths)]
                return merge(self.senses[self.exact[language][word]] for word in nearest)
        return None


def split(text: str, language: str) -> list[str]:
    """The words of a text in lower case with their accents, without stop words unless there are no other words."""
    words = tokens.words(fold(text, ACCENTED))
    return without_stop_words(words, language)


def without_stop_words(words: list[str], language: str) -> list[str]:
    """The words that are not stop words of the language, or all if there are no others."""
    return [word for word in words if word not in stop_words_by_language()[language]] or words


def build(entries: Iterable[tuple[str, str, int, float]]) -> Lexicon:
    """Lexicon of (language, word, anchor, weight). If an entry occurs several times, the greatest weight counts."""
    words: dict[str, dict[str, dict[int, float]]] = {code: {} for code in LANGUAGES}
    for language, text, anchor, weight in entries:
        parts = split(text, language)
        word = ("" if any(map(tokens.has_ideographs, parts)) else " ").join(parts)
        weights = words[language].setdefault(word, {})
        weights[anchor] = max(weight, weights.get(anchor, 0.0))
    words["zh"] = {simplified(word): weights for word, weights in words["zh"].items()} | words["zh"]
    indexes: dict[Sense, int] = {}
    exact: dict[str, dict[str, int]] = {}
    without_accents: dict[str, dict[str, int]] = {}
    by_stem: dict[str, dict[str, list[str]]] = {}
    for language in LANGUAGES:
        senses = {word: tuple(sorted(weights.items())) for word, weights in sorted(words[language].items()) if word}
        exact[language] = {word: indexes.setdefault(sense, len(indexes)) for word, sense in senses.items()}
        folded: dict[str, list[Sense]] = {}
        by_stem[language] = {}
        for word, sense in senses.items():
            if fold(word, CONCEPTS) not in senses:
                folded.setdefault(fold(word, CONCEPTS), []).append(sense)
            for stem in _phrase_stems(word.split(), language):
                by_stem[language].setdefault(stem, []).append(word)
        without_accents[language] = {
            word: indexes.setdefault(merge(of_word), len(indexes)) for word, of_word in folded.items()
        }
    return Lexicon(list(indexes), exact, without_accents, by_stem)


def merge(senses: Iterable[Sense]) -> Sense:
    """The anchors of several senses, each with its greatest weight."""
    weights: dict[int, float] = {}
    for sense in senses:
        for anchor, weight in sense:
            weights[anchor] = max(weight, weights.get(anchor, 0.0))
    return tuple(sorted(weights.items()))


def to_json(lexicon: Lexicon) -> dict[str, Any]:
    """`lexicon` as a JSON document; `from_json` reads it back."""
    return asdict(lexicon)


def from_json(document: dict[str, Any]) -> Lexicon:
    """The lexicon that `to_json` wrote. Senses may then be lists instead of tuples."""
    return Lexicon(**document)


def _phrase_stems(phrase: Sequence[str], language: str) -> Iterator[str]:
    """Stems of a phrase, the most likely first; none if the language has no stemmer."""
    if language in SNOWBALL:
        for combination in product(*(stems(word, language) or (fold(word, CONCEPTS),) for word in phrase)):
            yield " ".join(combination)


def _common_length(first: str, second: str) -> int:
    """Length of the beginning that two words have in common."""
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
