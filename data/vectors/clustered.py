"""A large library's vectors in clusters; a search reads the nearest few (FAISS: IVF, 8 bits a component).

The index never changes: it is mapped from the snapshot, and newer vectors are searched beside it. Its scores are
approximate (standard error about 0.001); a caller that needs exact ones computes those of the best again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import Floats, Ids
from .faiss_ import faiss, padded, selector, width
from .snapshot import SnapshotInvalid, Tuning

SPARE = 8
"""A search for n results reads clusters with at least this many times n vectors."""


@dataclass(frozen=True)
class Clustered:
    """An index in clusters, with the `Tuning` of its searches."""

    index: Any
    tuning: Tuning

    def __post_init__(self) -> None:
        """Use every core for one query, and no threads for reading ahead what is in memory."""
        self.index.parallel_mode = 1
        lists = faiss.downcast_InvertedLists(self.index.invlists)
        if hasattr(lists, "prefetch_nthread"):
            lists.prefetch_nthread = 0

    @classmethod
    def from_index(cls, index: Any, dimension: int, count: int, tuning: Tuning) -> Clustered:
        """Wrap an index that was read. Raises SnapshotInvalid if it is of another kind."""
        is_expected = isinstance(index, faiss.IndexIVFScalarQuantizer) and index.d == width(dimension)
        if not is_expected or index.ntotal != count:
            raise SnapshotInvalid("its index is of another kind")
        return cls(index, tuning)

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self.index.ntotal)

    def search(self, query: Floats, count: int, among: Ids | None, removed: Ids) -> tuple[Floats, Ids]:
        """Return (approximate cosines, ids) of the `count` nearest to a unit vector, best first.

        With `among` (ascending), only vectors with these ids; never those in `removed`. The fewer vectors are allowed,
        the more clusters are read, so that about as many distances are computed as in a search of all.
        """
        among = None if among is None else np.setdiff1d(among, removed, assume_unique=True)
        allowed = len(self) if among is None else len(among)
        if not count or not allowed:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        clusters = int(self.index.nlist)
        enough = max(self.tuning.probes, SPARE * count * clusters / len(self))
        probes = min(clusters, math.ceil(enough * max(1.0, len(self) / allowed)))
        chosen = None if among is None else selector(among)
        if chosen is None and len(removed):
            chosen = faiss.IDSelectorNot(faiss.IDSelectorBatch(removed))
        parameters = faiss.SearchParametersIVF(sel=chosen, nprobe=probes)
        scores, ids = self.index.search(padded(query.reshape(1, -1)), count, params=parameters)
        is_hit = ids[0] >= 0
        return scores[0][is_hit], ids[0][is_hit]
