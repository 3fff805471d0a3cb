"""What an encoder is: pictures and texts in, unit vectors of one space out, with an identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import EncoderOutputError

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
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages its texts may be in."""

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
