"""Words that a search looks for in the names, folders, captions and keywords of photos: a frozen value, no SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias

from ...languages import tokens

Units: TypeAlias = tuple[tuple[str, ...], ...]
"""The units of one text, as `tokens.units` gives them: a photo's words have to have all of them."""

StopWords: TypeAlias = Callable[[str], Collection[str]]
"""The stop words of a text: words that are not looked for."""


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Photos match whose words have all units of one of `texts`, and not all units of one of `without`."""

    texts: tuple[Units, ...] = ()
    without: tuple[Units, ...] = ()

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], without: Iterable[str] = (), *, stop_words_in: StopWords = lambda _: ()
    ) -> Self:
        """The query for photos with the words of one of `texts`; texts without a word are left out."""
        return cls(_units(texts, stop_words_in), _units(without, stop_words_in))

    def __bool__(self) -> bool:
        """Whether the query asks for a word."""
        return bool(self.texts)


def _units(texts: Iterable[str], stop_words_in: StopWords) -> tuple[Units, ...]:
    by_text = (tuple(tuple(unit) for unit in tokens.units(text, stop_words_in(text))) for text in texts)
    return tuple(units for units in by_text if units)
