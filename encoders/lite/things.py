"""What the embedded encoder makes of the names of things, computed in advance by `scripts/build_things.py`."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Floats
from ...config import LANGUAGES
from . import concept_space

FILE = concept_space.DATA_FOLDER / "things.npz"

SAME = 0.8
"""Cosine of a name's vector and the English name's from which both find the same photos."""


@dataclass(frozen=True)
class Table:
    """Vectors (n, dimension) of English names, their attainable scores, NaN for none, and the other languages' likeness
    (n, languages): the cosine of a name's vector and the English name's."""

    rows: Mapping[str, int]
    """English name -> row."""
    vectors: Floats
    attainable: Floats
    likeness: Floats

    def has_name(self, text: str, language: str) -> bool:
        """Whether the thing's usual name in a language finds the same photos as its English name `text`."""
        return text in self.rows and bool(self.likeness[self.rows[text], LANGUAGES.index(language)] >= SAME)


@functools.cache
def load() -> Table:
    """Read the table. Raises OSError, ValueError, KeyError if the file is missing or damaged."""
    with np.load(FILE, allow_pickle=False) as arrays:
        rows = {str(text): row for row, text in enumerate(arrays["texts"])}
        vectors, attainable, likeness = (
            arrays[name].astype(np.float32) for name in ("vectors", "attainable", "likeness")
        )
        return Table(rows, vectors, attainable, likeness)


def digest(texts: Sequence[str]) -> str:
    """What the table depends on: the names, the words, and the constants of a text's vector."""
    made_of = hashlib.sha256(json.dumps([list(texts), concept_space.text_settings()]).encode())
    for name in concept_space.DATA_FILES:
        made_of.update((concept_space.DATA_FOLDER / name).read_bytes())
    return made_of.hexdigest()
