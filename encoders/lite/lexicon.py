"""Finds known words in a text of any of the nine languages, regardless of script, case, accents and endings.

A lexicon maps words to anchors (numbers with a weight). In scripts with spaces whole words match, the longest phrase
first, then stems. In Chinese and Japanese the longest known substring matches. Katakana and hiragana count as equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from ...languages import tokens
from ...languages.fold import CONCEPTS, fold
from ...languages.tokens import has_ideographs

Anchors: TypeAlias = Sequence[tuple[int, float]]
"""Anchors of one word with their weights."""

Entries: TypeAlias = Mapping[str, Anchors]

ARABIC_PREFIXES = ("وال", "بال", "فال", "كال", "لل", "ال", "و", "ب", "ل")
ARABIC_ARTICLE = "ال"
KANA_PARTICLES = frozenset("のとはがをにでもやへ")
RUSSIAN_ENDINGS = (
    *("иями", "ями", "ами", "ией", "иях", "ого", "его", "ому", "ыми", "ими"),
    *("ая", "яя", "ое", "ее", "ые", "ие", "ый", "ий", "ой", "ую", "юю", "ах", "ях", "ов", "ев", "ей"),
    *("ом", "ем", "ам", "ям", "ия", "ии", "ию", "а", "я", "о", "е", "ы", "и", "у", "ю", "ь", "й"),
)
SHORTEST_STEMMED = 4
SHORTEST_FREE_KANA = 4
"""A kana word of this length matches anywhere in a run of kana; a shorter one only between borders or particles."""

_KANA = re.compile(r"[\u3041-\u309f\u30fc]+")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")


@dataclass(frozen=True)
class Hit:
    """A known word of a text: its anchors and its length in characters."""

    anchors: Anchors
    length: int


@dataclass(frozen=True)
class Lexicon:
    """Known words by folded form: `spaced` and their `stems`, and `joined` for scripts without spaces."""

    spaced: Entries
    stems: Entries
    joined: Entries
    longest_phrase: int
    longest_joined: int

    def find(self, words: Sequence[str]) -> list[Hit]:
        """Known words among folded `words` (see `split`), from left to right, none overlapping."""
        hits: list[Hit] = []
        position = 0
        while position < len(words):
            if has_ideographs(words[position]):
                hits += self._find_joined(words[position])
                position += 1
                continue
            step = 1
            for count in range(min(self.longest_phrase, len(words) - position), 0, -1):
                phrase = words[position : position + count]
                anchors = self._look_up(phrase)
                if anchors:
                    hits.append(Hit(anchors, sum(map(len, phrase))))
                    step = count
                    break
            position += step
        return hits

    def _look_up(self, phrase: Sequence[str]) -> Anchors | None:
        exact = self.spaced.get(" ".join(phrase))
        if exact or len(phrase) > 1:
            return exact or self.stems.get(_stem_phrase(phrase))
        word = phrase[0]
        forms = tuple(_without_prefixes(word))
        candidates = [self.spaced.get(form) for form in forms]
        if len(word) >= SHORTEST_STEMMED:
            candidates += [self.stems.get(stem(form)) for form in forms]
        if _HANGUL.fullmatch(word):
            candidates += [self.spaced.get(part) for part in _beginnings_and_ends(word)]
        return next((anchors for anchors in candidates if anchors), None)

    def _find_joined(self, run: str) -> Iterator[Hit]:
        position = 0
        while position < len(run):
            step = 1
            for count in range(min(self.longest_joined, len(run) - position), 0, -1):
                anchors = self.joined.get(run[position : position + count])
                if anchors and _stands_alone(run, position, count):
                    yield Hit(anchors, count)
                    step = count
                    break
            position += step


def split(text: str, stop_words: frozenset[str] = frozenset()) -> list[str]:
    """Folded words of `text` without the stop words. Runs of scripts without spaces are split only at stop words."""
    words: list[str] = []
    joined_stops = sorted(filter(has_ideographs, stop_words), key=len, reverse=True)
    for word in tokens.words(fold(text, CONCEPTS)):
        if not has_ideographs(word):
            words += [] if word in stop_words else [word]
            continue
        for stop in joined_stops:
            word = word.replace(stop, " ")
        words += word.split()
    return words


def stem(word: str) -> str:
    """A folded Latin or Cyrillic word without its usual endings; other words unchanged."""
    if len(word) < SHORTEST_STEMMED:
        return word
    if "\u0400" <= word[-1] <= "\u04ff":
        return next((word[: -len(end)] for end in RUSSIAN_ENDINGS if _has_ending(word, end)), word)
    if "a" <= word[-1] <= "z":
        word = word.removesuffix("s")
        for endings in ("aeio", "aeio", "x"):
            if len(word) >= SHORTEST_STEMMED and word[-1] in endings:
                word = word[:-1]
    return word


def build(words: Iterable[tuple[str, int, float]]) -> Lexicon:
    """Lexicon of (word, anchor, weight). If word and anchor occur several times, the greatest weight counts."""
    spaced: dict[str, dict[int, float]] = {}
    stems: dict[str, dict[int, float]] = {}
    joined: dict[str, dict[int, float]] = {}
    for text, anchor, weight in words:
        parts = split(text)
        if any(map(has_ideographs, parts)):
            entries = [joined.setdefault("".join(parts), {})]
        elif parts:
            entries = [spaced.setdefault(" ".join(parts), {}), stems.setdefault(_stem_phrase(parts), {})]
        else:
            entries = []
        for entry in entries:
            entry[anchor] = max(weight, entry.get(anchor, 0.0))
    return Lexicon(
        _sort_entries(spaced),
        _sort_entries(stems),
        _sort_entries(joined),
        max((key.count(" ") + 1 for key in spaced), default=1),
        max(map(len, joined), default=1),
    )


def to_json(lexicon: Lexicon) -> dict[str, Any]:
    """`lexicon` as a JSON document; `from_json` reads it back."""
    return asdict(lexicon)


def from_json(document: dict[str, Any]) -> Lexicon:
    """The lexicon that `to_json` wrote. Anchors may then be lists instead of tuples."""
    return Lexicon(**document)


def _sort_entries(entries: Mapping[str, Mapping[int, float]]) -> dict[str, Anchors]:
    return {key: tuple(sorted(anchors.items())) for key, anchors in sorted(entries.items())}


def _stem_phrase(phrase: Iterable[str]) -> str:
    return " ".join(stem(_without_article(word)) for word in phrase)


def _without_article(word: str) -> str:
    return word.removeprefix(ARABIC_ARTICLE) if len(word) > len(ARABIC_ARTICLE) + 2 else word


def _without_prefixes(word: str) -> Iterator[str]:
    """The word itself, then an Arabic word without its article, conjunction or preposition."""
    yield word
    for prefix in ARABIC_PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= SHORTEST_STEMMED - 1:
            yield word[len(prefix) :]


def _beginnings_and_ends(word: str) -> Iterator[str]:
    """Beginnings and ends of a Korean word, longest first, because particles and compounds have no spaces between."""
    for length in range(len(word) - 1, 1, -1):
        yield word[:length]
        yield word[-length:]


def _has_ending(word: str, ending: str) -> bool:
    return word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEMMED - 1


def _stands_alone(run: str, start: int, length: int) -> bool:
    """Whether a match can be a whole word: a short kana word must not be part of a longer one."""
    end = start + length
    if length >= SHORTEST_FREE_KANA or not _KANA.fullmatch(run[start:end]):
        return True
    neighbours = (run[start - 1] if start else "", run[end] if end < len(run) else "")
    return all(not _KANA.match(neighbour) or neighbour in KANA_PARTICLES for neighbour in neighbours)
