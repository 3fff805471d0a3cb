"""The types of arrays that several rooms exchange, and what they all do with them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
"""Vectors or scores; a unit vector has length 1."""

Ids: TypeAlias = npt.NDArray[np.int64]
"""Ids of the catalog: 64 bits, never used twice."""

Seals: TypeAlias = npt.NDArray[np.uint64]
"""Checksums of vectors, 8 bytes each."""


def spread_places(total: int, most: int) -> Ids:
    """Up to `most` different places of `total`, evenly spread, ascending: shape (min(total, most),)."""
    # They differ by at least 1 before they are rounded down. `np.unique` would import numpy.ma: 60 ms of a cold search.
    return np.linspace(0, max(total - 1, 0), min(total, most)).astype(np.int64)
