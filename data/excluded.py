"""Vectors of photos that were excluded and are still on the disk, so that including them again encodes nothing.

A cache beside the catalog: one file for each encoder, rows of a fixed size, each with the seal that the vector had in
the catalog. A row without its seal is no row. A search never sees these vectors, and no number counts them.

A row is dropped when a photo has its content again, when its root is forgotten, after DAYS, and when there are more
rows than the library has photos (or LEAST): then the first that left go first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import atomic
from ..arrays import Floats
from .catalog import seals
from .catalog.catalog import Catalog
from .catalog.records import EncoderRecord
from .catalog.vectors import STORED

log = logging.getLogger("polyglance")

FOLDER = "excluded"
DAYS = 90
LEAST = 10_000
PREFIX_DIGITS = 16  # of the fingerprint, in the file's name

_Rows = npt.NDArray[Any]


@dataclass
class ExcludedVectors:
    """The kept vectors of a library. The writer changes them; several threads may read."""

    folder: Path
    catalog: Catalog
    _places: dict[int, dict[bytes, int]] = field(default_factory=dict)
    """Encoder id -> content hash -> number of its row."""
    _rows: dict[int, _Rows] = field(default_factory=dict)
    """Encoder id -> its rows."""

    def get(self, content_hash: bytes, encoder_id: int) -> Floats | None:
        """The kept vector of a content, shape (dimension,); None if there is none that is what was written."""
        if encoder_id not in self._places:
            self._read(encoder_id)
        place = self._places[encoder_id].get(content_hash)
        if place is None:
            return None
        row = self._rows[encoder_id][place]
        return row["vector"].astype(np.float32) if _is_sealed(row, encoder_id) else None

    def keep(self, contents: Mapping[bytes, int]) -> None:
        """Keep the vectors that the catalog has of these contents: content hash -> id of the root it was in."""
        with self.catalog.files_lock():
            self._keep(contents)

    def _keep(self, contents: Mapping[bytes, int]) -> None:
        for encoder in self.catalog.encoders.all() if contents else ():
            new = np.array(
                [
                    (content_hash, seal, contents[content_hash], int(time.time()), np.frombuffer(vector, STORED))
                    for content_hash, vector, seal in self._stored(list(contents), encoder)
                ],
                _row_type(encoder),
            )
            kept = self._load(encoder)
            others = kept[np.array([row["content_hash"].tobytes() not in contents for row in kept], bool)]
            self._write(encoder, np.concatenate([others, new]))

    def tidy(self) -> None:
        """Drop the rows that are not to be kept any longer. After `vectors.prune`, which leaves contents with photos.

        Files of encoders that the library has no more are removed.
        """
        encoders = {self._path(encoder): encoder for encoder in self.catalog.encoders.all()}
        paths = list(self.folder.glob("*.vectors"))
        counted = self.catalog.roots.all() if paths else []
        roots = [root.id for root in counted]
        limit = max(LEAST, sum(root.photos for root in counted))
        for path in paths:
            if path not in encoders:
                path.unlink(missing_ok=True)
                continue
            encoder = encoders[path]
            rows = self._load(encoder)
            keys = [row["content_hash"].tobytes() for row in rows]
            present = {content_hash for content_hash, _, _ in self._stored(keys, encoder)}
            age = np.abs(time.time() - rows["left_at"])  # a row of a machine whose clock goes ahead is a new one
            is_kept = (age <= DAYS * 86400) & np.isin(rows["root_id"], roots)
            is_kept &= np.array([key not in present for key in keys], bool)
            remaining = np.array(rows[is_kept][-limit:])
            if len(remaining) < len(rows):
                del rows  # a mapped file cannot be replaced on Windows
                self._write(encoder, remaining)

    def rename(self, encoder_id: int, fingerprint: str) -> None:
        """Name the file of an encoder by another fingerprint, which stands for the same vectors."""
        encoder = next(each for each in self.catalog.encoders.all() if each.id == encoder_id)
        renamed = replace(encoder, fingerprint=fingerprint)
        if self._path(encoder) != self._path(renamed) and self._path(encoder).exists():
            self._path(encoder).replace(self._path(renamed))

    def _stored(self, content_hashes: list[bytes], encoder: EncoderRecord) -> list[tuple[bytes, bytes, bytes]]:
        """What the catalog has of these contents: rows that are what was written."""
        rows = self.catalog.vectors.stored(content_hashes, encoder.id)
        return [row for row in rows if seals.seal("vector", encoder.id, *row[:2]) == row[2]]

    def _read(self, encoder_id: int) -> None:
        encoder = next(each for each in self.catalog.encoders.all() if each.id == encoder_id)
        rows = self._load(encoder)
        self._rows[encoder_id] = rows
        self._places[encoder_id] = {row["content_hash"].tobytes(): number for number, row in enumerate(rows)}

    def _load(self, encoder: EncoderRecord) -> _Rows:
        row_type = _row_type(encoder)
        path = self._path(encoder)
        try:
            count = path.stat().st_size // row_type.itemsize
            return np.memmap(path, row_type, "r", shape=(count,)) if count else np.zeros(0, row_type)
        except (OSError, ValueError):
            return np.zeros(0, row_type)

    def _write(self, encoder: EncoderRecord, rows: _Rows) -> None:
        """Write the rows, the last that left at the end; without space for them, none are kept."""
        self._places.pop(encoder.id, None)
        self._rows.pop(encoder.id, None)
        path = self._path(encoder)
        try:
            if not len(rows):
                path.unlink(missing_ok=True)
                return
            self.folder.mkdir(exist_ok=True)
            with atomic.whole_file(path) as temporary:
                rows.tofile(temporary)
        except OSError as error:
            log.warning("The vectors of excluded photos are not kept: %s.", error.strerror or error)
            path.unlink(missing_ok=True)

    def _path(self, encoder: EncoderRecord) -> Path:
        return self.folder / f"{encoder.fingerprint[:PREFIX_DIGITS]}.vectors"


def _row_type(encoder: EncoderRecord) -> np.dtype[Any]:
    vector = ("vector", STORED, (encoder.dimension,))
    return np.dtype(
        [("content_hash", "V32"), ("seal", f"V{seals.SIZE}"), ("root_id", "<i8"), ("left_at", "<i8"), vector]
    )


def _is_sealed(row: Any, encoder_id: int) -> bool:
    content_hash, vector = row["content_hash"].tobytes(), row["vector"].tobytes()
    return bool(seals.seal("vector", encoder_id, content_hash, vector) == row["seal"].tobytes())
