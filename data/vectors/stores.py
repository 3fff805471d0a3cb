"""The store of vectors that the setting `vectors` names: FAISS without it, else Milvus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..catalog import locks
from ..catalog.catalog import Catalog
from ..catalog.records import EncoderRecord
from .store import VectorStore

ShouldStop: TypeAlias = Callable[[], bool]


def open_store(url: str, catalog: Catalog, encoder: EncoderRecord) -> VectorStore:
    """The store of an encoder's vectors; `url` is the setting. Neither is contacted yet. Raises UsageError."""
    if not url:
        from .index import VectorIndex

        return VectorIndex(catalog, encoder.id, encoder.dimension)
    from .milvus.address import Address
    from .milvus.store import MilvusStore

    return MilvusStore(catalog, encoder.id, encoder.dimension, Address.from_url(url))


def require_reachable(url: str, catalog: Catalog, encoder: EncoderRecord) -> None:
    """Ask Milvus how far it is with a catalog's vectors. Raises VectorsUnavailable, UsageError."""
    from .milvus.address import Address
    from .milvus.store import opened

    opened(catalog, encoder.id, encoder.dimension, Address.from_url(url)).read_position()


def send(url: str, catalog: Catalog, encoder: EncoderRecord, should_stop: ShouldStop) -> None:
    """Bring Milvus to the catalog's generation, if `url` names one.

    Raises LibraryBusy if another process does; VectorsUnavailable; Stopped.
    """
    from .milvus import follower
    from .milvus.address import Address
    from .milvus.store import opened

    with locks.vectors_lock(catalog.folder):
        collection = opened(catalog, encoder.id, encoder.dimension, Address.from_url(url))
        follower.bring(catalog, encoder.id, collection, should_stop)
