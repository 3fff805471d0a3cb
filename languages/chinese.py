"""Traditional Chinese characters as Simplified ones, one for one: 電腦 and 电脑 are the same word."""

from __future__ import annotations

import functools
from pathlib import Path

FILE = Path(__file__).parent / "words" / "traditional.txt"
"""Two lines of equal length: Traditional characters, and the Simplified character of each."""


def simplified(text: str) -> str:
    """The text with every Traditional character replaced by its Simplified one. The length does not change."""
    return text.translate(_table())


@functools.cache
def _table() -> dict[int, int]:
    traditional, simplified_characters = FILE.read_text(encoding="utf-8").splitlines()
    return str.maketrans(traditional, simplified_characters)
