"""The Protocol `Collection`: what an engine does with the vectors of one encoder. Each engine has a room that fills it.

A row has the vector's key, its seal and the vector; one row more, or what is lost with the rows, is the position.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ....arrays import Floats, Ids, Seals
from .position import Position

LIMIT = 16_384
"""The most rows that an engine is asked for at once: as many as Milvus returns."""


class Rows(NamedTuple):
    """Results of a search, best first: shapes (n,)."""

    scores: Floats
    keys: Ids
    seals: Seals


class CollectionMissing(Exception):
    """The collection does not exist, not any more, or not whole: `create` mends each."""


class Collection(Protocol):
    """Vectors of one catalog by one encoder; safe to use from several threads.

    Methods raise VectorsUnavailable if the engine does not answer; those that write and read, CollectionMissing.
    Writing may be repeated.
    """

    @property
    def name(self) -> str:
        """Its name in the engine; ends with the encoder's id."""

    @property
    def engine(self) -> str:
        """The engine and where it is, without a password, as messages name it."""

    @property
    def hint(self) -> str:
        """What to do while the engine does not answer."""

    def require_reachable(self) -> None:
        """Raise VectorsUnavailable if the engine cannot hold vectors."""

    def create(self, count: int) -> None:
        """Make the collection, for about `count` vectors, unless it exists."""

    def arrange(self, count: int) -> bool:
        """Give it the index that was configured, or HNSW when it is large; return whether it had another."""

    def names(self) -> list[str]:
        """The names of all collections, other libraries' too."""

    def drop(self) -> None:
        """Remove the collection, if it exists."""

    def upsert(self, keys: Ids, seals: Seals, vectors: Floats) -> None:
        """Write vectors; one that is there already is replaced."""

    def delete(self, keys: Ids) -> None:
        """Remove vectors by their keys."""

    def seal(self) -> None:
        """Let the engine arrange now what was sent, rather than when it thinks of it."""

    def write_position(self, position: Position) -> None:
        """Write how far it followed."""

    def read_position(self) -> Position | None:
        """How far it followed; None if there is no collection, or nothing was sent."""

    def count(self) -> int:
        """Number of vectors."""

    def count_between(self, low: int, high: int) -> int:
        """Number of vectors with `low` < key <= `high`."""

    def seals_between(self, low: int, high: int) -> tuple[Ids, Seals]:
        """(keys, seals), ascending, of at most LIMIT vectors with `low` < key <= `high`."""

    def seals_of(self, keys: Ids) -> tuple[Ids, Seals]:
        """(keys, seals), ascending, of those of these vectors that it has."""

    def vectors_of(self, keys: Ids) -> dict[int, Floats]:
        """Key -> vector of those of these vectors that it has."""

    def search(self, query: Floats, count: int, among: Ids | None = None) -> Rows:
        """The `count` nearest, at most LIMIT, among all or among these keys. Raises CollectionMissing."""
