"""The vector space of the embedded encoder: 1000 ImageNet concepts and eleven colours.

A vector's first 1000 components say how much of each concept there is, the last eleven how much of each colour. Concept
parts are centred over the concepts: without that, texts of little content are near every picture (hubs).

The concepts of a text are a mixture of two: those of its words in the lexicon, and the softmax of the cosines between
its sentence vector and every anchor (a class, or an everyday word that stands for a mixture of classes).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from . import lexicon
from .colours import COLOURS

Floats: TypeAlias = npt.NDArray[np.float32]

CONCEPTS = 1000
DIMENSION = CONCEPTS + len(COLOURS)
DATA_FOLDER = Path(__file__).parent / "concepts"
DATA_FILES = ("lexicon.json", "space.npz")
"""The files that `scripts/build_concepts.py` writes and `load` reads."""

TEXT_TEMPERATURE = 0.1
LEXICON_SHARE = 0.8
"""Share of the lexicon's concepts if all words of a text are known; else multiplied by the root of the known letters'
share."""

COLOUR_SHARE = 0.15
"""Share of the colours in the squared length of a picture's vector."""

COLOUR_STRENGTH = 0.5
"""Length of a text's colour part, relative to its strongest concept: a colour must not outweigh the thing."""

IMPLIED_COLOUR = 0.5
"""Factor on that length if the text names no colour, but a thing of known colour."""

BARE_COLOUR_STRENGTH = 3.0
"""Length of the colour part of a text that names only colours, relative to its concept part."""

LOGIT_EXPONENT = 0.6
"""Exponent on a picture's standardised logits. Results are equally good from 0.4 to 0.8."""


@dataclass(frozen=True)
class ConceptSpace:
    """The data that turns texts into vectors; build it with `load`. Sizes: a anchors, 512 sentence dimensions."""

    concepts: lexicon.Lexicon
    colours: lexicon.Lexicon
    stop_words: frozenset[str]
    anchor_concepts: Floats  # (a, 1000), rows sum to 1
    anchor_colours: Floats  # (a, 11), unit or zero rows
    centre: Floats  # (512,)
    projection: Floats  # (512, 512)
    anchors: Floats  # (a, 512), unit rows

    def text_vector(self, text: str, sentence: Floats) -> Floats:
        """Unit vector (DIMENSION,) of `text`, whose sentence vector (512,) is `sentence`."""
        words = lexicon.split(text, self.stop_words)
        colour_hits = self.colours.find(words)
        letters = sum(map(len, words)) - sum(hit.length for hit in colour_hits)
        by_words, known_share = self._known_anchors(self.concepts.find(words), letters)
        by_sentence = _unit(self._near_anchors(sentence) @ self.anchor_concepts)
        word_weight = LEXICON_SHARE * known_share**0.5
        concepts = _centre((1 - word_weight) * by_sentence + word_weight * _unit(by_words @ self.anchor_concepts))
        only_colours = bool(colour_hits) and letters == 0 and not known_share
        strength = BARE_COLOUR_STRENGTH if only_colours else COLOUR_STRENGTH * float(concepts.max())
        return _unit(np.concatenate([concepts, strength * self._text_colours(colour_hits, by_words)]))

    def _known_anchors(self, hits: Iterable[lexicon.Hit], letters: int) -> tuple[Floats, float]:
        """(Mean (a,) of the hits' anchors, weighted by the hits' lengths, and the share of `letters` in hits)."""
        total = np.zeros(len(self.anchors), dtype=np.float32)
        covered = 0
        for hit in hits:
            total_weight = sum(weight for _, weight in hit.anchors)
            for anchor, weight in hit.anchors:
                total[anchor] += hit.length * weight / total_weight
            covered += hit.length
        mean = np.asarray(total / max(covered, 1), dtype=np.float32)
        return mean, min(covered / max(letters, 1), 1.0)

    def _near_anchors(self, sentence: Floats) -> Floats:
        """Softmax (a,) of the cosines between the sentence and every anchor."""
        projected = np.asarray((sentence - self.centre) @ self.projection, dtype=np.float32)
        logits = self.anchors @ _unit(projected) / TEXT_TEMPERATURE
        weights = np.exp(logits - logits.max())
        return np.asarray(weights / weights.sum(), dtype=np.float32)

    def _text_colours(self, colour_hits: Sequence[lexicon.Hit], by_words: Floats) -> Floats:
        """Colours (11,) that the text names, or else those of the things it names; of length 1 at most."""
        colours = np.zeros(len(COLOURS), dtype=np.float32)
        for hit in colour_hits:
            for colour, weight in hit.anchors:
                colours[colour] += weight
        return _unit(colours) if colour_hits else IMPLIED_COLOUR * _unit(by_words @ self.anchor_colours)


def load(folder: Path = DATA_FOLDER) -> ConceptSpace:
    """Read the concept data. Raises OSError, ValueError or KeyError if a file is missing or damaged."""
    document = json.loads((folder / "lexicon.json").read_text(encoding="utf-8"))
    concepts = _rows(document["anchor_classes"], CONCEPTS)
    colours = _rows(document["anchor_colours"], len(COLOURS))
    with np.load(folder / "space.npz", allow_pickle=False) as arrays:
        return ConceptSpace(
            lexicon.from_json(document["concepts"]),
            lexicon.from_json(document["colours"]),
            frozenset(document["stop_words"]),
            concepts / concepts.sum(axis=1, keepdims=True),
            colours / np.maximum(np.linalg.norm(colours, axis=1, keepdims=True), 1),
            arrays["centre"].astype(np.float32),
            arrays["projection"].astype(np.float32),
            arrays["anchors"].astype(np.float32),
        )


def formula_settings() -> dict[str, float]:
    """The constants of the formula, by name; the encoder's fingerprint includes them."""
    return {
        "text temperature": TEXT_TEMPERATURE,
        "lexicon share": LEXICON_SHARE,
        "colour share": COLOUR_SHARE,
        "colour strength": COLOUR_STRENGTH,
        "implied colour": IMPLIED_COLOUR,
        "bare colour strength": BARE_COLOUR_STRENGTH,
        "logit exponent": LOGIT_EXPONENT,
    }


def picture_vector(logits: Floats, colours: Floats) -> Floats:
    """Unit vector (DIMENSION,) of a picture from its class logits (1000,) and colour vector (11,)."""
    spread = max(float(logits.std()), 1e-6)
    standardised = (logits - logits.mean()) / spread
    concepts = _centre(np.exp(LOGIT_EXPONENT * standardised))
    return _unit(np.concatenate([concepts * (1 - COLOUR_SHARE) ** 0.5, colours * COLOUR_SHARE**0.5]))


def _rows(numbers: Sequence[Sequence[int]], width: int) -> Floats:
    rows = np.zeros((len(numbers), width), dtype=np.float32)
    for row, columns in zip(rows, numbers, strict=True):
        row[list(columns)] = 1
    return rows


def _centre(vector: Floats) -> Floats:
    return _unit(vector - vector.mean())


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)
