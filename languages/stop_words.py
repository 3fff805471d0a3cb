"""Stop words: words of the nine languages that do not describe a picture, as "the", "一张", "foto"."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from . import tokens
from .fold import ACCENTED, FULL_TEXT, fold

FILE = Path(__file__).parent / "words" / "stop_words.txt"
"""One line per language: its code, then its stop words, with their accents and as people type them without."""


@functools.cache
def stop_words_by_language() -> Mapping[str, frozenset[str]]:
    """Language code -> its stop words with their accents, because thé (tea) is not the."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {code: frozenset(fold(word, ACCENTED) for word in words) for code, *words in map(str.split, lines)}


@functools.cache
def stop_words() -> frozenset[str]:
    """The stop words of all languages, folded for the full-text search."""
    return frozenset(fold(word, FULL_TEXT) for words in stop_words_by_language().values() for word in words)


def stop_words_in(text: str) -> frozenset[str]:
    """The stop words without those that the text writes with other accents, as thé."""
    accented = frozenset().union(*stop_words_by_language().values())
    other_words = [word for word in tokens.words(fold(text, ACCENTED)) if word not in accented]
    return stop_words() - {fold(word, FULL_TEXT) for word in other_words}
