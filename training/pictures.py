"""Pictures as a tower's inputs: read and decoded by threads, as indexing does it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ..config import Settings
from ..data.pictures import files, images
from ..datasets.sets import Pixels, Source
from ..encoders.transformers import towers
from ..encoders.transformers.checkpoint import Checkpoint
from ..errors import DataError, PictureError
from ..evaluation.vectors import display


class Preparation:
    """Reads pictures and prepares them for the image tower of a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, settings: Settings) -> None:
        self._processor: Any = towers.load_preparation(checkpoint)
        self._side = checkpoint.image_side
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.decode_workers, "decode")

    def read(self, sources: Sequence[Source]) -> list[Image.Image]:
        """Upright RGB pictures. Raises DataError with the name of one that cannot be read."""
        return list(self._pool.map(self._read, sources))

    def prepare(self, pictures: Sequence[Image.Image], device: torch.device) -> dict[str, Tensor]:
        """The tower's inputs of pictures."""
        inputs = self._processor(images=list(pictures), return_tensors="pt")
        return {name: rows.to(device) for name, rows in inputs.items()}

    def _read(self, source: Source) -> Image.Image:
        if isinstance(source, Pixels):
            return source.image()
        try:
            data = files.read_bytes(os.fsencode(source), max_bytes=self._settings.max_file_bytes)
            return images.decode(data, side=self._side, max_pixels=self._settings.max_pixels).image
        except PictureError as error:
            raise DataError(f"{display(source)} cannot be read: {error.message}", "Mend it or take it out.") from error
