"""The encoder class for AltCLIP and the other dual encoders of transformers."""

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
from .text_states import LENGTH, TextStates

if TYPE_CHECKING:
    from .towers import Part

LONGEST_STRIP = 16
"""Aspect ratio beyond which a picture's ends are cut off first; the centre crop would drop them anyway."""


class DualEncoder:
    """Implements `Encoder` with a checkpoint of transformers. Each tower loads on first use."""

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
    def checkpoint(self) -> Checkpoint:
        """The files of the model, for training."""
        return self._checkpoint

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
        return identity.fingerprint(self._checkpoint, precision.dtype_name(self._settings))

    @cached_property
    def logit_scale(self) -> float:
        """Factor between cosine and logit. SigLIP's bias is added to all logits and does not change a softmax."""
        from . import towers

        return towers.logit_scale(self._checkpoint)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode upright RGB pictures of any size to (n, dimension).

        Raises EncoderUnavailable if files are damaged, EncoderOutputError if the outputs are not unit vectors.
        """
        vectors = np.zeros((len(images), self.dimension), dtype=np.float32)
        for batch in _split_batches(range(len(images)), self._settings.batch_size):
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
                for batch in _split_batches(indices, self._settings.batch_size):
                    batch_tokens = {key: [rows[index] for index in batch] for key, rows in tokens.items()}
                    vectors[batch] = self._encode_text_batch(batch_tokens)
        return checked(vectors, len(texts), self.dimension)

    def text_states(self, prompts: Sequence[str], length: int = LENGTH) -> Vectors:
        """Implements `KnowsTextStates`. Raises NotADualEncoder, EncoderUnavailable, UsageError."""
        return self._text_states.encode(prompts, length)

    @cached_property
    def _text_states(self) -> TextStates:
        return TextStates(self._checkpoint, self._settings)

    def _encode_image_batch(self, images: list[Image.Image]) -> Vectors:
        tower, preparation = self._get_tower("vision_model")
        with self._translate_errors():
            if getattr(preparation, "do_center_crop", False):
                images = [_crop_ends(image) for image in images]
            return _run_tower(tower, tower.get_image_features, preparation(images=images, return_tensors="pt"))

    def _encode_text_batch(self, tokens: dict[str, list[list[int]]]) -> Vectors:
        import torch

        tower, _ = self._get_tower("text_model")
        with self._translate_errors():
            return _run_tower(tower, tower.get_text_features, {key: torch.tensor(rows) for key, rows in tokens.items()})

    def _tokenize(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        _, tokenizer = self._get_tower("text_model")
        padding = "max_length" if self._checkpoint.family.pads_to_length else False
        # A call changes the tokenizer's truncation and padding: concurrent calls fail with "Already borrowed".
        with self._tokenizing, self._translate_errors():
            return dict(
                tokenizer(list(texts), truncation=True, max_length=self._checkpoint.text_length, padding=padding)
            )

    def _translate_errors(self) -> AbstractContextManager[None]:
        """Some faults of a checkpoint's files only show when something is encoded."""
        from . import towers

        return towers.translate_errors(self._checkpoint, "used")

    def _get_tower(self, part: Part) -> tuple[Any, Any]:
        """The tower and its tokenizer or image processor, loaded on first use."""
        with self._loading[part]:
            if part not in self._loaded:
                self._loaded[part] = self._load(part)
            return self._loaded[part]

    def _load(self, part: Part) -> tuple[Any, Any]:
        import torch

        from . import towers

        dtype = getattr(torch, self.fingerprint.dtype)
        load_preparation = towers.load_tokenizer if part == "text_model" else towers.load_preparation
        preparation = load_preparation(self._checkpoint)
        return towers.load_tower(self._checkpoint, part, precision.device(self._settings), dtype), preparation


def _run_tower(tower: Any, encode: Callable[..., Any], inputs: Mapping[str, Any]) -> Vectors:
    """Run a tower and normalise its output in float32."""
    import torch

    on_device = {
        key: value.to(tower.device, tower.dtype if value.is_floating_point() else value.dtype)
        for key, value in inputs.items()
    }
    with torch.inference_mode():
        projected = encode(**on_device).pooler_output.float()
        vectors: Vectors = torch.nn.functional.normalize(projected, dim=-1).cpu().numpy()
    return vectors


def _split_batches(indices: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(indices), size):
        yield list(indices[start : start + size])


def _crop_ends(image: Image.Image) -> Image.Image:
    """Cut off the ends of a long strip: resizing its short side would make a picture of gigabytes."""
    width, height = image.size
    longest = LONGEST_STRIP * min(width, height)
    if max(width, height) <= longest:
        return image
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    return image.crop((left, top, min(width, left + longest), min(height, top + longest)))
