"""How far a collection has followed the catalog: a row of the collection itself, so that both are lost together."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from ....arrays import Ids, Seals


@dataclass(frozen=True, slots=True)
class Position:
    """`generation` of the catalog that the collection holds, -1 before it was complete; then what identifies it.

    `removed` is the catalog's last generation with a removal, `keys` and `seals` those of the highest vectors at that
    generation, `count` the number of vectors. Vectors up to `sent` are in the collection, perhaps above the highest of
    `keys`: a follower that was stopped goes on there, unless it was `comparing` everything.
    """

    generation: int = -1
    removed: int = 0
    sent: int = 0
    count: int = 0
    comparing: bool = False
    keys: tuple[int, ...] = ()
    seals: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `json` wrote."""
        values = json.loads(text)
        return cls(**values | {"keys": tuple(values["keys"]), "seals": tuple(values["seals"])})

    def json(self) -> str:
        """As text, for the row."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def tail(self) -> tuple[Ids, Seals]:
        """Keys and seals as arrays."""
        return np.array(self.keys, np.int64), np.array(self.seals, np.uint64)
