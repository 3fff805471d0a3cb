"""Several rankings made one."""

from __future__ import annotations

from collections.abc import Sequence

K = 60
"""Of reciprocal rank fusion, as its authors chose it: how little the first places of a ranking stand out."""


def fuse(*rankings: Sequence[int]) -> list[int]:
    """Ids by the sum of 1 / (K + rank) over the rankings they are in; of equals, the earlier ranking's first.

    Reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009. It needs no scores that could be compared.
    """
    sums: dict[int, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(ranking, start=1):
            sums[each] = sums.get(each, 0.0) + 1 / (K + rank)
    return sorted(sums, key=lambda each: -sums[each])  # stable
