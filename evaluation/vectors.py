"""Pictures and texts -> vectors, the way the shipped pipeline makes them, remembered between runs.

pictures -> [read, hash, decode]* -> batch -> encode      (a known content hash is neither decoded nor encoded)
texts -> unlike ones -> batch -> encode
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from PIL import Image

from ..arrays import Floats
from ..config import Settings
from ..data import paths
from ..data.pictures import files, images
from ..datasets.sets import Pixels, Source
from ..encoders.base import Encoder
from ..errors import PictureError
from .cache import VectorCache

Progress: TypeAlias = Callable[[int, int, int], None]
"""Called with (done, of how many, failed so far), first with nothing done."""

WINDOW_BATCHES = 2
"""Batches of decoded pictures in memory at most, as in the indexing pipeline."""

TEXTS_AT_ONCE = 256


@dataclass(frozen=True)
class Failure:
    """A picture that is missing or cannot be read: its number in the set, its path for reading, and why."""

    number: int
    path: str
    reason: str


@dataclass(frozen=True)
class Encoded:
    """Vectors (n, d) of the pictures that could be read, in order, and those that could not."""

    vectors: Floats
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class _Read:
    number: int
    key: bytes = b""
    image: Image.Image | None = None
    failure: Failure | None = None


def silent(_done: int, _total: int, _failed: int) -> None:
    """Progress that nobody watches."""


def encode_images(
    encoder: Encoder, sources: Sequence[Source], settings: Settings, folder: Path, progress: Progress = silent
) -> Encoded:
    """Encode pictures with what indexing uses: its decoder, at the encoder's side, its batches, float16 as stored.

    Vectors are kept below `folder`. Raises EncoderError.
    """
    cache = VectorCache(folder, encoder.fingerprint, "images")
    keys: list[bytes] = []
    failures: list[Failure] = []
    batch: dict[bytes, Image.Image] = {}
    progress(0, len(sources), 0)
    try:
        for done, item in enumerate(_read_all(encoder, sources, settings, cache), start=1):
            if item.failure:
                failures.append(item.failure)
            else:
                keys.append(item.key)
                if item.image is not None and item.key not in cache:
                    batch[item.key] = item.image
            if len(batch) >= settings.batch_size or done == len(sources):
                _encode(encoder, batch, cache)
                progress(done, len(sources), len(failures))
    finally:
        cache.flush()
    return Encoded(cache.get(keys), tuple(failures))


def encode_texts(encoder: Encoder, texts: Sequence[str], folder: Path, progress: Progress = silent) -> Floats:
    """Vectors (n, d) of texts normalised as queries are, each unlike text encoded once. Raises EncoderError."""
    cache = VectorCache(folder, encoder.fingerprint, "texts")
    keys = {text: hashlib.sha256(text.encode()).digest() for text in texts}
    fresh = [text for text, key in keys.items() if key not in cache]
    if fresh:
        progress(0, len(fresh), 0)
    try:
        for start in range(0, len(fresh), TEXTS_AT_ONCE):
            part = fresh[start : start + TEXTS_AT_ONCE]
            cache.add([keys[text] for text in part], encoder.encode_texts(part))
            progress(start + len(part), len(fresh), 0)
    finally:
        cache.flush()
    return cache.get(keys[text] for text in texts)


def _encode(encoder: Encoder, batch: dict[bytes, Image.Image], cache: VectorCache) -> None:
    if batch:
        cache.add(batch, encoder.encode_images(list(batch.values())))
        batch.clear()


def _read_all(encoder: Encoder, sources: Sequence[Source], settings: Settings, cache: VectorCache) -> Iterator[_Read]:
    """The pictures in order, decoded unless their vector is known, read by a pool of threads ahead of time."""

    def read(job: tuple[int, Source]) -> _Read:
        number, source = job
        try:
            if isinstance(source, Pixels):
                key = hashlib.sha256(str(source.rgb.shape).encode() + source.rgb.tobytes()).digest()
                return _Read(number, key, None if key in cache else source.image())
            data = files.read_bytes(os.fsencode(source), max_bytes=settings.max_file_bytes)
            key = files.content_hash(data)
            if key in cache:
                return _Read(number, key)
            picture = images.decode(data, side=encoder.image_side, max_pixels=settings.max_pixels)
            return _Read(number, key, picture.image)
        except PictureError as error:
            return _Read(number, failure=Failure(number, display(source), error.message))

    with ThreadPoolExecutor(settings.decode_workers, "decode") as pool:
        try:
            yield from _in_order(pool, read, enumerate(sources), settings.batch_size * WINDOW_BATCHES)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[tuple[int, Source]], _Read],
    jobs: Iterable[tuple[int, Source]],
    window: int,
) -> Iterator[_Read]:
    waiting = iter(jobs)
    running: deque[Future[_Read]] = deque(pool.submit(work, job) for job in islice(waiting, window))
    while running:
        result = running.popleft().result()
        running.extend(pool.submit(work, job) for job in islice(waiting, 1))
        yield result


def display(source: Source) -> str:
    """A picture's path, or its place in a batch, as printable text."""
    if isinstance(source, Pixels):
        return source.name
    try:
        return paths.display(os.fsencode(source))
    except UnicodeEncodeError:  # half a character, which a JSON file can hold and no file name
        return paths.display(str(source).encode("utf-8", "surrogatepass"))
