"""The vectors of one encoder in memory, searched exactly by FAISS.

Vectors are held as float16, as the catalog stores them, so a search is exact with respect to the catalog.
[M] 500,000 x 768: 26-44 ms a query this way, 80-160 ms for float32 (docs/design.md, section 6).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LibraryError
from .catalog import Catalog

try:
    import faiss
except ImportError as error:
    raise LibraryError(
        "FAISS is not installed.", "Run: pip install 'polyglance[cpu]' (or [gpu], never both)."
    ) from error

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

SAMPLE = 2048
"""How many vectors `sample` holds at most: enough for a stable mean and spread of a query's scores."""


class VectorIndex:
    """Nearest neighbours by inner product among the vectors of one encoder, following the catalog."""

    def __init__(self, catalog: Catalog, encoder_id: int, dimension: int) -> None:
        self._catalog = catalog
        self._encoder_id = encoder_id
        self._dimension = dimension
        self._generation = -1
        self._last_id = 0
        self._index = _empty(dimension)
        self._sample: Floats = np.empty((0, dimension), np.float32)

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self._index.ntotal)

    @property
    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the library: shape (n, dimension)."""
        return self._sample

    def refresh(self) -> None:
        """Take in what was committed since the last call; costs one small query when nothing was."""
        generation = self._catalog.generation()
        if generation == self._generation:
            return
        for ids, vectors in self._catalog.vectors_after(self._encoder_id, self._last_id):
            self._index.add_with_ids(vectors, ids)
            self._last_id = int(ids[-1])
        self._drop_removed()
        self._sample = self._draw_sample()
        self._generation = generation

    def search(self, query: Floats, count: int) -> tuple[Floats, Ids]:
        """Return (scores, vector ids) of the `count` nearest to the unit vector `query`, best first.

        Shapes (n,), n = min(count, number of vectors); scores are cosines.
        """
        count = min(count, len(self))
        if not count:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        scores, ids = self._index.search(query.reshape(1, -1), count)
        return scores[0], ids[0]

    def _drop_removed(self) -> None:
        alive = self._catalog.vector_ids(self._encoder_id)
        held = faiss.vector_to_array(self._index.id_map)
        gone = np.setdiff1d(held, alive)
        if len(gone):
            self._index.remove_ids(gone)

    def _draw_sample(self) -> Floats:
        total = len(self)
        if not total:
            return np.empty((0, self._dimension), np.float32)
        places = np.unique(np.linspace(0, total - 1, min(total, SAMPLE)).astype(np.int64))
        flat = self._index.index
        return np.stack([flat.reconstruct(int(place)) for place in places])


def _empty(dimension: int) -> Any:
    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(flat)
