"""One table in PostgreSQL, beside the catalog: the only module that knows pgvector.

Rows have the vector's key, its seal and the vector in half precision, as the catalog has it. One row more, key 0, is
the position. What is asked of the table is one transaction, on a connection beside the catalog's pool: a search that
holds one of the pool's never waits for another.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Self
from urllib.parse import parse_qsl

import numpy as np

from ....arrays import Floats, Ids, Seals
from ....errors import UsageError
from ...catalog.database import Database
from ..remote.collection import LIMIT, CollectionMissing, Rows
from ..remote.position import Position
from .request import HINT, Request, request

INDEXES = ("FLAT", "HNSW")

LARGE = 20_000
"""Vectors from which HNSW is chosen, unless the setting names an index."""

M, EF_CONSTRUCTION = 16, 128
NARROWEST, WIDEST = 200, 1000
"""The least and the most candidates of one step of a search (`hnsw.ef_search`); steps follow while rows are missing."""

READ_SECONDS, WRITE_SECONDS = 30, 0
"""After how long PostgreSQL gives a request up; 0: never."""

POSITION_KEY = 0

_WIDELY = (
    "SELECT set_config('hnsw.ef_search', %(width)s, true), set_config('hnsw.iterative_scan', 'strict_order', true),"
    " set_config('hnsw.max_scan_tuples', '2147483647', true), set_config('hnsw.scan_mem_multiplier', '100', true)"
)
_NEAREST = (
    "SELECT -(vector <#> %(query)s::halfvec), key, seal FROM {table} WHERE vector IS NOT NULL"
    " ORDER BY vector <#> %(query)s::halfvec LIMIT %(count)s"
)
_AMONG = (  # OFFSET 0 keeps the planner from the index, which would go through far more than these
    "SELECT -distance, key, seal FROM (SELECT vector <#> %(query)s::halfvec AS distance, key, seal FROM {table}"
    " WHERE key = ANY(%(keys)s) OFFSET 0) AS allowed ORDER BY distance LIMIT %(count)s"
)


class Table:
    """Vectors of one catalog by one encoder; safe to use from several threads. See `Collection`."""

    def __init__(self, database: Database, name: str, dimension: int, index: str = "") -> None:
        """`index` is one of INDEXES, or empty: FLAT while a library is small, HNSW when it is large."""
        self.name = name
        self.engine, self.hint = f"PostgreSQL at {database}", HINT
        self._database = database
        self._dimension = dimension
        self._index = index

    @classmethod
    def from_url(cls, url: str, database: Database, encoder_id: int, dimension: int) -> Self:
        """Read `pgvector?index=HNSW`. Raises UsageError."""
        options = dict(parse_qsl(url.partition("?")[2]))
        index = options.pop("index", "").upper()
        if options:
            raise UsageError(f"The setting vectors has no option {min(options)}.", "There is index.")
        if index and index not in INDEXES:
            raise UsageError(f"The setting vectors names no index of ours: {index}.", f"Use {' or '.join(INDEXES)}.")
        return cls(database, f"nearest_{encoder_id}", dimension, index)

    # --- the table -------------------------------------------------------------------------------

    def require_reachable(self) -> None:
        """Raise VectorsUnavailable if the database cannot be reached, or has no pgvector that serves."""
        with self._request(READ_SECONDS):
            pass

    def create(self, count: int) -> None:
        """Make the table, unless it exists with all its columns; the index is made when the vectors are there."""
        columns = f"key bigint PRIMARY KEY, seal bigint NOT NULL, position text, vector halfvec({self._dimension})"
        has_vectors = "attrelid = to_regclass('{table}') AND attname = 'vector' AND NOT attisdropped"
        with self._request() as ask:
            if not ask(f"SELECT 1 FROM pg_attribute WHERE {has_vectors}"):
                ask("DROP TABLE IF EXISTS {table}")
                ask(f"CREATE TABLE {{table}} ({columns})")
                ask("ALTER TABLE {table} ALTER vector SET STORAGE MAIN")  # beside its key, not in another table

    def arrange(self, count: int) -> bool:
        """Give it the index that was configured, or HNSW when it is large; searches go on meanwhile, without it."""
        index = self._index or ("HNSW" if count >= LARGE else "")
        if not index or self.index() == index:
            return False
        with self._request() as ask:
            if index == "FLAT":
                ask("DROP INDEX {table}_hnsw")
            else:
                options = f"m = {M}, ef_construction = {EF_CONSTRUCTION}"
                ask(f"CREATE INDEX {self.name}_hnsw ON {{table}} USING hnsw (vector halfvec_ip_ops) WITH ({options})")
        return True

    def index(self) -> str:
        """The kind of its index."""
        with self._request(READ_SECONDS) as ask:
            return "HNSW" if ask("SELECT to_regclass('{table}_hnsw')")[0][0] else "FLAT"

    def names(self) -> list[str]:
        """The names of all tables of the catalog's schema."""
        with self._request(READ_SECONDS) as ask:
            return [name for (name,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]

    def drop(self) -> None:
        """Remove the table, if it exists."""
        with self._request() as ask:
            ask("DROP TABLE IF EXISTS {table}")

    # --- writing ---------------------------------------------------------------------------------

    def upsert(self, keys: Ids, seals: Seals, vectors: Floats) -> None:
        """Write vectors; one that is there already is replaced."""
        with self._request() as ask:
            ask("DELETE FROM {table} WHERE key = ANY(%(keys)s)", keys=keys.tolist())
            ask.copy("COPY {table} (key, seal, vector) FROM STDIN (FORMAT binary)", _rows(keys, seals, vectors))

    def delete(self, keys: Ids) -> None:
        """Remove vectors by their keys."""
        with self._request() as ask:
            ask("DELETE FROM {table} WHERE key = ANY(%(keys)s)", keys=keys.tolist())

    def seal(self) -> None:
        """Let the planner know what was sent, and counts read the index of keys alone, before autovacuum comes."""
        with self._request(isolation="AUTOCOMMIT") as ask:
            ask("VACUUM (ANALYZE) {table}")

    def write_position(self, position: Position) -> None:
        """Write how far it followed."""
        statement = (
            "INSERT INTO {table} (key, seal, position) VALUES (%(key)s, 0, %(position)s)"
            " ON CONFLICT (key) DO UPDATE SET position = excluded.position"
        )
        with self._request() as ask:
            ask(statement, key=POSITION_KEY, position=position.json())

    # --- reading ---------------------------------------------------------------------------------

    def read_position(self) -> Position | None:
        """How far it followed; None if there is no table, or nothing was sent."""
        try:
            with self._request(READ_SECONDS) as ask:
                rows = ask("SELECT position FROM {table} WHERE key = 0 AND vector IS NULL")
        except CollectionMissing:
            return None
        return Position.from_json(rows[0][0]) if rows else None

    def count(self) -> int:
        """Number of vectors."""
        return self.count_between(POSITION_KEY, 2**63 - 1)

    def count_between(self, low: int, high: int) -> int:
        """Number of vectors with `low` < key <= `high`."""
        with self._request() as ask:
            return int(
                ask("SELECT count(*) FROM {table} WHERE key > %(low)s AND key <= %(high)s", low=low, high=high)[0][0]
            )

    def seals_between(self, low: int, high: int) -> tuple[Ids, Seals]:
        """(keys, seals), ascending, of at most LIMIT vectors with `low` < key <= `high`."""
        statement = "SELECT key, seal FROM {table} WHERE key > %(low)s AND key <= %(high)s ORDER BY key LIMIT %(limit)s"
        with self._request() as ask:
            return _keys_and_seals(ask(statement, low=low, high=high, limit=LIMIT))

    def seals_of(self, keys: Ids) -> tuple[Ids, Seals]:
        """(keys, seals), ascending, of those of these vectors that it has."""
        with self._request() as ask:
            statement = "SELECT key, seal FROM {table} WHERE key = ANY(%(keys)s) ORDER BY key"
            return _keys_and_seals(ask(statement, keys=keys.tolist()))

    def vectors_of(self, keys: Ids) -> dict[int, Floats]:
        """Key -> vector of those of these vectors that it has."""
        with self._request() as ask:
            rows = ask("SELECT key, vector::real[] FROM {table} WHERE key = ANY(%(keys)s)", keys=keys.tolist())
        return {key: np.array(vector, np.float32) for key, vector in rows}

    def search(self, query: Floats, count: int, among: Ids | None = None) -> Rows:
        """The `count` nearest, at most LIMIT, among all or among these keys. Raises CollectionMissing."""
        values: dict[str, Any] = {"query": str(query.tolist()), "count": min(count, LIMIT)}
        with self._request(READ_SECONDS) as ask:
            if among is None:
                ask(_WIDELY, width=str(min(max(2 * count, NARROWEST), WIDEST)))
                rows = ask(_NEAREST, **values)
            else:
                rows = ask(_AMONG, **values, keys=among.tolist())
        scores, keys, seals = zip(*rows, strict=True) if rows else ((), (), ())
        return Rows(np.array(scores, np.float32), np.array(keys, np.int64), np.array(seals, np.int64).view(np.uint64))

    def _request(
        self, seconds: int = WRITE_SECONDS, isolation: str = "READ COMMITTED"
    ) -> AbstractContextManager[Request]:
        return request(self._database, self.name, seconds, isolation)


def _rows(keys: Ids, seals: Seals, vectors: Floats) -> bytes:
    """Rows as PostgreSQL's binary COPY reads them: the number of columns, then the length of each and its value.

    No number is written as text.
    """
    dimension = vectors.shape[1]
    layout: list[Any] = [("columns", ">i2"), ("key_size", ">i4"), ("key", ">i8"), ("seal_size", ">i4"), ("seal", ">u8")]
    layout += [("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2")]
    rows = np.zeros(len(keys), np.dtype([*layout, ("vector", ">f2", dimension)]))
    rows["columns"], rows["key_size"], rows["key"], rows["seal_size"], rows["seal"] = 3, 8, keys, 8, seals
    rows["size"], rows["dimension"], rows["vector"] = 4 + 2 * dimension, dimension, vectors
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _keys_and_seals(rows: list[Any]) -> tuple[Ids, Seals]:
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64).view(np.uint64)
