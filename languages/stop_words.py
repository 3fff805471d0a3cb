"""Stop words: words of the nine languages that do not describe a picture, as "the", "一张", "foto"."""

from __future__ import annotations

import functools
from pathlib import Path

from .fold import FULL_TEXT, Folding, fold

FILE = Path(__file__).parent / "words" / "stop_words.txt"


@functools.cache
def stop_words(folding: Folding = FULL_TEXT) -> frozenset[str]:
    """All stop words, folded."""
    return frozenset(fold(word, folding) for word in FILE.read_text(encoding="utf-8").split())
