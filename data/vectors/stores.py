"""The store of vectors that the setting `vectors` names: FAISS without it, else an engine, Milvus or pgvector."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..catalog import locks
from ..catalog.catalog import Catalog
from ..catalog.database import Database
from ..catalog.records import EncoderRecord
from .store import VectorStore

if TYPE_CHECKING:
    from .remote.collection import Collection

ShouldStop: TypeAlias = Callable[[], bool]

PGVECTOR = "pgvector"


def open_store(url: str, catalog: Catalog, encoder: EncoderRecord) -> VectorStore:
    """The store of an encoder's vectors; `url` is the setting. Neither is contacted yet. Raises UsageError."""
    if not url:
        from .index import VectorIndex

        return VectorIndex(catalog, encoder.id, encoder.dimension)
    from .remote.store import RemoteStore

    return RemoteStore(
        catalog, encoder.id, encoder.dimension, partial(collection, url, catalog, encoder.id, encoder.dimension)
    )


def kind(url: str) -> str:
    """What `url` names, in a word: "faiss", "milvus" or "pgvector"."""
    return url.lower().partition("?")[0].partition(":")[0] or "faiss"


def collection(
    url: str, catalog: Catalog, encoder_id: int, dimension: int, database: Database | None = None
) -> Collection:
    """The vectors of one catalog and encoder in the engine that `url` names; nothing is sent yet. Raises UsageError.

    Names begin so that no other library's do, and end with the encoder's id. pgvector is that of the catalog's
    database, or of another `database`.
    """
    if kind(url) == PGVECTOR:
        from .pgvector.table import Table

        return Table.from_url(url, database or catalog.database, encoder_id, dimension)
    from .milvus.address import Address
    from .milvus.collection import MilvusCollection

    address = Address.from_url(url)
    return MilvusCollection(address, f"{address.collection}_{catalog.settings.identity()}_{encoder_id}", dimension)


def require_reachable(url: str, catalog_url: str, catalog: Catalog, encoder: EncoderRecord) -> None:
    """Ask the engine whether it can have a catalog's vectors; the copy that it searches will be at `catalog_url`.

    Raises VectorsUnavailable, UsageError.
    """
    with contextlib.closing(Database(Path(), catalog_url)) as database:
        collection(url, catalog, encoder.id, encoder.dimension, database).require_reachable()


def send(url: str, catalog: Catalog, encoder: EncoderRecord, should_stop: ShouldStop) -> None:
    """Bring the engine to the catalog's generation.

    Raises LibraryBusy if another process does; VectorsUnavailable; Stopped.
    """
    from .remote import follower

    with locks.vectors_lock(catalog.folder):
        opened = collection(url, catalog, encoder.id, encoder.dimension)
        follower.bring(catalog, encoder.id, opened, should_stop)
