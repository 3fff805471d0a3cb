"""Encodes pictures and texts as the indexing pipeline and searches do, with a cache between runs.

pictures -> [read, hash, decode]* -> batch -> encode      (a cached content hash is neither decoded nor encoded)
texts -> unique texts -> batch -> encode
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..arrays import Floats
from ..config import Settings
from ..data import paths
from ..data.pictures import files, images
from ..data.pictures.ahead import map_ordered
from ..datasets.sets import Pixels, Source
from ..encoders.base import Encoder
from ..errors import PictureError
from ..progress import Progress, Tick, silent
from .cache import VectorCache

WINDOW_BATCHES = 2
"""Maximum number of batches of decoded pictures in memory, as in the indexing pipeline."""

TEXT_BATCH = 256


@dataclass(frozen=True)
class Failure:
    """A picture that is missing or cannot be read: its number in the set, its printable path, and the reason."""

    number: int
    path: str
    reason: str


@dataclass(frozen=True)
class Encoded:
    """Vectors (n, d) of the pictures that could be read, in order, and the failures of the others."""

    vectors: Floats
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class _ReadPicture:
    number: int
    key: bytes = b""
    image: Image.Image | None = None
    failure: Failure | None = None


def encode_images(
    encoder: Encoder, sources: Sequence[Source], settings: Settings, folder: Path, progress: Progress = silent
) -> Encoded:
    """Encode pictures as an index run does: decoded at the encoder's side, in batches, rounded to float16.

    Vectors are cached below `folder`. Raises EncoderError.
    """
    cache = VectorCache(folder, encoder.fingerprint, "images")
    keys: list[bytes] = []
    failures: list[Failure] = []
    batch: dict[bytes, Image.Image] = {}
    progress(Tick(0, len(sources)))
    try:
        for done, picture in enumerate(_read_all(encoder, sources, settings, cache), start=1):
            if picture.failure:
                failures.append(picture.failure)
            else:
                keys.append(picture.key)
                if picture.image is not None and picture.key not in cache:
                    batch[picture.key] = picture.image
            if len(batch) >= settings.batch_size or done == len(sources):
                _encode_batch(encoder, batch, cache)
                progress(Tick(done, len(sources), done, len(failures)))
    finally:
        cache.flush()
    return Encoded(cache.get(keys), tuple(failures))


def encode_texts(encoder: Encoder, texts: Sequence[str], folder: Path, progress: Progress = silent) -> Floats:
    """Vectors (n, d) of normalised texts; equal texts are encoded once. Raises EncoderError."""
    cache = VectorCache(folder, encoder.fingerprint, "texts")
    keys = {text: hashlib.sha256(text.encode()).digest() for text in texts}
    fresh = [text for text, key in keys.items() if key not in cache]
    if fresh:
        progress(Tick(0, len(fresh)))
    try:
        for start in range(0, len(fresh), TEXT_BATCH):
            batch = fresh[start : start + TEXT_BATCH]
            cache.add([keys[text] for text in batch], encoder.encode_texts(batch))
            progress(Tick(start + len(batch), len(fresh), start + len(batch)))
    finally:
        cache.flush()
    return cache.get(keys[text] for text in texts)


def _encode_batch(encoder: Encoder, batch: dict[bytes, Image.Image], cache: VectorCache) -> None:
    if batch:
        cache.add(batch, encoder.encode_images(list(batch.values())))
        batch.clear()


def _read_all(
    encoder: Encoder, sources: Sequence[Source], settings: Settings, cache: VectorCache
) -> Iterator[_ReadPicture]:
    """Read the pictures in order, with threads that read ahead. Pictures with cached vectors are not decoded."""

    def read(job: tuple[int, Source]) -> _ReadPicture:
        number, source = job
        try:
            if isinstance(source, Pixels):
                key = hashlib.sha256(str(source.rgb.shape).encode() + source.rgb.tobytes()).digest()
                return _ReadPicture(number, key, None if key in cache else source.image())
            data = files.read_bytes(os.fsencode(source), max_bytes=settings.max_file_bytes)
            key = files.content_hash(data)
            if key in cache:
                return _ReadPicture(number, key)
            picture = images.decode(data, side=encoder.image_side, max_pixels=settings.max_pixels)
            return _ReadPicture(number, key, picture.image)
        except PictureError as error:
            return _ReadPicture(number, failure=Failure(number, display(source), error.message))

    with ThreadPoolExecutor(settings.decode_workers, "decode") as pool:
        try:
            yield from map_ordered(pool, read, enumerate(sources), settings.batch_size * WINDOW_BATCHES)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def display(source: Source) -> str:
    """A picture's path, or its name in a batch of CIFAR-10, as printable text."""
    if isinstance(source, Pixels):
        return source.name
    try:
        return paths.display(os.fsencode(source))
    except UnicodeEncodeError:  # a lone surrogate, which a JSON file may contain, but no file name
        return paths.display(str(source).encode("utf-8", "surrogatepass"))
