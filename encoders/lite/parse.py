"""A text as one language reads it: its known words, and how much of the text the language knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .lexicon import Sense

EXACT, WITHOUT_ACCENTS, INFLECTED = 1.0, 0.95, 0.9
"""Worth of a letter of a known word, by how the word was found. A regular plural is as good as a listed word."""

COST_OF_A_WORD = 0.01
"""Subtracted from the worth of each word: one long word is worth more than two that cover the same letters."""


@dataclass(frozen=True)
class Hit:
    """A known word of a text: its sense and its length in characters."""

    sense: Sense
    length: float


@dataclass
class Parse:
    """What one language knows of a text."""

    language: str
    hits: list[Hit] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Words that the language does not have."""
    letters: int = 0
    """Length of the words that describe something, known or not."""
    worth: float = 0.0
    """Known letters, weighted; stop words count too."""

    def add(self, sense: Sense, length: int, worth: float = EXACT) -> None:
        """Enter a known word of `length` letters."""
        self.hits.append(Hit(sense, length))
        self.worth += length * worth - COST_OF_A_WORD


@dataclass(frozen=True)
class Reading:
    """The known words of a text, as the languages read it that know most of it."""

    hits: Sequence[Hit]
    letters: float
    """Length of the words that describe something, known or not."""
    languages: frozenset[str]
    whole: Sequence[Sequence[Hit]] = ()
    """The words as each of the languages reads them that knows every word of the text, beside stop words."""
    is_one_word: bool = False
    """Whether each of the languages reads the text as one known word or phrase, beside stop words."""
