"""The types of arrays that several rooms exchange."""

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
