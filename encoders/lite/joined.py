"""Known words in Chinese and Japanese, which have no spaces between words: the longest known substring first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...languages.chinese import simplified
from ...languages.stop_words import stop_words_by_language
from .lexicon import Lexicon, Sense
from .parse import Parse

MAX_LENGTH = 12
"""Characters of the longest word that is looked up."""

MIN_FREE_KANA = 4
"""A kana word of this length matches anywhere in a run of kana; a shorter one only between borders or particles."""

KANA_PARTICLES = frozenset("のとはがをにでもやへ")
WORDS_BEFORE = frozenset("的了着在和与有是小大老新旧古一二三四五六两几多只个张条辆朵颗头匹座棵本杯位群看骑吃喝坐拿抱养")
WORDS_AFTER = frozenset("的了着在和与有是上下里中们群")
"""Words of one character that may stand before or after a known one: 小猫, 骑马, 山上. The 机 of 机场 has others."""

_KANA = re.compile("[\u3041-\u309f\u30a1-\u30ff]")
_KANA_RUN = re.compile("[\u3041-\u309f\u30fc]+")


@dataclass(frozen=True)
class _Match:
    start: int
    end: int
    sense: Sense


def has_kana(word: str) -> bool:
    """Whether a word is Japanese."""
    return _KANA.search(word) is not None


def parse_joined(runs: list[str], language: str, lexicon: Lexicon) -> Parse:
    """`runs` of characters as `language` reads them; stop words divide a run."""
    parse = Parse(language)
    stop_words = sorted(stop_words_by_language()[language], key=len, reverse=True)
    for run in runs:
        divided = run
        for stop_word in stop_words:
            divided = divided.replace(stop_word, " " * len(stop_word))
        parse.worth += divided.count(" ")
        for part in divided.split() or [run]:
            _parse_run(part, lexicon, parse)
    return parse


def _parse_run(run: str, lexicon: Lexicon, parse: Parse) -> None:
    matches: list[_Match] = []
    position = 0
    while position < len(run):
        follows_word = bool(matches) and matches[-1].end == position
        match = _longest_match(run, position, parse.language, lexicon, follows_word)
        if match:
            matches.append(match)
        position = match.end if match else position + 1
    kept = _without_parts_of_words(simplified(run) if parse.language == "zh" else run, matches)
    for match in kept:
        parse.add(match.sense, match.end - match.start)
        parse.letters += match.end - match.start
    known = _positions(kept)
    small_words = WORDS_BEFORE | WORDS_AFTER | KANA_PARTICLES
    parse.letters += sum(i not in known and character not in small_words for i, character in enumerate(run))


def _longest_match(run: str, start: int, language: str, lexicon: Lexicon, follows_word: bool) -> _Match | None:
    for end in range(min(start + MAX_LENGTH, len(run)), start, -1):
        word = run[start:end]
        sense = lexicon.find(language, word)
        if sense is None and language == "zh":
            sense = lexicon.find(language, simplified(word))
        if sense and _can_be_whole_word(run, start, end, follows_word):
            return _Match(start, end, sense)
    return None


def _without_parts_of_words(run: str, matches: list[_Match]) -> list[_Match]:
    """The matches without words of one Chinese character next to an unknown one: they are parts of another word."""
    known = _positions(matches)

    def is_border(position: int, small_words: frozenset[str]) -> bool:
        inside = 0 <= position < len(run)
        return not inside or position in known or run[position] in small_words or has_kana(run[position])

    kept = [
        match
        for match in matches
        if len(_KANA.sub("", run[match.start : match.end])) != 1
        or (is_border(match.start - 1, WORDS_BEFORE) and is_border(match.end, WORDS_AFTER))
    ]
    return kept if len(kept) == len(matches) else _without_parts_of_words(run, kept)


def _positions(matches: list[_Match]) -> set[int]:
    return {position for match in matches for position in range(match.start, match.end)}


def _can_be_whole_word(run: str, start: int, end: int, follows_word: bool) -> bool:
    """Whether a match can be a whole word: a short kana word must not be part of a longer one.

    It can begin right after a known word: 赤い|りんご.
    """
    if end - start >= MIN_FREE_KANA or not _KANA_RUN.fullmatch(run[start:end]):
        return True
    begins = follows_word or start == 0 or _is_border(run[start - 1])
    return begins and (end == len(run) or _is_border(run[end]))


def _is_border(neighbour: str) -> bool:
    return not _KANA.match(neighbour) or neighbour in KANA_PARTICLES
