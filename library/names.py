"""Vectors of the names of things by the library's encoder, encoded once and kept in the library."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .. import atomic
from ..arrays import Floats
from ..encoders.base import Encoder, Fingerprint
from ..search import things
from .parts import Parts

log = logging.getLogger("polyglance")

FOLDER = "things"
"""Folder in the library: a file for each encoder, named by what its vectors depend on."""

KEPT = 5
"""Files that are kept, so that switching back to another text tower encodes nothing. One has some 3 MB."""

AT_ONCE = 32
"""Names that are encoded in one go."""


class NamesIncomplete(Exception):
    """The work was stopped before all names were encoded."""


def names_of_things(
    parts: Parts, encoder: Encoder, names: Sequence[str], is_over: Callable[[], bool]
) -> tuple[Floats, Floats]:
    """(vectors (n, dimension), attainable scores (n,), NaN for none) of English names.

    The encoder brings them, or they are read from the library, or encoded: a minute or so. Raises NamesIncomplete if
    that `is_over` first, and what the encoder raises.
    """
    brought = things.read_names(encoder, names)
    if brought is not None:
        return brought
    paths = [parts.folder / FOLDER / f"{_digest(each, names)}.npz" for each in encoder.fingerprint.alike()]
    path = next(filter(os.path.exists, paths), paths[0])  # of another precision, if the library has its vectors
    vectors = _read(path, (len(names), encoder.dimension))
    if vectors is None:
        encoded = []
        for start in range(0, len(names), AT_ONCE):
            if is_over():
                raise NamesIncomplete
            encoded.append(encoder.encode_texts(names[start : start + AT_ONCE]))
        vectors = np.concatenate(encoded)
        _write(path, vectors)
    return vectors, things.attainable(encoder, names, vectors)


def _digest(fingerprint: Fingerprint, names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([fingerprint.text_digest, *names]).encode()).hexdigest()[:32]


def _read(path: Path, shape: tuple[int, int]) -> Floats | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            vectors: Floats = arrays["vectors"]
    except (OSError, ValueError, KeyError):
        return None
    return vectors if vectors.shape == shape and vectors.dtype == np.float32 else None


def _write(path: Path, vectors: Floats) -> None:
    """Keep the vectors, in the place of those that were written longest ago."""
    try:
        path.parent.mkdir(exist_ok=True)
        with atomic.whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, vectors=vectors)
        for former in sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime_ns)[:-KEPT]:
            former.unlink(missing_ok=True)
    except OSError as error:
        log.info("The vectors of the names of things were not kept: %s.", error.strerror or error)
