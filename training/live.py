"""A model in training as an `Encoder`, so that our own evaluation measures it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..encoders.base import Card, Fingerprint, Vectors, checked
from .accumulation import micro_batches
from .models import DualModel
from .pictures import Preparation

BATCH = 32


class LiveEncoder:
    """Implements `Encoder` with the weights of this moment. `step` tells its fingerprints apart.

    If the image tower is not trained, the image side of the fingerprint stays the same.
    """

    def __init__(
        self, dual: DualModel, preparation: Preparation, device: torch.device, step: int, *, trains_images: bool
    ) -> None:
        self._dual, self._preparation, self._device = dual, preparation, device
        self._weights = f"in training, step {step if trains_images else 0}"
        self._step = step
        self.name = dual.source.name
        self.dimension = dual.source.dimension
        self.image_side = dual.source.image_side
        self.card = Card()

    @property
    def fingerprint(self) -> Fingerprint:
        """An identity inside the run."""
        return Fingerprint(self._weights, "", self.dimension, "l2", "float32", f"step {self._step}")

    @property
    def logit_scale(self) -> float:
        """Factor between cosine and logit."""
        return float(self._dual.model.logit_scale.exp())

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors (n, dimension) of upright RGB pictures."""
        with torch.inference_mode():
            parts = [
                self._dual.embed_pixels(self._preparation.prepare(part, self._device))
                for part in micro_batches(images, BATCH)
            ]
        return self._encode(parts, len(images))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dimension) of texts."""
        with torch.inference_mode():
            parts = [self._dual.embed_texts(part, self._device) for part in micro_batches(texts, BATCH)]
        return self._encode(parts, len(texts))

    def _encode(self, parts: Sequence[Tensor], count: int) -> Vectors:
        if not parts:
            return np.zeros((0, self.dimension), np.float32)
        vectors: Vectors = torch.nn.functional.normalize(torch.cat(list(parts)).float(), dim=-1).detach().cpu().numpy()
        return checked(vectors, count, self.dimension)
