"""Zero-shot matching of one picture with several texts, as in AltCLIP's inference example."""

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
    exponentials = np.exp(logits.astype(np.float64) - logits.max())
    return [float(probability) for probability in exponentials / exponentials.sum()]


def match_file(
    image: str | bytes | os.PathLike[str] | os.PathLike[bytes],
    texts: Sequence[str],
    encoder: str | None = None,
    *,
    settings: Settings | None = None,
) -> tuple[str, list[float]]:
    """Match a picture file: (name of the encoder, probabilities of `texts`, which sum to 1).

    `encoder` defaults to the settings'. Raises PictureError, QueryError, and what `registry.create` raises.
    """
    settings = settings or load()
    loaded = registry.create(registry.resolve(encoder or settings.encoder, settings), settings)
    picture = pictures.from_file(paths.absolute(image), loaded.image_side, settings)
    return loaded.name, match(loaded, picture, [normalise(text, settings.max_query_chars) for text in texts])
