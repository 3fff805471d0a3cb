"""A picture that comes with a query."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from ...errors import QueryError
from .parse import Term

MAX_WEIGHT = 999
"""A text's weight has three digits at most too."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture that comes with a query, as its file's bytes, and how much it counts; below 0, it is taken away."""

    data: bytes
    weight: float = 1.0
    max_pixels: int = 100_000_000

    @property
    def term(self) -> Term:
        """Its part of the query. Raises QueryError if it does not count at all."""
        if not self.weight or not math.isfinite(self.weight) or abs(self.weight) > MAX_WEIGHT:
            raise QueryError("The weight of the picture is 0 or no number.", f"Up to {MAX_WEIGHT}, or -1 to take away.")
        return Term("picture", f"picture-{hashlib.sha256(self.data).hexdigest()[:12]}", self.weight)
