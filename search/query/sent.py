"""A picture that is sent with a query."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from ...errors import QueryError
from .parse import Term

MAX_WEIGHT = 999
"""The same limit as for a text's weight, which has at most three digits before the point."""


@dataclass(frozen=True, slots=True)
class SentPicture:
    """The bytes of a picture file that is sent with a query, and its weight; a negative weight subtracts it."""

    data: bytes
    weight: float = 1.0
    max_pixels: int = 100_000_000

    @property
    def term(self) -> Term:
        """The picture as a term of the query. Raises QueryError if the weight is 0, not finite or too large."""
        if not self.weight or not math.isfinite(self.weight) or abs(self.weight) > MAX_WEIGHT:
            raise QueryError("The weight of the picture is 0 or no number.", f"Up to {MAX_WEIGHT}, or -1 to take away.")
        return Term("picture", f"picture-{hashlib.sha256(self.data).hexdigest()[:12]}", self.weight)
