"""One collection in Milvus: the only module that knows pymilvus.

Rows have the vector's key and its seal, both 64 bits. One row more, key 0 in a partition of its own, is the position.
Every request has a deadline, and after one that found nobody the next ones fail at once for RETRY_SECONDS: a search
that waits for a dead engine would hold up all others.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from ....arrays import Floats, Ids, Seals
from ....errors import LibraryError, VectorsUnavailable
from ..remote.collection import LIMIT, CollectionMissing, Rows
from ..remote.position import Position
from .address import Address

CONNECT_SECONDS, READ_SECONDS, WRITE_SECONDS, ARRANGE_SECONDS = 2.0, 5.0, 60.0, 3600.0
RETRY_SECONDS = 2.0

GRPC_OPTIONS = {"grpc.keepalive_time_ms": 60_000, "grpc.keepalive_permit_without_calls": False}
"""pymilvus pings every ten seconds, also while nothing is asked; servers of gRPC's defaults end such a connection."""

VECTORS, POSITION = "_default", "position"
POSITION_KEY = 0
MISSING, NOT_LOADED = 100, 101
"""Milvus's codes for a collection that does not exist, or must be loaded."""
TO_CONNECT = {1, 2, 503}
"""Codes of pymilvus for a server that cannot be reached, or is not ready."""

CONSISTENCY = "Bounded"
"""Searches may miss what was sent in the last seconds, and need not wait for it. A follower reads with "Strong"."""

HINT = (
    "Start Milvus. Words in names and captions, filters, dates and folders keep working; without POLYGLANCE_VECTORS"
    " FAISS searches the catalog."
)


class MilvusCollection:
    """Vectors of one catalog by one encoder; safe to use from several threads."""

    def __init__(self, address: Address, name: str, dimension: int) -> None:
        self.address = address
        self.name = name
        self.engine, self.hint = f"Milvus at {address}", HINT
        self._dimension = dimension
        self._client: Any = None
        self._connecting = threading.Lock()
        self._failed_at = -math.inf

    # --- the collection --------------------------------------------------------------------------

    def require_reachable(self) -> None:
        """Raise VectorsUnavailable if Milvus does not answer."""
        self.read_position()

    def create(self, count: int) -> None:
        """Make the collection, for about `count` vectors, unless it exists."""
        index = self.address.index or ("FLAT" if count < LARGE else "HNSW")
        with self._request() as client:
            from pymilvus import DataType

            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("key", DataType.INT64, is_primary=True)
            schema.add_field("seal", DataType.INT64)
            schema.add_field("position", DataType.VARCHAR, max_length=16_384)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
            if not client.has_collection(self.name, timeout=READ_SECONDS):
                client.create_collection(self.name, schema=schema, consistency_level=CONSISTENCY, timeout=WRITE_SECONDS)
            if not client.has_partition(self.name, POSITION, timeout=READ_SECONDS):
                client.create_partition(self.name, POSITION, timeout=WRITE_SECONDS)
            if not client.list_indexes(self.name):
                self._arrange(client, index, count, sync=False)  # there is nothing to wait for
            else:  # a process or the server was killed before it was loaded
                client.load_collection(self.name, timeout=ARRANGE_SECONDS)

    def arrange(self, count: int) -> bool:
        """Give it the index that was configured, or HNSW when it is large; searches fail meanwhile."""
        index = self.address.index or ("HNSW" if count >= LARGE else "")
        if not index or self.index() == index:
            return False
        with self._request() as client:
            client.release_collection(self.name, timeout=WRITE_SECONDS)
            client.drop_index(self.name, "vector", timeout=WRITE_SECONDS)
            self._arrange(client, index, count)
        return True

    def index(self) -> str:
        """The kind of its index."""
        with self._request() as client:
            return str(client.describe_index(self.name, "vector", timeout=READ_SECONDS)["index_type"])

    def names(self) -> list[str]:
        """The names of all collections of this Milvus, other libraries' too."""
        with self._request() as client:
            return [str(name) for name in client.list_collections(timeout=READ_SECONDS)]

    def drop(self) -> None:
        """Remove the collection, if it exists."""
        with self._request() as client:
            client.drop_collection(self.name, timeout=WRITE_SECONDS)

    def _arrange(self, client: Any, index: str, count: int, sync: bool = True) -> None:
        parameters = client.prepare_index_params()
        parameters.add_index("vector", index_type=index, metric_type="IP", params=building(index, count))
        client.create_index(self.name, parameters, timeout=ARRANGE_SECONDS, sync=sync)
        client.load_collection(self.name, timeout=ARRANGE_SECONDS)

    # --- writing ---------------------------------------------------------------------------------

    def upsert(self, keys: Ids, seals: Seals, vectors: Floats) -> None:
        """Write vectors; one that is there already is replaced."""
        rows = [
            {"key": key, "seal": seal, "position": "", "vector": vector}
            for key, seal, vector in zip(keys.tolist(), seals.view(np.int64).tolist(), vectors, strict=True)
        ]
        if rows:
            with self._request() as client:
                client.upsert(self.name, rows, partition_name=VECTORS, timeout=WRITE_SECONDS)

    def delete(self, keys: Ids) -> None:
        """Remove vectors by their keys."""
        if len(keys):
            with self._request() as client:
                client.delete(self.name, ids=keys.tolist(), partition_name=VECTORS, timeout=WRITE_SECONDS)

    def seal(self) -> None:
        """Let Milvus index what was sent now, rather than scan it in every search until it thinks of it."""
        with self._request() as client:
            client.flush(self.name, timeout=ARRANGE_SECONDS)

    def write_position(self, position: Position) -> None:
        """Write how far it followed."""
        row = {"key": POSITION_KEY, "seal": 0, "position": position.json(), "vector": np.zeros(self._dimension, "f4")}
        with self._request() as client:
            client.upsert(self.name, [row], partition_name=POSITION, timeout=WRITE_SECONDS)

    # --- reading ---------------------------------------------------------------------------------

    def read_position(self) -> Position | None:
        """How far it followed; None if there is no collection, or nothing was sent."""
        try:
            # A search begins with it: it is one row, and nobody waits for a dead engine as long as for a write.
            rows = self._query(["position"], READ_SECONDS, ids=[POSITION_KEY], partition_names=[POSITION])
        except CollectionMissing:
            return None
        return Position.from_json(rows[0]["position"]) if rows else None

    def count(self) -> int:
        """Number of vectors."""
        rows = self._query(["count(*)"], filter="")
        positions = self._query(["key"], ids=[POSITION_KEY])
        return int(rows[0]["count(*)"]) - len(positions)

    def count_between(self, low: int, high: int) -> int:
        """Number of vectors with `low` < key <= `high`."""
        return int(self._query(["count(*)"], filter=_between(low, high))[0]["count(*)"])

    def seals_between(self, low: int, high: int) -> tuple[Ids, Seals]:
        """(keys, seals), ascending, of at most LIMIT vectors with `low` < key <= `high`."""
        return _keys_and_seals(self._query(["key", "seal"], filter=_between(low, high), limit=LIMIT))

    def seals_of(self, keys: Ids) -> tuple[Ids, Seals]:
        """(keys, seals), ascending, of those of these vectors that it has."""
        return _keys_and_seals(self._query(["key", "seal"], ids=keys.tolist())) if len(keys) else _keys_and_seals([])

    def vectors_of(self, keys: Ids) -> dict[int, Floats]:
        """Key -> vector of those of these vectors that it has."""
        rows = self._query(["key", "vector"], ids=keys.tolist()) if len(keys) else []
        return {row["key"]: np.array(row["vector"], np.float32) for row in rows}

    def search(self, query: Floats, count: int, among: Ids | None = None) -> Rows:
        """The `count` nearest, at most LIMIT, among all or among these keys. Raises CollectionMissing."""
        with self._request() as client:
            hits = client.search(
                self.name,
                data=[query],
                anns_field="vector",
                limit=min(count, LIMIT),
                filter="" if among is None else f"key in {among.tolist()}",
                output_fields=["seal"],
                search_params={"metric_type": "IP", "params": searching(self.address.index, count)},
                partition_names=[VECTORS],
                consistency_level=CONSISTENCY,
                timeout=READ_SECONDS,
            )[0]
        return Rows(
            np.array([hit["distance"] for hit in hits], np.float32),
            np.array([hit["key"] for hit in hits], np.int64),
            np.array([hit["entity"]["seal"] for hit in hits], np.int64).view(np.uint64),
        )

    def _query(self, fields: list[str], seconds: float = WRITE_SECONDS, **what: Any) -> list[dict[str, Any]]:
        with self._request() as client:
            return list(
                client.query(self.name, output_fields=fields, consistency_level="Strong", timeout=seconds, **what)
            )

    # --- requests --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _request(self) -> Iterator[Any]:
        """A client. Raises VectorsUnavailable in place of pymilvus's errors; CollectionMissing."""
        if time.monotonic() - self._failed_at < RETRY_SECONDS:
            raise self._unavailable("does not answer")
        pymilvus = _imported()
        import grpc

        try:
            yield self._connected(pymilvus)
        except pymilvus.MilvusException as error:
            if error.code in {MISSING, NOT_LOADED}:
                raise CollectionMissing(self.name) from error
            if error.code in TO_CONNECT:
                self._failed_at = time.monotonic()
                raise self._unavailable("does not answer") from error
            lines = str(error.message).strip().splitlines() or ["no reason given"]
            raise self._unavailable(f"refused a request ({lines[0][:200]})") from error
        except grpc.RpcError as error:  # pymilvus hands on a deadline that passed
            self._failed_at = time.monotonic()
            raise self._unavailable("does not answer") from error

    def _connected(self, pymilvus: Any) -> Any:
        with self._connecting:
            if self._client is None:
                address = self.address
                self._client = pymilvus.MilvusClient(
                    uri=address.uri,
                    user=address.user,
                    password=address.password,
                    timeout=CONNECT_SECONDS,
                    grpc_options=GRPC_OPTIONS,
                )
            return self._client

    def _unavailable(self, what: str) -> VectorsUnavailable:
        error = VectorsUnavailable(f"{self.engine} {what}.", HINT)
        return error.with_code("vectors_unavailable", address=str(self.address))


LARGE = 100_000
"""Vectors from which HNSW is chosen: an exact search of fewer takes some milliseconds."""


def building(index: str, count: int) -> dict[str, int]:
    """The parameters that an index of about `count` vectors is built with."""
    if index == "HNSW":
        return {"M": 30, "efConstruction": 360}
    if index == "IVF_SQ8":
        return {"nlist": min(max(int(4 * math.sqrt(count)), 64), 65_536)}
    return {}


def searching(index: str, count: int) -> dict[str, int]:
    """How widely an index is searched for `count` results."""
    wide = min(max(2 * count, 256), 2 * LIMIT)
    return {"FLAT": {}, "IVF_SQ8": {"nprobe": 64}, "DISKANN": {"search_list": wide}}.get(index, {"ef": wide})


def _between(low: int, high: int) -> str:
    return f"key > {max(low, POSITION_KEY)} and key <= {high}"


def _keys_and_seals(rows: list[dict[str, Any]]) -> tuple[Ids, Seals]:
    keys = np.array([row["key"] for row in rows], np.int64)
    seals = np.array([row["seal"] for row in rows], np.int64).view(np.uint64)
    order = np.argsort(keys)
    return keys[order], seals[order]


def _imported() -> Any:
    try:
        import pymilvus
    except ImportError as error:
        raise LibraryError("pymilvus is not installed.", "Run: pip install 'polyglance[cluster]'") from error
    # It logs every error that it raises, with a traceback.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
    return pymilvus
