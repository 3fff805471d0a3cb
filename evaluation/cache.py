"""Vectors kept between runs, so that a stopped evaluation goes on and another one of the same encoder costs seconds.

One folder an encoder (its fingerprint) and kind; in it, files of some thousand (key, vector) records that are written
once, whole, and named by their checksum. A file that is damaged is left out and its vectors are made again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import platformdirs

from ..arrays import Floats
from ..encoders.base import Fingerprint

Kind: TypeAlias = Literal["images", "texts"]

STORED = {"images": "<f2", "texts": "<f4"}
"""Pictures' vectors are float16, as the catalog stores them; a query's vector is never stored by a library: float32."""

FILE_VECTORS = 1024
FILE_SECONDS = 20.0
"""A file is written after so many vectors or so long: what a killed run loses at most."""


def default_folder() -> Path:
    """Where vectors are kept unless `--cache` says otherwise."""
    return Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "evaluation"


class VectorCache:
    """The vectors of one encoder and kind by 32-byte key. Not for several threads; several processes may share it."""

    def __init__(self, folder: Path, fingerprint: Fingerprint, kind: Kind) -> None:
        self._folder = folder / fingerprint.digest / kind
        self._record = np.dtype([("key", "u1", (32,)), ("vector", STORED[kind], (fingerprint.dimension,))])
        self._known: dict[bytes, npt.NDArray[Any]] = {}
        self._fresh: dict[bytes, npt.NDArray[Any]] = {}
        self._written = time.monotonic()
        for file in sorted(self._folder.glob("*.npy")):
            self._open(file)

    def __contains__(self, key: bytes) -> bool:
        return key in self._known or key in self._fresh

    def get(self, keys: Iterable[bytes]) -> Floats:
        """Vectors (n, d) of keys that are all here, with the precision that they are stored in."""
        rows = [self._known[key] if key in self._known else self._fresh[key] for key in keys]
        return np.stack(rows).astype(np.float32) if rows else np.empty((0, *self._record["vector"].shape), np.float32)

    def add(self, keys: Iterable[bytes], vectors: Floats) -> None:
        """Take in vectors, and write them once there are enough."""
        stored = vectors.astype(self._record["vector"].base)
        self._fresh.update(zip(keys, stored, strict=True))
        if len(self._fresh) >= FILE_VECTORS or time.monotonic() - self._written > FILE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is new. A cache that cannot be written costs time, nothing else."""
        if not self._fresh:
            return
        records = np.empty(len(self._fresh), self._record)
        records["key"] = np.frombuffer(b"".join(self._fresh), np.uint8).reshape(-1, 32)
        records["vector"] = list(self._fresh.values())
        self._known.update(self._fresh)
        self._fresh = {}
        self._written = time.monotonic()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    np.save(file, records)
                Path(temporary).replace(self._folder / f"{_checksum(records)}.npy")
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _open(self, file: Path) -> None:
        """Map one file; leave it out if it is damaged or of another shape."""
        try:
            records = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return
        if records.dtype == self._record and records.ndim == 1 and _checksum(records) == file.stem:
            keys = records["key"].tobytes()
            vectors = records["vector"]
            self._known.update((keys[32 * row : 32 * row + 32], vectors[row]) for row in range(len(records)))


def _checksum(records: npt.NDArray[Any]) -> str:
    return f"{zlib.crc32(records.tobytes()):08x}-{len(records)}"
