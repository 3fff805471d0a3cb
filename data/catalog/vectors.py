"""Vectors: one of each content and encoder, checked by seals, read in bulk and past SQLAlchemy's rows.

Functions with a `connection` work inside the caller's transaction; each method is a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, bindparam, delete, exists, select, text

from ...arrays import Floats, Ids, Seals, spread_places
from . import photo_rows, seals, settings
from .constructs import IdList, Unindexed, id_list_value
from .database import Database, damaged, fetch
from .dialect import of
from .models import Photo, Vector
from .photo_rows import batches
from .settings import LibrarySettings

STORED = np.dtype("<f2")
"""How a vector is stored; a unit vector loses less than 1e-3 of cosine by it."""

AT_ONCE = 4096
"""Vectors read by one statement."""

EXACTLY_SPREAD = 100_000

ALL = 2**63 - 1
"""`end` of a range without end: above every id."""

_COLUMNS = "id, encoder_id, content_hash, vector, seal"

# + 0 keeps the database from an index by encoder, whose rows it would sort for every batch.
_ONE = text("SELECT id FROM vector WHERE content_hash = :content_hash AND encoder_id = :encoder_id")
_AFTER = text(
    f"SELECT {_COLUMNS} FROM vector WHERE encoder_id + 0 = :encoder_id AND id > :last ORDER BY id LIMIT {AT_ONCE}"
)
_BY_IDS = (
    select(Vector.id, Vector.encoder_id, Vector.content_hash, Vector.vector, Vector.seal)
    .where(Vector.id.in_(IdList()))
    .order_by(Vector.id)
)
_OF_ENCODER = _BY_IDS.where(Vector.encoder_id == bindparam("encoder_id"))
_SEALS_BY_IDS = select(Vector.id, Vector.seal).where(
    Vector.id.in_(IdList()), Unindexed(Vector.encoder_id) == bindparam("encoder_id")
)
_NEXT = text("SELECT id FROM vector WHERE encoder_id + 0 = :encoder_id AND id >= :first ORDER BY id LIMIT 1")
_CONTENTS = select(Vector.id, Vector.content_hash).where(Vector.id.in_(IdList()))
_ALL_SEALS = text("SELECT id, seal FROM vector WHERE encoder_id = :encoder_id")  # from an index alone
_SEALS = text("SELECT id, seal FROM vector WHERE encoder_id + 0 = :encoder_id AND id >= :first AND id < :end")
_LAST_SEALS = text(
    "SELECT id, seal FROM vector WHERE encoder_id + 0 = :encoder_id AND id <= :last ORDER BY id DESC LIMIT :limit"
)
_COUNT = text("SELECT count(*) FROM vector WHERE encoder_id = :encoder_id AND id <= :last")
_BLOCKS = text("SELECT id >> :bits, count(*) FROM vector WHERE encoder_id = :encoder_id AND id <= :last GROUP BY 1")


class VectorBatch(NamedTuple):
    """Rows of an encoder: ids and seals of shape (n,), unit vectors of shape (n, dimension)."""

    ids: Ids
    seals: Seals
    vectors: Floats


class Vectors:
    """The table of vectors."""

    def __init__(self, database: Database, library_settings: LibrarySettings) -> None:
        self._database = database
        self._settings = library_settings

    # --- of contents and photos -------------------------------------------------------------

    def get(self, content_hash: bytes, encoder_id: int) -> Floats | None:
        """The vector of one content, shape (dimension,), or None. Raises LibraryError if it is damaged."""
        columns = (Vector.id, Vector.encoder_id, Vector.content_hash, Vector.vector, Vector.seal)
        statement = select(*columns).where(Vector.content_hash == content_hash, Vector.encoder_id == encoder_id)
        with self._database.reading() as connection:
            rows = fetch(connection, statement)
        return _checked(rows).vectors[0] if rows else None

    def has(self, content_hash: bytes, encoder_id: int) -> bool:
        """Whether this encoder has encoded these bytes, of a photo of the library or of one that was removed lately."""
        parameters = {"content_hash": content_hash, "encoder_id": encoder_id}
        with self._database.reading() as connection:
            return connection.execute(_ONE, parameters).first() is not None

    def of_photos(self, photo_ids: Sequence[int], encoder_id: int) -> dict[int, int]:
        """Photo id -> id of its vector by this encoder."""
        result: dict[int, int] = {}
        with self._database.reading() as connection:
            for ids in batches(photo_ids):
                rows = connection.execute(select(Photo.id, vector_id_of_photo(encoder_id)).where(Photo.id.in_(ids)))
                result.update((photo_id, vector_id) for photo_id, vector_id in rows if vector_id is not None)
        return result

    def stored(self, content_hashes: Sequence[bytes], encoder_id: int) -> list[tuple[bytes, bytes, bytes]]:
        """(content hash, vector as it is stored, seal) of these contents, as far as this encoder has encoded them."""
        rows: list[tuple[bytes, bytes, bytes]] = []
        columns = (Vector.content_hash, Vector.vector, Vector.seal)
        with self._database.reading() as connection:
            for start in range(0, len(content_hashes), photo_rows.AT_ONCE):
                hashes = content_hashes[start : start + photo_rows.AT_ONCE]
                statement = select(*columns).where(Vector.encoder_id == encoder_id, Vector.content_hash.in_(hashes))
                rows += [(key, vector, seal or b"") for key, vector, seal in connection.execute(statement)]
        return rows

    def contents(self, vector_ids: Sequence[int]) -> dict[int, bytes]:
        """Vector id -> hash of its content."""
        with self._database.reading() as connection:
            return dict(fetch(connection, _CONTENTS, {"ids": id_list_value(vector_ids)}))

    # --- of an encoder ----------------------------------------------------------------------

    def after(self, encoder_id: int, vector_id: int) -> Iterator[VectorBatch]:
        """Yield the vectors above `vector_id`, in order of their ids, AT_ONCE at a time.

        Raises LibraryError at a vector that is not what was written.
        """
        last = vector_id
        while True:
            with self._database.reading() as connection:
                rows = fetch(connection, _AFTER, {"encoder_id": encoder_id, "last": last})
            if not rows:
                return
            batch = _checked(rows)
            yield batch
            last = int(batch.ids[-1])

    def by_ids(self, ids: Sequence[int], encoder_id: int | None = None) -> Iterator[VectorBatch]:
        """Yield the vectors with these ids that exist, AT_ONCE ids at a time. Raises LibraryError as `after` does.

        With `encoder_id`, those of this encoder only; without it, all must be of one.
        """
        for start in range(0, len(ids), AT_ONCE):
            parameters: dict[str, Any] = {"ids": id_list_value(ids[start : start + AT_ONCE])}
            statement = _BY_IDS
            if encoder_id is not None:
                statement, parameters = _OF_ENCODER, parameters | {"encoder_id": encoder_id}
            with self._database.reading() as connection:
                rows = fetch(connection, statement, parameters)
            if rows:
                yield _checked(rows)

    def ids(self, encoder_id: int) -> Ids:
        """Ids of all vectors by this encoder, ascending."""
        return self.seals(encoder_id)[0]

    def seals(self, encoder_id: int, first: int = 0, end: int = ALL) -> tuple[Ids, Seals]:
        """(ids, seals) of the vectors with `first` <= id < `end`, in order of the ids; of all, an index has them."""
        statement, parameters = _ALL_SEALS, {"encoder_id": encoder_id}
        if (first, end) != (0, ALL):
            statement, parameters = _SEALS, {"encoder_id": encoder_id, "first": first, "end": end}
        with self._database.reading() as connection:
            return _ids_and_seals(fetch(connection, statement, parameters))

    def seals_by_ids(self, encoder_id: int, ids: Sequence[int]) -> tuple[Ids, Seals]:
        """The same of the vectors with these ids that the encoder has."""
        with self._database.reading() as connection:
            parameters = {"ids": id_list_value(ids), "encoder_id": encoder_id}
            return _ids_and_seals(fetch(connection, _SEALS_BY_IDS, parameters))

    def spread(self, encoder_id: int, last: int, most: int) -> Ids:
        """At most `most` ids up to `last`, evenly spread, the lowest and the highest among them.

        Of more than EXACTLY_SPREAD vectors, the ids are those that follow evenly spaced numbers.
        """
        if self.count(encoder_id, last) <= EXACTLY_SPREAD:
            ids, _ = self.seals(encoder_id)
            ids = ids[ids <= last]
            return ids[spread_places(len(ids), most)]
        with self._database.reading() as connection:
            first = fetch(connection, _NEXT, {"encoder_id": encoder_id, "first": 0})[0][0]
            chosen: set[int] = set()
            for number in np.linspace(first, last, most).astype(np.int64).tolist():
                rows = fetch(connection, _NEXT, {"encoder_id": encoder_id, "first": min(number, last)})
                chosen.update(row[0] for row in rows)
        return np.array(sorted(chosen), np.int64)

    def last_seals(self, encoder_id: int, last: int, limit: int) -> tuple[Ids, Seals]:
        """The same of the `limit` highest ids up to `last`."""
        with self._database.reading() as connection:
            parameters = {"encoder_id": encoder_id, "last": last, "limit": limit}
            return _ids_and_seals(fetch(connection, _LAST_SEALS, parameters))

    def last_id(self, encoder_id: int) -> int:
        """The highest id of a vector by this encoder; 0 if there is none."""
        ids, _ = self.last_seals(encoder_id, ALL, 1)
        return int(ids[0]) if len(ids) else 0

    def count(self, encoder_id: int, last: int = ALL) -> int:
        """Number of vectors with ids up to `last`."""
        with self._database.reading() as connection:
            return int(fetch(connection, _COUNT, {"encoder_id": encoder_id, "last": last})[0][0])

    def count_by_block(self, encoder_id: int, last: int, bits: int) -> dict[int, int]:
        """Number of vectors with ids up to `last` in each block: ids of a block differ in the lowest `bits` only."""
        with self._database.reading() as connection:
            return dict(fetch(connection, _BLOCKS, {"encoder_id": encoder_id, "last": last, "bits": bits}))

    # --- writing ----------------------------------------------------------------------------

    def add(self, vectors: Mapping[bytes, Floats], encoder_id: int) -> None:
        """Write vectors, by content hash, of contents that the catalog has already."""
        with self._database.writing() as connection:
            put(connection, vectors, encoder_id)
            settings.bump(connection)

    def prune(self) -> list[bytes]:
        """Drop the vectors of contents that no photo has any more; return their hashes.

        Searches for none if nothing was committed since the last time.
        """
        if self._settings.get("pruned") == self._settings.get("generation"):
            return []
        orphan = ~exists().where(Photo.content_hash == Vector.content_hash)
        with self._database.writing() as connection:
            removed = connection.scalars(select(Vector.content_hash).where(orphan).distinct()).all()
            if removed:
                connection.execute(delete(Vector).where(orphan))
                settings.bump(connection)
                settings.put(connection, "removed", settings.read_generation(connection))
            settings.put(connection, "pruned", settings.read_generation(connection))
        return list(removed)


def put(connection: Connection, vectors: Mapping[bytes, Floats], encoder_id: int) -> None:
    """Write vectors by content hash; a content that has one keeps it."""
    rows: list[dict[str, Any]] = [
        {"encoder_id": encoder_id, "content_hash": key, "vector": vector.astype(STORED).tobytes()}
        for key, vector in vectors.items()
    ]
    for row in rows:
        row["seal"] = seals.seal_row("vector", row)
    if rows:
        connection.execute(of(connection).insert_or_ignore(Vector), rows)


def vector_id_of_photo(encoder_id: int) -> Any:
    """The id of a photo's vector, as a column. Not a join: SQLite would begin with all vectors of the encoder."""
    own = select(Vector.id).where(Vector.encoder_id == encoder_id, Vector.content_hash == Photo.content_hash)
    return own.scalar_subquery()


def _ids_and_seals(rows: list[Any]) -> tuple[Ids, Seals]:
    ids, stored = np.array([row[0] for row in rows], np.int64), [row[1] for row in rows]
    if set(map(type, stored)) - {bytes} or set(map(len, stored)) - {seals.SIZE}:
        raise damaged("a vector has no checksum")
    order = np.argsort(ids)
    return ids[order], np.frombuffer(b"".join(stored), np.uint64)[order]


def _checked(rows: list[Any]) -> VectorBatch:
    for vector_id, *columns, seal in rows:
        if seals.seal("vector", *columns) != seal:
            raise damaged(f"vector {vector_id} is not what was written")
    stored = np.frombuffer(b"".join(row[3] for row in rows), STORED)
    return VectorBatch(
        np.array([row[0] for row in rows], np.int64),
        np.frombuffer(b"".join(row[4] for row in rows), np.uint64),
        stored.reshape(len(rows), -1).astype(np.float32),
    )
