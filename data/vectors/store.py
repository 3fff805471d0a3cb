"""What a search needs of the vectors of one encoder, whatever holds them: the Protocol `VectorStore`."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..catalog import vector_rows
from ..catalog.catalog import Catalog

Keys = npt.NDArray[np.int64]
Seals = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]

SAMPLE = 2048
"""How many vectors `VectorStore.sample` gives at most: enough for a stable mean and spread of a query's scores."""

APPROXIMATE = 0.002
"""How much lower the cosine at a rank may be than in an exact search, beyond the first results."""

TAIL = 64
"""How many of the highest keys are compared with the catalog to detect that keys were given again."""


class VectorStore(Protocol):
    """The unit vectors of one encoder, held beside the catalog, which stays the only source of them.

    A key is the id of a vector in the catalog, 64 bits. The catalog gives every key once (AUTOINCREMENT) and never
    changes a vector, so equal keys of one catalog mean equal vectors.

    A catalog that was restored from a backup may give a key again, to another vector. Therefore a store keeps the
    seal of every vector with its key: the checksum of key, encoder, content and vector. `follow` compares the seals
    of the TAIL highest keys that the catalog and the store may share. If one differs, or if the newest generation of
    the catalog is lower than the one held, the catalog was restored: the store compares all seals and drops
    whatever differs.

    A store need not be safe to use from several threads at a time.
    """

    @property
    def encoder_id(self) -> int:
        """The id, in the catalog, of the encoder whose vectors are held."""

    @property
    def generation(self) -> int:
        """The generation of the catalog that is held; -1 before the first `follow`."""

    def follow(self) -> None:
        """Take in what the catalog committed since the last call. Nothing is held before the first call.

        A caller that reads an older moment of the same catalog changes nothing: the store never goes backwards.
        Raises LibraryError if the catalog holds a vector that is not what was written.
        """

    def count(self) -> int:
        """Number of vectors held."""

    def search(self, query: Floats, k: int, allowed: Keys | None = None) -> tuple[Floats, Keys]:
        """Return (cosines, keys) of the `k` vectors nearest to the unit vector `query`, best first.

        Shapes (n,), n <= k: fewer only if fewer vectors are held or allowed. With `allowed` (ascending), only
        vectors with these keys; keys that are not held are passed over. A store of many vectors may be approximate:
        it then misses hardly any of the first 10, and further down the cosines are lower by at most APPROXIMATE.
        """

    def fetch(self, keys: Keys) -> Floats:
        """The vectors with these keys, in their order: shape (len(keys), dimension); zeros where none is held."""

    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the keys: shape (n, dimension)."""


def is_known(catalog: Catalog, generation: int, held: int) -> bool:
    """Whether a generation read is the one held, or an older moment of a catalog that has not gone back since."""
    return generation == held or generation < held <= catalog.newest_generation()


def newest(catalog: Catalog, encoder_id: int) -> tuple[Keys, Seals]:
    """(keys, seals) of the TAIL vectors of an encoder that were added last: what tells one catalog from another."""
    read = partial(vector_rows.last_sealed, encoder_id=encoder_id, last=vector_rows.ALL, most=TAIL)
    return catalog.read(read)


def were_keys_reused(catalog: Catalog, encoder_id: int, keys: Keys, seals: Seals) -> bool:
    """Whether the catalog gives keys that are held (ascending, with their seals) to other vectors.

    Compares the TAIL highest keys that the catalog has up to the last one held.
    """
    if not len(keys):
        return False
    read = partial(vector_rows.last_sealed, encoder_id=encoder_id, last=int(keys[-1]), most=TAIL)
    there, their_seals = catalog.read(read)
    places = np.searchsorted(keys, there)
    return bool(((keys[places] == there) & (seals[places] != their_seals)).any())
