"""Zero-shot matching of one picture with several texts: AltCLIP's inference example."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..config import Settings, load
from ..data import paths
from ..encoders import registry
from ..encoders.base import Encoder
from .query import pictures
from .query.normalise import normalise


def match(encoder: Encoder, image: Image.Image, texts: Sequence[str]) -> list[float]:
    """Probabilities of `texts` for the picture: softmax(logit_scale * cosine), summing to 1.

    The formula is CLIP's (arXiv 2103.00020, figure 3), which AltCLIP keeps.
    """
    logits = encoder.logit_scale * (encoder.encode_texts(texts) @ encoder.encode_images([image])[0])
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return [float(p) for p in shifted / shifted.sum()]


def match_file(
    image: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    texts: Sequence[str],
    encoder: str | None = None,
    *,
    settings: Settings | None = None,
) -> tuple[str, list[float]]:
    """(Name of the encoder, probabilities of `texts` for the picture in a file, summing to 1).

    `encoder` defaults to the settings'. Raises PictureError, QueryError, and what `registry.create` raises.
    """
    settings = settings or load()
    made = registry.create(registry.resolve(encoder or settings.encoder, settings), settings)
    picture = pictures.from_file(paths.absolute(image), made.image_side, settings)
    return made.name, match(made, picture, [normalise(text, settings.max_query_chars) for text in texts])
