"""The JSON of `train pairs`."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from ..library.pairs import Pairs
from .base import Document


class WrittenPairs(Document):
    """Pictures of the library with texts, written to train with."""

    output: str = Field(description="The file.")
    pictures: int = Field(description="Lines; copies are one picture.")
    held_out: int = Field(description="How many of them validate.")
    favourites: int = Field(description="How many of them are favourites.")
    texts: dict[str, int] = Field(description="Number of texts by language.")
    without_text: int = Field(description="Pictures that were left out because nothing is written about them.")
    left_out: int = Field(description="Pictures that were left out because their path is not UTF-8.")

    @classmethod
    def from_pairs(cls, pairs: Pairs, output: str) -> Self:
        """`output` is the file as text."""
        return cls(output=output, **vars(pairs))
