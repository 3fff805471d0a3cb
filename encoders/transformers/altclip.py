"""The encoder class for AltCLIP and the other dual encoders of transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from ...config import Settings
from ..base import Card, Fingerprint, Vectors, checked
from ..runtimes.base import Inputs
from . import identity, preparing, samples, towers
from .background import Preparation
from .checkpoint import Checkpoint
from .compiled import TowerOnThisMachine, split
from .known import card
from .tokens import Tokenizer, Tokens

LONGEST_STRIP = 16
"""Aspect ratio beyond which a picture's ends are cut off first; the centre crop would drop them anyway."""


class DualEncoder:
    """Implements `Encoder` with a checkpoint of transformers. Each tower loads on first use."""

    def __init__(self, checkpoint: Checkpoint, settings: Settings) -> None:
        self._checkpoint = checkpoint
        self._settings = settings
        self._texts = TowerOnThisMachine(checkpoint, "text_model", settings)
        self._pictures = TowerOnThisMachine(checkpoint, "vision_model", settings)
        self._loading = Lock()
        self._tokenizer = Tokenizer(checkpoint)
        self._preparation: Any = None
        self._preparing = Preparation(self._pictures, settings)

    @property
    def name(self) -> str:
        """Short name, hub id, or absolute path of the directory."""
        return self._checkpoint.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._checkpoint.dimension

    @property
    def card(self) -> Card:
        """Facts about it, known without loading a tower."""
        return card(self._checkpoint.name, self._checkpoint.languages)

    @property
    def image_side(self) -> int:
        """Side of the image tower's square input, in pixels."""
        return self._checkpoint.image_side

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Identity of the vectors, computed without loading a tower. Raises EncoderUnavailable."""
        return identity.fingerprint(self._checkpoint, self._pictures.plan.dtype)

    @cached_property
    def logit_scale(self) -> float:
        """Factor between cosine and logit. SigLIP's bias is added to all logits and does not change a softmax."""
        return towers.logit_scale(self._checkpoint)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, dimension).

        Raises EncoderUnavailable if files are damaged, EncoderOutputError if the outputs are not unit vectors.
        """
        vectors = np.zeros((len(images), self.dimension), dtype=np.float32)
        for batch in split(range(len(images)), self._settings.batch_size):
            vectors[batch] = self._encode_image_batch([images[index] for index in batch])
        return checked(vectors, len(images), self.dimension)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to (n, dimension); longer texts are truncated to the tower's length.

        A batch has texts of equal length only, so that no text is padded. Raises as `encode_images`.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if texts:
            tokens = self._tokenize(texts)
            by_length: dict[int, list[int]] = {}
            for index, ids in enumerate(tokens["input_ids"]):
                by_length.setdefault(len(ids), []).append(index)
            for indices in by_length.values():
                for batch in split(indices, self._settings.batch_size):
                    batch_tokens = {key: [rows[index] for index in batch] for key, rows in tokens.items()}
                    vectors[batch] = self._encode_text_batch(batch_tokens)
        return checked(vectors, len(texts), self.dimension)

    def prepare(self, pictures: Sequence[Image.Image], say: Callable[[str], object]) -> None:
        """Implements `Preparable`: both towers, with pictures of the library and sentences of nine languages."""
        inputs = [self._picture_inputs([picture]) for picture in pictures]
        preparing.prepare(self._checkpoint, "vision_model", self._settings, inputs, say)
        sentences = preparing.text_samples(self._checkpoint)
        preparing.prepare(self._checkpoint, "text_model", self._settings, sentences, say)
        self._pictures.reconsider()
        self._texts.reconsider()

    def prepare_beside(self) -> None:
        """Implements `Preparable`."""
        self._preparing.begin()

    def _encode_image_batch(self, images: list[Image.Image]) -> Vectors:
        with self._translate_errors():
            inputs = self._picture_inputs(images)
            vectors = _project(self._pictures, inputs)
        self._preparing.offer(inputs)
        return vectors

    def _picture_inputs(self, images: Sequence[Image.Image]) -> Inputs:
        with self._loading:
            if self._preparation is None:
                self._preparation = towers.load_preparation(self._checkpoint)
        if getattr(self._preparation, "do_center_crop", False):
            images = [_crop_ends(image) for image in images]
        return samples.prepare_pictures(self._preparation, images)

    def _encode_text_batch(self, tokens: Tokens) -> Vectors:
        with self._translate_errors():
            return _project(self._texts, {key: np.array(rows) for key, rows in tokens.items()})

    def _tokenize(self, texts: Sequence[str]) -> Tokens:
        if self._texts.opened is None and (stored := self._texts.plan.stored):
            with ThreadPoolExecutor(1, "tokenizer") as pool, self._translate_errors():
                loading = pool.submit(self._tokenizer.load_saved, stored)
                self._texts.open()  # a cold search waits for the longer of the two
                loading.result()
        return self._tokenizer.tokenize(texts)

    def _translate_errors(self) -> AbstractContextManager[None]:
        """Some faults of a checkpoint's files only show when something is encoded."""
        return towers.translate_errors(self._checkpoint, "used")


def _project(tower: TowerOnThisMachine, inputs: Inputs) -> Vectors:
    """Run a tower and normalise its output in float32."""
    projected = tower.project(inputs)
    # As torch's normalize does: a vector of zeros stays, and `checked` refuses it.
    vectors: Vectors = projected / np.maximum(np.linalg.norm(projected, axis=-1, keepdims=True), 1e-12)
    return vectors


def _crop_ends(image: Image.Image) -> Image.Image:
    """Cut off the ends of a long strip: resizing its short side would make a picture of gigabytes."""
    width, height = image.size
    longest = LONGEST_STRIP * min(width, height)
    if max(width, height) <= longest:
        return image
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    return image.crop((left, top, min(width, left + longest), min(height, top + longest)))
