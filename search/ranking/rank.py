"""Fusion of several rankings into one."""

from __future__ import annotations

from collections.abc import Sequence

K = 60
"""The constant of reciprocal rank fusion, as its authors chose it. A larger one weakens the lead of the first ranks."""


def fuse(*rankings: Sequence[int]) -> list[int]:
    """Ids by the sum of 1 / (K + rank) over the rankings that contain them; ties go to the earlier ranking.

    Reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009. It does not need comparable scores.
    """
    sums: dict[int, float] = {}
    for ranking in rankings:
        for rank, item_id in enumerate(ranking, start=1):
            sums[item_id] = sums.get(item_id, 0.0) + 1 / (K + rank)
    return sorted(sums, key=lambda item_id: -sums[item_id])  # stable
