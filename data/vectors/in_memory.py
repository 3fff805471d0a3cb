"""A `VectorStore` of NumPy arrays: exact, simple, and read again at every change. For tests and small libraries."""

from __future__ import annotations

import numpy as np

from ...arrays import Floats, Seals, spread_places
from ..catalog.catalog import Catalog
from ..catalog.database import damaged
from .store import SAMPLE, Keys, is_known, were_keys_reused


class InMemoryStore:
    """All vectors of one encoder in one array; see `VectorStore` for the methods."""

    def __init__(self, catalog: Catalog, encoder_id: int, dimension: int) -> None:
        self.encoder_id = encoder_id
        self.generation = -1
        self._catalog = catalog
        self._keys: Keys = np.empty(0, np.int64)
        self._seals: Seals = np.empty(0, np.uint64)
        self._vectors: Floats = np.empty((0, dimension), np.float32)

    def follow(self) -> None:
        """Read all vectors again if the catalog has changed, and is not seen at an older moment."""
        generation = self._catalog.generation()
        tail = (self.encoder_id, self._keys, self._seals)
        if is_known(self._catalog, generation, self.generation) and not were_keys_reused(self._catalog, *tail):
            return
        dimension = self._vectors.shape[1]
        batches = list(self._catalog.vectors.after(self.encoder_id, 0))
        if any(batch.vectors.shape[1] != dimension for batch in batches):
            raise damaged(f"vectors of other dimensions where {dimension} are expected")
        self._keys = np.concatenate([np.empty(0, np.int64), *(batch.ids for batch in batches)])
        self._seals = np.concatenate([np.empty(0, np.uint64), *(batch.seals for batch in batches)])
        self._vectors = np.concatenate([np.empty((0, dimension), np.float32), *(batch.vectors for batch in batches)])
        self.generation = generation

    def count(self) -> int:
        """Number of vectors."""
        return len(self._keys)

    def search(self, query: Floats, k: int, allowed: Keys | None = None) -> tuple[Floats, Keys]:
        """Compute every cosine and sort."""
        places = np.arange(len(self._keys)) if allowed is None else np.flatnonzero(np.isin(self._keys, allowed))
        scores = self._vectors[places] @ query
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], self._keys[places[order]]

    def fetch(self, keys: Keys) -> Floats:
        """The vectors with these keys; zeros for a key that does not exist."""
        vectors = np.zeros((len(keys), self._vectors.shape[1]), np.float32)
        exists = np.isin(keys, self._keys)
        vectors[exists] = self._vectors[np.searchsorted(self._keys, keys[exists])]
        return vectors

    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the keys."""
        return self._vectors[spread_places(self.count(), SAMPLE)]
