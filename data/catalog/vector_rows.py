"""The statements about vectors: what an encoder has, read in bulk and past SQLAlchemy's rows, and checked by seals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from . import database, seals

STORED = np.dtype("<f2")
"""How a vector is stored; a unit vector loses less than 1e-3 of cosine by it."""

AT_ONCE = 4096
"""Vectors read in one go."""

BLOCK_BITS = 12  # ids of one block have all but these bits in common

ALL = 2**63 - 1
"""`end` of what has no end: SQLite's largest id, which no vector ever gets."""

_COLUMNS = "id, encoder_id, content_hash, vector, seal"


class Vectors(NamedTuple):
    """Rows of an encoder: ids and seals of shape (n,), unit vectors of shape (n, dimension)."""

    ids: npt.NDArray[np.int64]
    seals: npt.NDArray[np.uint64]
    vectors: npt.NDArray[np.float32]


def after(connection: Connection, encoder_id: int, vector_id: int) -> Vectors | None:
    """The first AT_ONCE above an id, in order; None if there is none. Raises LibraryError at a damaged one."""
    # + 0 keeps SQLite from an index by encoder, whose rows it would sort for every batch
    statement = f"SELECT {_COLUMNS} FROM vector WHERE encoder_id + 0 = ? AND id > ? ORDER BY id LIMIT {AT_ONCE}"
    rows = _rows(connection, statement, (encoder_id, vector_id))
    return _checked(rows) if rows else None


def by_ids(connection: Connection, ids: Sequence[int]) -> Vectors | None:
    """Those of these ids (at most AT_ONCE) that are there, in order of the ids. Raises LibraryError as `after` does."""
    listed = ",".join(map(str, map(int, ids)))
    rows = _rows(connection, f"SELECT {_COLUMNS} FROM vector WHERE id IN ({listed}) ORDER BY id", ())
    return _checked(rows) if rows else None


def sealed(
    connection: Connection, encoder_id: int, first: int, end: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """(ids, seals) of an encoder's vectors with `first` <= id < `end`, in order; from an index alone if of all."""
    statement = "SELECT id, seal FROM vector WHERE encoder_id = ?"
    values: tuple[int, ...] = (encoder_id,)
    if (first, end) != (0, ALL):
        statement = "SELECT id, seal FROM vector WHERE encoder_id + 0 = ? AND id >= ? AND id < ?"
        values = (encoder_id, first, end)
    return _ids_and_seals(_rows(connection, statement, values))


def last_sealed(
    connection: Connection, encoder_id: int, last: int, most: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """The same of the `most` highest ids up to `last`."""
    statement = f"SELECT id, seal FROM vector WHERE encoder_id + 0 = ? AND id <= ? ORDER BY id DESC LIMIT {most:d}"
    return _ids_and_seals(_rows(connection, statement, (encoder_id, last)))


def _ids_and_seals(rows: list[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    ids, found = np.array([row[0] for row in rows], np.int64), [row[1] for row in rows]
    if set(map(type, found)) - {bytes} or set(map(len, found)) - {seals.SIZE}:
        raise database.damaged("a vector has no checksum")
    order = np.argsort(ids)
    return ids[order], np.frombuffer(b"".join(found), np.uint64)[order]


def count(connection: Connection, encoder_id: int, last: int) -> int:
    """How many vectors of an encoder have ids up to `last`."""
    statement = "SELECT count(*) FROM vector WHERE encoder_id = ? AND id <= ?"
    return int(_rows(connection, statement, (encoder_id, last))[0][0])


def blocks(connection: Connection, encoder_id: int, last: int) -> dict[int, int]:
    """Number of an encoder's vectors with ids up to `last` in each block of 2 ** BLOCK_BITS ids."""
    statement = f"SELECT id >> {BLOCK_BITS}, count(*) FROM vector WHERE encoder_id = ? AND id <= ? GROUP BY 1"
    return dict(_rows(connection, statement, (encoder_id, last)))


def _rows(connection: Connection, statement: str, values: tuple[Any, ...]) -> list[Any]:
    cursor = connection.exec_driver_sql(statement, values).cursor
    return list(cursor.fetchall()) if cursor is not None else []


def _checked(rows: list[Any]) -> Vectors:
    for vector_id, *columns, seal in rows:
        if seals.seal("vector", *columns) != seal:
            raise database.damaged(f"vector {vector_id} is not what was written")
    stored = np.frombuffer(b"".join(row[3] for row in rows), STORED)
    return Vectors(
        np.array([row[0] for row in rows], np.int64),
        np.frombuffer(b"".join(row[4] for row in rows), np.uint64),
        stored.reshape(len(rows), -1).astype(np.float32),
    )
