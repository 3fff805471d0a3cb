"""The words the lite encoder's concepts have in the nine languages, for telling languages apart, and stop words."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping
from pathlib import Path

from ..config import LANGUAGES

CONCEPTS = Path(__file__).parent / "concepts"
FILES = ("classes.tsv", "words.tsv", "colours.tsv")
ENGLISH_OF_CLASSES = ("name", "everyday")


@functools.cache
def vocabulary() -> Mapping[str, frozenset[str]]:
    """Language code -> all words and phrases it has for the concepts, in lower case."""
    words: dict[str, set[str]] = {code: set() for code in LANGUAGES}
    for name in FILES:
        with (CONCEPTS / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                for column, cell in row.items():
                    code = "en" if column in ENGLISH_OF_CLASSES else column
                    if code in words:
                        words[code].update(word.strip() for word in re.split("[;,]", cell.lower()))
    return {code: frozenset(found) for code, found in words.items()}


@functools.cache
def stop_words() -> frozenset[str]:
    """Words of the nine languages that say nothing of a picture, in lower case."""
    return frozenset((CONCEPTS / "stop_words.txt").read_text(encoding="utf-8").split())
