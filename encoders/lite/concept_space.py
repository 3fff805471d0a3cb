"""The vector space of the embedded encoder: 1000 ImageNet concepts and eleven colours.

A vector's first 1000 components say how much of each concept there is, the last eleven how much of each colour. Concept
parts are centred over the concepts: without that, texts of little content are near every picture (hubs).

The concepts of a text are a mixture of two: those of its words in the lexicon, and the softmax of the cosines between
its sentence vector and every anchor (a class, or an everyday word that stands for a mixture of classes). A picture that
shows one kind of the thing that a word names gets the same score for a wide word ("dog") as for a narrow one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ...arrays import Floats
from ..base import Condition
from . import lexicon
from .colours import COLOURS
from .parse import Hit, Reading

Booleans: TypeAlias = npt.NDArray[np.bool_]

CONCEPTS = 1000
DIMENSION = CONCEPTS + len(COLOURS)
DATA_FOLDER = Path(__file__).parent / "concepts"
DATA_FILES = ("lexicon.json", "space.npz")
"""The files that `scripts/build_concepts.py` writes and `load` reads."""

LOOK_ALIKE_WEIGHT = 0.3
"""Weight of a class that only looks like a thing, relative to a class that is a kind of it, if there is one."""

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

VIVID, BROWN, BLACK = 0.2, 0.6, 0.7
COLOUR_HALVES = (VIVID, VIVID, VIVID, VIVID, VIVID, VIVID, VIVID, BROWN, BLACK, None, None)
"""Cosine of the colour parts at which a photo is as likely as not to show a thing of that colour. Grey and white are
the colours of too many backgrounds to tell."""

THING_SHARE, THING_STEEPNESS, COLOUR_STEEPNESS = 0.45, 3.0, 1.0
"""Share of the attainable score at which a photo is as likely as not to show the thing; exponents on the odds."""

LIKENESS_WORTH = 0.5
"""Worth of a word whose classes only look like the thing, relative to other words of the text: "tree", "man"."""

LOGIT_EXPONENT = 0.6
"""Exponent on a picture's standardised logits. Results are equally good from 0.4 to 0.8."""


@dataclass(frozen=True)
class _Things:
    """The things that a text names: their concepts (1000,) and usual colours (11,), and their share of its letters."""

    concepts: Floats
    colours: Floats
    known_share: float
    only_colours: bool
    """Whether the text names colours and nothing else."""


@dataclass(frozen=True)
class ConceptSpace:
    """The data that turns texts into vectors; build it with `load`. Sizes: a anchors, 512 sentence dimensions."""

    words: lexicon.Lexicon
    """Its anchors are those of `anchors`, followed by the eleven colours."""
    anchor_kinds: Booleans  # (a, 1000)
    """The classes that show an anchor's thing; the other classes of `anchor_concepts` only look like it."""
    anchor_concepts: Floats  # (a, 1000), rows sum to 1
    anchor_colours: Floats  # (a, 11), unit or zero rows
    anchor_worths: Floats  # (a,), 1 or LIKENESS_WORTH
    centre: Floats  # (512,)
    projection: Floats  # (512, 512)
    anchors: Floats  # (a, 512), unit rows

    def text_vector(self, reading: Reading, sentence: Floats) -> Floats:
        """Unit vector (DIMENSION,) of a text with the known words `reading` and the sentence vector (512,)."""
        things = self._named_things(reading)
        named_colours = self._named_colours(reading)
        by_sentence = _unit(self._near_anchors(sentence) @ self.anchor_concepts)
        word_weight = LEXICON_SHARE * things.known_share**0.5
        concepts = _centre((1 - word_weight) * by_sentence + word_weight * _unit(things.concepts))
        colours = _unit(named_colours) if named_colours.any() else IMPLIED_COLOUR * _unit(things.colours)
        strength = BARE_COLOUR_STRENGTH if things.only_colours else COLOUR_STRENGTH * float(concepts.max())
        return _unit(np.concatenate([concepts, strength * colours]))

    def attainable(self, reading: Reading, vector: Floats) -> float | None:
        """The score that a perfect picture of one kind of the thing has for a text with this vector.

        None if the text is not the name of a thing, or if no class shows the thing.
        """
        if not reading.is_one_word:
            return None
        kinds = self._kinds_of(reading.hits)
        if kinds is None:
            return None
        colours = float(np.linalg.norm(vector[CONCEPTS:])) * math.sqrt(COLOUR_SHARE)
        return _attainable_concept(vector[:CONCEPTS], kinds) + colours

    def conditions(self, reading: Reading) -> list[Condition]:
        """The thing and its colour, if the text names one of each and both can be told; else none.

        The thing alone is judged: beside a colour, the sentence vector prefers some of its kinds. Of the languages that
        know the text, those count that read it so: "red" is a net in Spanish, a "red bus" is English.
        """
        coloured = [pair for hits in reading.whole if (pair := self._thing_and_colour(hits))]
        colours = self._named_colours(replace(reading, hits=[colour for _, colour in coloured]))
        kinds = self._kinds_of([thing for thing, _ in coloured])
        if kinds is None or np.count_nonzero(colours) != 1 or not (half := COLOUR_HALVES[int(colours.argmax())]):
            return []
        things = self._named_things(replace(reading, hits=[thing for thing, _ in coloured]))
        concepts = _centre(things.concepts)
        return [
            Condition(
                np.concatenate([concepts, np.zeros_like(colours)]),
                THING_SHARE * _attainable_concept(concepts, kinds),
                THING_STEEPNESS,
            ),
            Condition(
                np.concatenate([np.zeros_like(concepts), _unit(colours)]),
                half * math.sqrt(COLOUR_SHARE),
                COLOUR_STEEPNESS,
            ),
        ]

    def _thing_and_colour(self, hits: Sequence[Hit]) -> tuple[Hit, Hit] | None:
        """The two words of a text that names one thing and one colour, in any order; else None."""
        things = [hit for hit in hits if not self._is_colour(hit)]
        colours = [hit for hit in hits if self._is_colour(hit)]
        return (things[0], colours[0]) if len(things) == len(colours) == 1 else None

    def _kinds_of(self, hits: Sequence[Hit]) -> Booleans | None:
        """The classes (1000,) that show the things; None if there is no thing, or one without such classes."""
        kinds = np.zeros(CONCEPTS, dtype=bool)
        for hit in hits:
            anchors = list(self._anchors_of(hit))
            if not anchors or not self.anchor_kinds[anchors].any(axis=1).all():
                return None
            kinds |= self.anchor_kinds[anchors].any(axis=0)
        return kinds if kinds.any() else None

    def _named_things(self, reading: Reading) -> _Things:
        """The things that a text names. A word that is also a colour is only that beside a thing: "orange cat"."""
        named = [(hit.length, self._anchors_of(hit), self._is_colour(hit)) for hit in reading.hits]
        is_beside_thing = any(anchors and not is_colour for _, anchors, is_colour in named)
        concepts, colours = np.zeros(CONCEPTS, dtype=np.float32), np.zeros(len(COLOURS), dtype=np.float32)
        known, colour_letters = 0.0, 0.0
        for length, anchors, is_colour in named:
            if not anchors or (is_colour and is_beside_thing):
                colour_letters += length
                continue
            numbers, weights = list(anchors), np.array(list(anchors.values()), dtype=np.float32)
            # The greatest part and no sum: "mushroom" is a class and a word for seven more, which count as much as it.
            parts = self.anchor_concepts[numbers]
            thing = (weights[:, None] * parts / parts.max(axis=1, keepdims=True)).max(axis=0)
            concepts += length * self.anchor_worths[numbers].max() * thing / thing.max()
            colours += length * (weights @ self.anchor_colours[numbers]) / weights.sum()
            known += length
        letters = reading.letters - colour_letters
        known_share = min(known / letters, 1.0) if letters > 0 else 0.0
        return _Things(concepts, colours, known_share, only_colours=bool(colour_letters) and letters <= 0)

    def _named_colours(self, reading: Reading) -> Floats:
        """Sum (11,) of the colours that a text names."""
        colours = np.zeros(len(COLOURS), dtype=np.float32)
        for hit in reading.hits:
            for number, weight in hit.sense:
                if number >= len(self.anchors):
                    colours[number - len(self.anchors)] += weight
        return colours

    def _anchors_of(self, hit: Hit) -> dict[int, float]:
        return {number: weight for number, weight in hit.sense if number < len(self.anchors)}

    def _is_colour(self, hit: Hit) -> bool:
        return any(number >= len(self.anchors) for number, _ in hit.sense)

    def _near_anchors(self, sentence: Floats) -> Floats:
        """Softmax (a,) of the cosines between the sentence and every anchor."""
        projected = np.asarray((sentence - self.centre) @ self.projection, dtype=np.float32)
        logits = self.anchors @ _unit(projected) / TEXT_TEMPERATURE
        weights = np.exp(logits - logits.max())
        return np.asarray(weights / weights.sum(), dtype=np.float32)


def load(folder: Path = DATA_FOLDER) -> ConceptSpace:
    """Read the concept data. Raises OSError, ValueError or KeyError if a file is missing or damaged."""
    document = json.loads((folder / "lexicon.json").read_text(encoding="utf-8"))
    kinds = _rows(document["anchor_kinds"], CONCEPTS)
    look_alikes = _rows(document["anchor_look_alikes"], CONCEPTS)
    concepts = kinds + np.where(kinds.any(axis=1, keepdims=True), LOOK_ALIKE_WEIGHT, 1) * look_alikes
    colours = _rows(document["anchor_colours"], len(COLOURS))
    worths = np.where(kinds.any(axis=1), 1, LIKENESS_WORTH).astype(np.float32)
    with np.load(folder / "space.npz", allow_pickle=False) as arrays:
        return ConceptSpace(
            lexicon.from_json(document["words"]),
            kinds > 0,
            concepts / concepts.sum(axis=1, keepdims=True),
            colours / np.maximum(np.linalg.norm(colours, axis=1, keepdims=True), 1),
            worths,
            arrays["centre"].astype(np.float32),
            arrays["projection"].astype(np.float32),
            arrays["anchors"].astype(np.float32),
        )


def image_settings() -> dict[str, float]:
    """The constants of a picture's vector, by name; the image side of the encoder's fingerprint includes them."""
    return {"colour share": COLOUR_SHARE, "logit exponent": LOGIT_EXPONENT}


def text_settings() -> dict[str, float]:
    """The constants of a text's vector, by name; the text side of the encoder's fingerprint includes them."""
    return {
        "look-alike weight": LOOK_ALIKE_WEIGHT,
        "text temperature": TEXT_TEMPERATURE,
        "lexicon share": LEXICON_SHARE,
        "colour strength": COLOUR_STRENGTH,
        "implied colour": IMPLIED_COLOUR,
        "bare colour strength": BARE_COLOUR_STRENGTH,
        "likeness worth": LIKENESS_WORTH,
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


def _attainable_concept(concepts: Floats, kinds: Booleans) -> float:
    """The score that a perfect picture of one of the kinds has for the concept part (1000,) of a text."""
    return float(concepts[kinds].max() - concepts.mean()) * math.sqrt(1 - COLOUR_SHARE)


def _centre(vector: Floats) -> Floats:
    return _unit(vector - vector.mean())


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)
