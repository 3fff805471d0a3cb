"""The words for the 1000 ImageNet concepts in the nine languages: `concepts/words.tsv`, our own translations."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path

from ..config import LANGUAGES

WORDS = Path(__file__).parent / "concepts" / "words.tsv"


@functools.cache
def concept_words() -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """For each concept, in ImageNet's order: language code -> its names there, the most specific first."""
    with WORDS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple({code: tuple(row[code].split(";")) for code in LANGUAGES} for row in rows)


@functools.cache
def vocabulary() -> Mapping[str, frozenset[str]]:
    """Language code -> all words and phrases it has for the concepts, in lower case."""
    return {
        code: frozenset(name.strip().lower() for words in concept_words() for name in words[code])
        for code in LANGUAGES
    }
