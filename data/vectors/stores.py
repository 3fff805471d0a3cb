"""The store of vectors that the setting `vectors` names: FAISS without it, else Milvus."""

from __future__ import annotations

from ..catalog.catalog import Catalog
from ..catalog.records import EncoderRecord
from .store import VectorStore


def open_store(url: str, catalog: Catalog, encoder: EncoderRecord) -> VectorStore:
    """The store of an encoder's vectors; `url` is the setting. Neither is contacted yet. Raises UsageError."""
    if not url:
        from .index import VectorIndex

        return VectorIndex(catalog, encoder.id, encoder.dimension)
    from .milvus.address import Address
    from .milvus.store import MilvusStore

    return MilvusStore(catalog, encoder.id, encoder.dimension, Address.from_url(url))
