"""Zero-shot matching of one picture with several texts: AltCLIP's inference example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..encoders.base import Encoder


def match(encoder: Encoder, image: Image.Image, texts: Sequence[str]) -> list[float]:
    """Probabilities of `texts` for the picture: softmax(logit_scale * cosine), summing to 1.

    The formula is CLIP's (arXiv 2103.00020, figure 3), which AltCLIP keeps.
    """
    logits = encoder.logit_scale * (encoder.encode_texts(texts) @ encoder.encode_images([image])[0])
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return [float(p) for p in shifted / shifted.sum()]
