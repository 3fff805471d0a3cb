"""The Protocol `VectorStore`: what a search needs of the vectors of one encoder."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np

from ...arrays import Floats, Ids, Seals
from ..catalog.catalog import Catalog
from ..catalog.vectors import ALL

Keys: TypeAlias = Ids
"""Ids of vectors in the catalog, as keys of a store."""

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
    the catalog is lower than the store's, the catalog was restored: the store compares all seals and drops every
    vector whose seal differs.

    A store need not be safe to use from several threads at a time.
    """

    @property
    def encoder_id(self) -> int:
        """The id, in the catalog, of the encoder whose vectors these are."""

    @property
    def generation(self) -> int:
        """The generation of the catalog that was followed; -1 before the first `follow`."""

    def follow(self) -> None:
        """Apply what the catalog committed since the last call. The store is empty before the first call.

        A caller that reads an older moment of the same catalog changes nothing: the store never goes backwards.
        Raises LibraryError if the catalog holds a vector that is not what was written.
        """

    def count(self) -> int:
        """Number of vectors."""

    def search(self, query: Floats, k: int, allowed: Keys | None = None) -> tuple[Floats, Keys]:
        """Return (cosines, keys) of the `k` vectors nearest to the unit vector `query`, best first.

        Shapes (n,), n <= k: fewer only if the store has or `allowed` admits fewer. With `allowed` (ascending), only
        vectors with these keys; keys that the store does not have are ignored. A store of many vectors may be
        approximate: it then misses hardly any of the first 10, and further down the cosines are lower by at most
        APPROXIMATE.
        """

    def fetch(self, keys: Keys) -> Floats:
        """The vectors with these keys, in their order: shape (len(keys), dimension); zeros for unknown keys."""

    def sample(self) -> Floats:
        """Up to SAMPLE vectors, evenly spread over the keys: shape (n, dimension)."""


def is_known(catalog: Catalog, generation: int, followed: int) -> bool:
    """Whether a store that `followed` a generation knows this one: it is the same, or an older moment of a catalog that
    was not restored since.
    """
    return generation == followed or generation < followed <= catalog.newest_generation()


def newest(catalog: Catalog, encoder_id: int) -> tuple[Keys, Seals]:
    """(keys, seals) of the TAIL vectors of an encoder that were added last: what tells one catalog from another."""
    return catalog.vectors.last_seals(encoder_id, ALL, TAIL)


def were_keys_reused(catalog: Catalog, encoder_id: int, keys: Keys, seals: Seals) -> bool:
    """Whether the catalog uses keys of a store (ascending, with their seals) for other vectors.

    Compares the TAIL highest keys that the catalog has up to the store's last one.
    """
    if not len(keys):
        return False
    last_keys, last_seals = catalog.vectors.last_seals(encoder_id, int(keys[-1]), TAIL)
    places = np.searchsorted(keys, last_keys)
    return bool(((keys[places] == last_keys) & (seals[places] != last_seals)).any())
