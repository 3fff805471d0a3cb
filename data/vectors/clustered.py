"""A large library's vectors in clusters, of which a search looks at the nearest few (FAISS: IVF, 8 bits a component).

The index is never changed once made: it is mapped from the snapshot, and what came since is searched beside it. Its
scores are approximate (standard error about 0.001), so whoever needs exact ones computes those of the best again.
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
"""A search of n results looks at clusters with at least this many times n vectors."""


@dataclass(frozen=True)
class Clustered:
    """An index in clusters, as `Tuning` says it is to be searched."""

    index: Any
    tuning: Tuning

    def __post_init__(self) -> None:
        """Use every core for one query, and no threads of their own for reading ahead what is in memory."""
        self.index.parallel_mode = 1
        lists = faiss.downcast_InvertedLists(self.index.invlists)
        if hasattr(lists, "prefetch_nthread"):
            lists.prefetch_nthread = 0

    @classmethod
    def of(cls, index: Any, dimension: int, count: int, tuning: Tuning) -> Clustered:
        """An index that was read. Raises SnapshotInvalid if it is not one of ours."""
        is_ours = isinstance(index, faiss.IndexIVFScalarQuantizer) and index.d == width(dimension)
        if not is_ours or index.ntotal != count:
            raise SnapshotInvalid("its index is of another kind")
        return cls(index, tuning)

    def __len__(self) -> int:
        """Number of vectors."""
        return int(self.index.ntotal)

    def search(self, query: Floats, count: int, among: Ids | None, gone: Ids) -> tuple[Floats, Ids]:
        """Return (approximate cosines, ids) of the `count` nearest to a unit vector, best first.

        Of those in `among` (ascending) if given, and never of `gone`. The fewer may be found, the more clusters are
        looked at: as many distances are computed as for a search in all.
        """
        among = None if among is None else np.setdiff1d(among, gone, assume_unique=True)
        passing = len(self) if among is None else len(among)
        if not count or not passing:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        clusters = int(self.index.nlist)
        enough = max(self.tuning.probes, SPARE * count * clusters / len(self))
        probes = min(clusters, math.ceil(enough * max(1.0, len(self) / passing)))
        chosen = None if among is None else selector(among)
        if chosen is None and len(gone):
            chosen = faiss.IDSelectorNot(faiss.IDSelectorBatch(gone))
        parameters = faiss.SearchParametersIVF(sel=chosen, nprobe=probes)
        scores, ids = self.index.search(padded(query.reshape(1, -1)), count, params=parameters)
        found = ids[0] >= 0
        return scores[0][found], ids[0][found]
