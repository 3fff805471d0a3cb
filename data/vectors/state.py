"""What a `VectorIndex` has in memory: ids and seals, an exact index, and perhaps clusters from a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from ...arrays import Floats, Seals
from ..catalog.database import damaged
from . import faiss_, snapshot
from .clustered import Clustered
from .exact import Exact
from .store import Keys


@dataclass(slots=True)
class State:
    """Ids (ascending) and seals of all vectors, which are in `base`, if there is one, or in `recent`."""

    ids: Keys
    seals: Seals
    recent: Exact
    base: Clustered | None = None
    removed: Keys = field(default_factory=lambda: np.empty(0, np.int64))
    """Vectors of the base that the catalog does not have any more; ascending."""

    @classmethod
    def empty(cls, dimension: int) -> Self:
        """The state without a vector."""
        return cls(np.empty(0, np.int64), np.empty(0, np.uint64), Exact(dimension))

    @classmethod
    def from_snapshot(cls, path: Path, fingerprint: str, dimension: int) -> Self:
        """The state that a snapshot has. Raises SnapshotInvalid, OSError."""
        with snapshot.opened(path, fingerprint) as (stored, file):
            if stored.tuning.probes:
                index = faiss_.mapped(path, file)
                base = Clustered.from_index(index, dimension, len(stored.ids), stored.tuning)
                return cls(stored.ids, stored.seals, Exact(dimension), base)
            recent = Exact.from_index(faiss_.read(file), dimension, stored.ids)
        return cls(stored.ids, stored.seals, recent)

    @property
    def beside(self) -> int:
        """Number of vectors added or removed since the clusters were made."""
        return len(self.recent) + len(self.removed)

    @property
    def last(self) -> int:
        """The highest id, 0 if there is none."""
        return int(self.ids[-1]) if len(self.ids) else 0

    def add(self, ids: Keys, seals: Seals, vectors: Floats) -> None:
        """Add vectors with ids above `last`. Raises LibraryError if they are of another dimension."""
        dimension = self.recent.dimension
        if vectors.shape[1] != dimension:
            raise damaged(f"vectors of {vectors.shape[1]} dimensions where {dimension} are expected")
        self.recent.add(ids, vectors)
        self.ids, self.seals = np.concatenate([self.ids, ids]), np.concatenate([self.seals, seals])

    def drop(self, is_dropped: npt.NDArray[np.bool_]) -> None:
        """Drop vectors: `is_dropped` has the shape of `ids`."""
        if is_dropped.any():
            ids = self.ids[is_dropped]
            is_recent = np.isin(ids, self.recent.ids, assume_unique=True)
            self.recent.remove(ids[is_recent])
            self.removed = np.union1d(self.removed, ids[~is_recent])
            self.ids, self.seals = self.ids[~is_dropped], self.seals[~is_dropped]
