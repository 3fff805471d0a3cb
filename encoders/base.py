"""What an encoder is: pictures and texts in, unit vectors of one space out, with an identity and facts about itself.

Another package adds an encoder by a `Registration` and an entry point: see docs/encoders.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, TypeAlias

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
    """Identity of an encoder's outputs. Vectors of different fingerprints never meet in one search."""

    weights: str
    preprocessing: str
    dimension: int
    normalisation: str
    dtype: str

    @property
    def digest(self) -> str:
        """32 hexadecimal digits over all five fields; what the catalog stores."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Curve:
    """How the scores of an encoder's texts were measured: relevance 0.5 at `half` deviations above the background.

    The odds of relevance grow as the deviations to the power of `steepness`: logistic regression on their logarithm.
    `spread` is the usual deviation of a background. docs/relevance.md says how to measure them.
    """

    half: float
    steepness: float
    spread: float


@dataclass(frozen=True, slots=True)
class Card:
    """What an encoder says about itself, without loading anything."""

    description: str = ""
    """One sentence for the list of encoders."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages its texts may be in."""
    note: str = ""
    """One sentence that the user is told with its answers: what they are worth, and how to get better ones."""
    is_embedded: bool = False
    """Whether it comes with its package: it works without a network, and there is nothing to fetch."""
    text_curve: Curve | None = None
    """The curve of its texts' scores; None where unrelated scores are taken for normal."""


class Encoder(Protocol):
    """Maps pictures and texts into one vector space; loads each tower when it is first needed."""

    @property
    def name(self) -> str:
        """The name it is asked for by: `lite`, `altclip-m9`, a hub id or a directory."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Computed without loading a tower."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def card(self) -> Card:
        """What is known of it without loading a tower."""

    @property
    def image_side(self) -> int:
        """Side of the square its image tower sees, in pixels: a smaller picture loses detail."""

    @property
    def logit_scale(self) -> float:
        """Factor between cosine and logit, for `match`: probabilities are softmax(scale * cosine)."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, dimension)."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to (n, dimension). A text's vector does not depend on its neighbours in the batch."""


@dataclass(frozen=True)
class Registration:
    """An encoder that can be asked for by its name: what an entry point of the group `polyglance.encoders` leads to.

    `create` may raise EncoderError; without `fetch` nothing is ever downloaded. `download_bytes` is 0 where nothing is
    downloaded and None where the size is not known.
    """

    name: str
    dimension: int
    card: Card
    create: Callable[[Settings], Encoder]
    """The encoder, with no tower loaded yet. Called when `is_ready`."""
    is_ready: Callable[[], bool] = lambda: True
    """Whether it works on this machine without a network."""
    fetch: Callable[[Progress], None] | None = None
    """Download what it needs. Progress counts bytes: those here, and those of all files."""
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
