"""The interface of encoders, which map pictures and texts to unit vectors of one space.

Another package adds an encoder by a `Registration` and an entry point: see docs/encoders.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..config import Settings
from ..errors import EncoderOutputError
from ..progress import Progress

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Shape (n, dimension), one unit vector a row."""

UNIT_NORM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Fingerprint:
    """Identity of an encoder's outputs, in two sides.

    The image side (the first five fields) identifies the vectors of pictures, which libraries store. One search never
    compares vectors of different image sides. The text side identifies what else the vectors of texts depend on: an
    encoder that gets better at texts alone changes it, and existing libraries need no new vectors.
    """

    weights: str
    preprocessing: str
    dimension: int
    normalisation: str
    dtype: str
    text: str = ""
    """The text side; empty if texts depend on the same things as pictures."""
    earlier: tuple[str, ...] = ()
    """Digests that earlier versions stored for the same vectors of pictures."""
    earlier_text: tuple[str, ...] = ()
    """Text digests that earlier versions stored for the same vectors of texts."""
    meets: tuple[str, ...] = ()
    """Other values of `dtype` whose vectors are so near to these that they may be compared."""

    @property
    def digest(self) -> str:
        """Hash of the image side, 32 hexadecimal digits, as the catalog stores it."""
        other = {"text", "earlier", "earlier_text", "meets"}
        image_side = {name: value for name, value in asdict(self).items() if name not in other}
        return hashlib.sha256(json.dumps(image_side, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def text_digest(self) -> str:
        """Hash of both sides, 32 hexadecimal digits: equal if the vectors of texts are equal too."""
        return hashlib.sha256(f"{self.digest} {self.text}".encode()).hexdigest()[:32] if self.text else self.digest

    def matches(self, stored: str) -> bool:
        """Whether vectors of pictures with the digest `stored` may be compared with those of this encoder."""
        return stored in self.earlier or any(stored == each.digest for each in self.alike())

    def alike(self) -> tuple[Fingerprint, ...]:
        """This fingerprint, and those of the same encoder in precisions whose vectors may be compared with its own."""
        others = (replace(self, dtype=dtype) for dtype in self.meets if dtype != self.dtype)
        return (self, *others)


@dataclass(frozen=True, slots=True)
class Curve:
    """The measured curve from a text query's scores to relevance.

    A score `half` deviations above the background has relevance 0.5. The odds of relevance are proportional to the
    deviations to the power of `steepness` (logistic regression on their logarithm). `spread` is the usual standard
    deviation of a background. docs/relevance.md says how to measure them.
    """

    half: float
    steepness: float
    spread: float


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a text's score must lie above the middle of the library for a photo to be relevant.

    The odds of relevance are exp(slope * (score - median of the background) - offset). `polyglance calibrate` fits one
    to captioned pictures.
    """

    slope: float
    offset: float


@dataclass(frozen=True, slots=True)
class Card:
    """Facts about an encoder, known without loading anything."""

    description: str = ""
    """One sentence for the list of encoders."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages it understands."""
    note: str = ""
    """One sentence that is shown with its answers: how good they are, and how to get better ones."""
    is_embedded: bool = False
    """Whether it comes with its package: it works without a network, and nothing is fetched."""
    text_curve: Curve | None = None
    """The curve for text queries; None if none was measured: unrelated scores are then taken to be normal."""


class Encoder(Protocol):
    """Maps pictures and texts into one vector space; loads each tower when it is first needed."""

    @property
    def name(self) -> str:
        """`lite`, `altclip-m9`, a hub id, a directory, or the name that its package registers."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Computed without loading a tower."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def card(self) -> Card:
        """Facts about it, known without loading a tower."""

    @property
    def image_side(self) -> int:
        """Side of the image tower's square input, in pixels. A smaller picture loses detail."""

    @property
    def logit_scale(self) -> float:
        """Factor between cosine and logit, for `match`: probabilities are softmax(scale * cosine)."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, dimension)."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to (n, dimension). A text's vector does not depend on its neighbours in the batch."""


@runtime_checkable
class KnowsKinds(Protocol):
    """An encoder that can tell what a right photo scores for a text, because it knows which kinds a thing has."""

    def attainable(self, text: str, vector: Vectors) -> float | None:
        """The score of a perfect picture of one kind of the thing that `text` names.

        `vector` (dimension,) is the text's. None if the text names no thing, or a thing whose kinds are not known.
        """


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the things that a right photo must show if a text asks for several: a thing, and its colour."""

    vector: Vectors
    """Unit vector (dimension,)."""
    half: float
    """The score for `vector` at which relevance is 0.5; above 0."""
    steepness: float
    """The exponent on the odds, (score / half) ** steepness."""


@runtime_checkable
class KnowsConditions(Protocol):
    """An encoder that can tell what a right photo must show, each by itself."""

    def conditions(self, text: str) -> Sequence[Condition]:
        """All must hold for a photo to be right; empty if the encoder cannot tell them apart."""


@runtime_checkable
class KnowsThings(Protocol):
    """An encoder that brings what it makes of the English names of things, so that no library has to encode them."""

    def things(self, names: Sequence[str]) -> tuple[Vectors, Vectors] | None:
        """(vectors (n, dimension), attainable scores (n,), NaN for none); None if it does not know all the names."""

    def has_thing(self, name: str, language: str) -> bool:
        """Whether the thing's name in a language finds the photos that its English `name` finds."""


@runtime_checkable
class KnowsTextStates(Protocol):
    """An encoder whose text tower gives AltDiffusion what its pipelines take as `prompt_embeds`."""

    def text_states(self, prompts: Sequence[str], length: int = 77) -> Vectors:
        """States of the tokens of texts that are padded or truncated to `length` tokens: (n, length, d), float32.

        Raises NotADualEncoder if the checkpoint has none, UsageError if `length` is not possible.
        """


@runtime_checkable
class Preparable(Protocol):
    """An encoder that can be made faster for this machine."""

    def prepare(self, pictures: Sequence[Image.Image], say: Callable[[str], object]) -> None:
        """Quantise and measure with upright RGB pictures, and keep the result for later processes too.

        `say` is told what was measured. Raises EncoderUnavailable if a package is missing, OSError if nothing can be
        written.
        """

    def prepare_beside(self) -> None:
        """Do so in another process during the index run that begins, with some of its pictures, if it is long."""


@dataclass(frozen=True)
class Registration:
    """An encoder that users choose by its name. An entry point of the group `polyglance.encoders` names one.

    `create` may raise EncoderError. Without `fetch` nothing is ever downloaded. `download_bytes` is 0 if nothing is
    downloaded and None if the size is unknown.
    """

    name: str
    dimension: int
    card: Card
    create: Callable[[Settings], Encoder]
    """Creates the encoder without loading a tower. Called only if `is_ready`."""
    is_ready: Callable[[], bool] = lambda: True
    """Whether it works on this machine without a network."""
    fetch: Callable[[Progress], None] | None = None
    """Downloads the files that it needs. Its progress counts bytes."""
    download_bytes: int | None = 0


def checked(vectors: Vectors, count: int, dimension: int) -> Vectors:
    """Return `vectors` if they are `count` finite unit rows of `dimension` float32, else raise EncoderOutputError."""
    if vectors.shape != (count, dimension) or vectors.dtype != np.float32:
        raise EncoderOutputError(
            f"The encoder returned {vectors.dtype} {vectors.shape}, expected float32 {(count, dimension)}."
        )
    if not np.isfinite(vectors).all():
        raise EncoderOutputError("The encoder returned vectors that are not finite.")
    norms = np.linalg.norm(vectors, axis=1)
    if count and float(np.abs(norms - 1).max()) > UNIT_NORM_TOLERANCE:
        raise EncoderOutputError("The encoder returned vectors that are not of length 1.")
    return vectors
