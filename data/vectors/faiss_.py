"""FAISS: loading it, and what several indexes do with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ...errors import LibraryError
from . import snapshot


def _imported() -> Any:
    """Import FAISS, with threads that sleep while they wait (OpenMP reads the variable when it is loaded).

    By default its threads spin while they wait for each other, for whole time slices of a busy processor: on two
    busy cores a search of 1,000,000 vectors then took 53 ms at the median instead of 8.
    """
    name = "OMP_WAIT_POLICY"
    before = os.environ.get(name)
    os.environ.setdefault(name, "passive")
    try:
        import faiss
    except ImportError as error:
        raise LibraryError(
            "FAISS is not installed.", "Run: pip install 'polyglance[cpu]' (or [gpu], never both)."
        ) from error
    finally:
        if before is None:
            del os.environ[name]
    return faiss


faiss = _imported()

__all__ = ["faiss", "mapped", "on_gpu", "padded", "read", "selector", "width", "write"]

LANES = 16
"""FAISS multiplies 16 components at a time (8 without AVX-512), and one by one where the dimension is no multiple:
20,000 vectors of lite's 1011 components then took 25 ms a search instead of 3."""

BITS_PER_ID = 4096
"""A selection with fewer than one id in this many, of more ids than a megabyte has bits, is a hash set, no bitmap."""


def width(dimension: int) -> int:
    """The dimension of an index for vectors of `dimension`: the next multiple of LANES."""
    return -(-dimension // LANES) * LANES


def padded(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Vectors, shape (n, dimension), with zeros up to `width(dimension)`; zeros do not change inner products."""
    missing = width(vectors.shape[1]) - vectors.shape[1]
    return np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors


def selector(among: npt.NDArray[np.int64]) -> Any:
    """A selector of ids (ascending): one bit for each id up to the highest, unless they lie too far apart for that."""
    highest = int(among[-1])
    if highest > BITS_PER_ID * len(among) + (1 << 23):
        return faiss.IDSelectorBatch(among)
    chosen = np.zeros(highest + 1, bool)
    chosen[among] = True
    return faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))


def on_gpu(index: Any) -> Any:
    """The same index on all graphics processors that FAISS sees, or itself where it sees none."""
    if getattr(faiss, "get_num_gpus", int)() > 0:
        return faiss.index_cpu_to_all_gpus(index)
    return index


def read(file: BinaryIO) -> Any:
    """Read an index into memory. Raises SnapshotInvalid."""
    return _attempt(lambda: faiss.read_index(faiss.PyCallbackIOReader(file.read, snapshot.CHUNK)))


def mapped(path: Path, file: BinaryIO) -> Any:
    """Map the index at the beginning of an open file into memory; read it where mapping is impossible.

    Mapping is impossible on Windows, and for a name that FAISS does not accept. Raises SnapshotInvalid.
    """
    try:
        name = str(path)
        name.encode()
        index = faiss.read_index(name, faiss.IO_FLAG_MMAP)
    except (UnicodeEncodeError, RuntimeError):
        return read(file)
    if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
        raise snapshot.SnapshotInvalid("it was replaced meanwhile")
    return index


def write(index: Any, put: Callable[[bytes], object]) -> None:
    """Write an index by `put`. Raises OSError."""
    failed: list[OSError] = []

    def attempt(data: bytes) -> None:
        try:
            put(data)
        except OSError as error:
            failed.append(error)
            raise

    try:
        faiss.write_index(index, faiss.PyCallbackIOWriter(attempt, snapshot.CHUNK))
    except RuntimeError as error:  # FAISS raises it for any error of a callback: raise the callback's own (a full disk)
        raise (failed[0] if failed else OSError(str(error))) from error


def _attempt(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except RuntimeError as error:
        raise snapshot.SnapshotInvalid(f"FAISS cannot read it ({str(error).splitlines()[0]})") from error
