"""Cache of vectors: a stopped evaluation resumes, and another evaluation of the same encoder takes seconds.

Each kind of an encoder (its fingerprint's image or text side) has a folder. It contains files of about a thousand (key,
vector) records, which are written once, atomically, and named by their checksum. A damaged file is ignored and its
vectors are computed again.
"""

from __future__ import annotations

import contextlib
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import platformdirs

from .. import atomic
from ..arrays import Floats
from ..encoders.base import Fingerprint

Kind: TypeAlias = Literal["images", "texts"]

DTYPES = {"images": "<f2", "texts": "<f4"}
"""Vectors of pictures are float16, as in the catalog; vectors of texts float32, because a library stores no queries."""

FILE_VECTORS = 1024
FILE_SECONDS = 20.0
"""A file is written after so many vectors or seconds; a killed run loses no more."""


def default_folder() -> Path:
    """The cache's folder without `--cache`."""
    return Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "evaluation"


class VectorCache:
    """The vectors of one encoder and kind by 32-byte key. For one thread; several processes may share a folder."""

    def __init__(self, folder: Path, fingerprint: Fingerprint, kind: Kind) -> None:
        digest, earlier = fingerprint.text_digest, fingerprint.earlier_text
        if kind == "images":
            digest, earlier = fingerprint.digest, fingerprint.earlier
        self._folder = folder / digest / kind
        self._dtype = np.dtype([("key", "u1", (32,)), ("vector", DTYPES[kind], (fingerprint.dimension,))])
        self._stored: dict[bytes, npt.NDArray[Any]] = {}
        self._new: dict[bytes, npt.NDArray[Any]] = {}
        self._last_write = time.monotonic()
        for stored in (*earlier, digest):
            for file in sorted((folder / stored / kind).glob("*.npy")):
                self._read(file)

    def __contains__(self, key: bytes) -> bool:
        return key in self._stored or key in self._new

    def get(self, keys: Iterable[bytes]) -> Floats:
        """Vectors (n, d) of keys that the cache has, in their stored precision. Raises KeyError."""
        rows = [self._stored[key] if key in self._stored else self._new[key] for key in keys]
        return np.stack(rows).astype(np.float32) if rows else np.empty((0, *self._dtype["vector"].shape), np.float32)

    def add(self, keys: Iterable[bytes], vectors: Floats) -> None:
        """Add vectors, and write a file when there are enough."""
        records = vectors.astype(self._dtype["vector"].base)
        self._new.update(zip(keys, records, strict=True))
        if len(self._new) >= FILE_VECTORS or time.monotonic() - self._last_write > FILE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the new vectors to a file. If that fails, everything still works, but later runs take longer."""
        if not self._new:
            return
        records = np.empty(len(self._new), self._dtype)
        records["key"] = np.frombuffer(b"".join(self._new), np.uint8).reshape(-1, 32)
        records["vector"] = list(self._new.values())
        self._stored.update(self._new)
        self._new = {}
        self._last_write = time.monotonic()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            target = self._folder / f"{_checksum(records)}.npy"
            with atomic.whole_file(target, durable=False) as temporary, temporary.open("wb") as file:
                np.save(file, records)

    def _read(self, file: Path) -> None:
        """Map one file into memory; ignore it if it is damaged or has another shape."""
        try:
            records = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return
        if records.dtype == self._dtype and records.ndim == 1 and _checksum(records) == file.stem:
            keys = records["key"].tobytes()
            vectors = records["vector"]
            self._stored.update((keys[32 * row : 32 * row + 32], vectors[row]) for row in range(len(records)))


def _checksum(records: npt.NDArray[Any]) -> str:
    return f"{zlib.crc32(records.tobytes()):08x}-{len(records)}"
