"""One transaction with PostgreSQL over a table of vectors, and what its errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ....errors import VectorsUnavailable
from ...catalog.database import Database
from ..remote.collection import CollectionMissing

HINT = (
    "Words in names and captions, filters, dates and folders keep working; without POLYGLANCE_VECTORS FAISS searches."
)

OLDEST = (0, 8)
"""The first pgvector that goes on searching while rows are missing."""

MISSING = {"42P01", "42703", "42704"}
"""SQLSTATEs: there is no such table, column or type. DROP EXTENSION leads to the last two."""

# The extension may be in a schema that the address does not name; a table is always in the catalog's own.
_BEGIN = (
    "SELECT quote_ident(current_schema()) AS schema, (SELECT extversion FROM pg_extension WHERE extname = 'vector'),"
    " set_config('search_path', concat_ws(', ', current_setting('search_path'), (SELECT quote_ident(nspname)"
    " FROM pg_extension JOIN pg_namespace AS space ON space.oid = extnamespace WHERE extname = 'vector')), true),"
    " set_config('statement_timeout', %(seconds)s || 's', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true)"
)
# Not in the catalog's schema, whose table `vector` has a type of the same name as pgvector's.
_ADD = "CREATE SCHEMA IF NOT EXISTS pgvector; CREATE EXTENSION IF NOT EXISTS vector SCHEMA pgvector"
_UPDATE = "Install pgvector 0.8 or newer on its machine, then run in the database: ALTER EXTENSION vector UPDATE."
_REFUSED = {
    "0A000": (
        "does not have pgvector",
        "Install pgvector 0.8 or newer on its machine (Debian: postgresql-NN-pgvector, NN being PostgreSQL's version).",
    ),
    "42501": ("does not let this user add pgvector", f"As a superuser, run in the database: {_ADD}."),
}
"""SQLSTATE of CREATE EXTENSION -> what it means, and the next step."""


@dataclass(frozen=True, slots=True)
class Request:
    """Runs statements in which `{table}` stands for a table; their parameters are psycopg's."""

    connection: Connection
    table: str

    def __call__(self, statement: str, **parameters: Any) -> list[Any]:
        """Run a statement; return its rows, if it has any."""
        result = self.connection.exec_driver_sql(statement.replace("{table}", self.table), parameters or None)
        return list(result.fetchall()) if result.returns_rows else []

    def copy(self, statement: str, rows: bytes) -> None:
        """Run COPY FROM STDIN."""
        driver: Any = self.connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(statement.replace("{table}", self.table)) as copy:
            copy.write(rows)


@contextlib.contextmanager
def request(database: Database, table: str, seconds: int, isolation: str) -> Iterator[Request]:
    """A transaction; each of its statements has so many `seconds`, 0 for any number.

    Adds pgvector to the database if it is not there. Raises VectorsUnavailable; CollectionMissing.
    """
    dialect, where = database.dialect, f"PostgreSQL at {database}"
    try:
        with database.beside.connect() as connection, connection.execution_options(isolation_level=isolation).begin():
            schema, version, *_ = connection.exec_driver_sql(_BEGIN, {"seconds": str(seconds)}).one()
            if version is None:
                _add(connection, where)
                schema, version, *_ = connection.exec_driver_sql(_BEGIN, {"seconds": str(seconds)}).one()
            if tuple(map(int, version.split(".")[:2])) < OLDEST:
                raise unavailable(where, f"has pgvector {version}, which is too old", _UPDATE)
            yield Request(connection, f"{schema}.{table}")
    except dialect.ERRORS as error:
        if _state(error) in MISSING:
            raise CollectionMissing(table) from error
        raise unavailable(where, f"did not search vectors: {dialect.reason(error)}", dialect.hint(error)) from error


def unavailable(where: str, what: str, advice: str) -> VectorsUnavailable:
    """The error that an engine cannot be used, and the next step."""
    return VectorsUnavailable(f"{where} {what}.", f"{advice} {HINT}").with_code("vectors_unavailable", address=where)


def _add(connection: Connection, where: str) -> None:
    try:
        connection.exec_driver_sql(_ADD)
    except Exception as error:
        if (refused := _REFUSED.get(_state(error))) is None:
            raise
        raise unavailable(where, *refused) from error


def _state(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None) or error, "sqlstate", None) or "")
