"""An encoder that sleeps for each query, one at a time in a process, as a processor or card that is fully used.

It can sleep for each picture too.

Every process finds it by the entry point that `register` writes; `POLYGLANCE_SLEEP` is how long it sleeps, in seconds.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from polyglance.encoders.base import Card, Fingerprint, Registration, Vectors

NAME = "sleeping"
DIMENSION = 16


class SleepingEncoder:
    """Vectors of pictures are their mean colours, those of texts are drawn at random by their hash."""

    name = NAME
    dimension = DIMENSION
    card = Card(languages=("en",))
    image_side = 32
    logit_scale = 10.0
    fingerprint = Fingerprint(NAME, "mean", DIMENSION, "l2", "float32")

    def __init__(self, seconds: float, picture_seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._picture_seconds = picture_seconds
        self._turn = threading.Lock()

    def __reduce__(self) -> tuple[object, ...]:
        """A worker of Ray gets one of its own."""
        return type(self), (self._seconds, self._picture_seconds)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        time.sleep(self._picture_seconds * len(images))
        rows = [np.resize(np.asarray(image, np.float32).mean((0, 1)), DIMENSION) + 1 for image in images]
        return _unit(np.array(rows, np.float32).reshape(-1, DIMENSION))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        with self._turn:
            time.sleep(self._seconds * len(texts))
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") for text in texts]
        return _unit(np.array([np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds], np.float32))


def _unit(rows: Vectors) -> Vectors:
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


REGISTRATION = Registration(
    name=NAME,
    dimension=DIMENSION,
    card=SleepingEncoder.card,
    create=lambda _: SleepingEncoder(float(os.environ.get("POLYGLANCE_SLEEP", "0"))),
    is_ready=lambda: True,
)


def register(folder: Path) -> dict[str, str]:
    """Write the entry point into `folder`. Return the environment in which processes find it."""
    metadata = folder / "sleeping_encoder-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeping-encoder\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[polyglance.encoders]\n{NAME} = {__name__}:REGISTRATION\n")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
