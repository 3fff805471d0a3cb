"""AltCLIP and the other dual encoders of transformers: one class for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ...config import Settings
from ..base import Card, Fingerprint, Vectors, checked
from . import identity, precision
from .checkpoint import Checkpoint
from .known import card

if TYPE_CHECKING:
    from .towers import Part

LONGEST_STRIP = 16
"""Ratio of sides beyond which a picture's ends, which the square crop never shows, are cut off first."""


class DualEncoder:
    """A checkpoint of transformers that maps pictures and texts into one space. Towers load on first use."""

    def __init__(self, checkpoint: Checkpoint, settings: Settings) -> None:
        self._checkpoint = checkpoint
        self._settings = settings
        self._loading: dict[Part, Lock] = {"text_model": Lock(), "vision_model": Lock()}
        self._loaded: dict[Part, tuple[Any, Any]] = {}
        self._tokenizing = Lock()

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
        """What is known of it without loading a tower."""
        return card(self._checkpoint.name, self._checkpoint.languages)

    @property
    def image_side(self) -> int:
        """Side of the square its image tower sees, in pixels."""
        return self._checkpoint.image_side

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Identity of the vectors, found without loading a tower. Raises EncoderUnavailable."""
        return identity.fingerprint(self._checkpoint, precision.dtype_name(self._settings))

    @cached_property
    def logit_scale(self) -> float:
        """Factor between cosine and logit; SigLIP's bias shifts all logits alike, so a softmax ignores it."""
        from . import towers

        return towers.logit_scale(self._checkpoint)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, dimension).

        Raises EncoderUnavailable if files are damaged, EncoderOutputError if the vectors are no unit vectors.
        """
        vectors = np.zeros((len(images), self.dimension), dtype=np.float32)
        for part in _batches(range(len(images)), self._settings.batch_size):
            vectors[part] = self._image_batch([images[index] for index in part])
        return checked(vectors, len(images), self.dimension)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to (n, dimension), what is beyond the tower's length cut off.

        Texts of one length share a batch, so that none is padded for another. Raises as `encode_images`.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if texts:
            tokens = self._tokens(texts)
            lengths: dict[int, list[int]] = {}
            for index, ids in enumerate(tokens["input_ids"]):
                lengths.setdefault(len(ids), []).append(index)
            for same in lengths.values():
                for part in _batches(same, self._settings.batch_size):
                    vectors[part] = self._text_batch({key: [rows[i] for i in part] for key, rows in tokens.items()})
        return checked(vectors, len(texts), self.dimension)

    def _image_batch(self, images: list[Image.Image]) -> Vectors:
        tower, preparation = self._tower("vision_model")
        with self._clear_errors():
            if getattr(preparation, "do_center_crop", False):
                images = [_without_ends(image) for image in images]
            return _features(tower, tower.get_image_features, preparation(images=images, return_tensors="pt"))

    def _text_batch(self, tokens: dict[str, list[list[int]]]) -> Vectors:
        import torch

        tower, _ = self._tower("text_model")
        with self._clear_errors():
            return _features(tower, tower.get_text_features, {key: torch.tensor(rows) for key, rows in tokens.items()})

    def _tokens(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        _, tokenizer = self._tower("text_model")
        padding = "max_length" if self._checkpoint.family.pads_to_length else False
        # A call sets truncation and padding inside the tokenizer: two at once fail with "Already borrowed".
        with self._tokenizing, self._clear_errors():
            return dict(
                tokenizer(list(texts), truncation=True, max_length=self._checkpoint.text_length, padding=padding)
            )

    def _clear_errors(self) -> AbstractContextManager[None]:
        """What a checkpoint's files say may turn out wrong only when something is encoded."""
        from . import towers

        return towers.clear_errors(self._checkpoint, "used")

    def _tower(self, part: Part) -> tuple[Any, Any]:
        """The tower and what prepares its input, loaded by the first thread that asks."""
        with self._loading[part]:
            if part not in self._loaded:
                self._loaded[part] = self._load(part)
            return self._loaded[part]

    def _load(self, part: Part) -> tuple[Any, Any]:
        import torch

        from . import towers

        dtype = getattr(torch, self.fingerprint.dtype)
        prepare = towers.load_tokenizer if part == "text_model" else towers.load_preparation
        entrance = prepare(self._checkpoint)
        return towers.load_tower(self._checkpoint, part, precision.device(self._settings), dtype), entrance


def _features(tower: Any, encode: Callable[..., Any], inputs: Mapping[str, Any]) -> Vectors:
    """Run a tower; its output is normalised here, always in float32."""
    import torch

    placed = {
        key: value.to(tower.device, tower.dtype if value.is_floating_point() else value.dtype)
        for key, value in inputs.items()
    }
    with torch.inference_mode():
        projected = encode(**placed).pooler_output.float()
        vectors: Vectors = torch.nn.functional.normalize(projected, dim=-1).cpu().numpy()
    return vectors


def _batches(indices: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(indices), size):
        yield list(indices[start : start + size])


def _without_ends(image: Image.Image) -> Image.Image:
    """Cut off the ends of a long strip, which resizing its short side would blow up to gigabytes."""
    width, height = image.size
    longest = LONGEST_STRIP * min(width, height)
    if max(width, height) <= longest:
        return image
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    return image.crop((left, top, min(width, left + longest), min(height, top + longest)))
