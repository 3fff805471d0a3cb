"""Engines that a library can be kept in, for tests that do the same with each."""

import os
import sys
from dataclasses import dataclass, field, replace

import pytest
from polyglance import Library, Settings
from polyglance.benchmarks import ray_cluster

KINDS = (
    "embedded",
    pytest.param("postgresql", marks=pytest.mark.cluster),
    pytest.param("postgresql+pgvector", marks=pytest.mark.cluster),
    pytest.param("postgresql+milvus", marks=pytest.mark.cluster),
    pytest.param("postgresql+milvus+ray", marks=pytest.mark.cluster),
)
"""Parameters of `engines`. Parts of the name say what is used; FAISS and SQLite are what nothing is said of."""


@dataclass(frozen=True)
class Engines:
    """Where the catalog and the vectors of one new library are, and what `polyglance index` is told."""

    catalog: str = ""
    vectors: str = ""
    index_options: list[str] = field(default_factory=list)

    def settings(self, folder, **more):
        return Settings(library=folder, catalog=self.catalog or None, vectors=self.vectors or None, **more)

    def open(self, folder, create=True, **more):
        return Library.open(folder, settings=self.settings(folder, **more), create=create)

    def environment(self, folder, **more):
        """For a process."""
        known = {"LIBRARY": folder, "CATALOG": self.catalog, "VECTORS": self.vectors, **more}
        return {**os.environ, **{f"POLYGLANCE_{name}": str(value) for name, value in known.items() if value}}


@pytest.fixture(scope="session")
def new_engines(request, new_catalog_url):
    """Make new, empty engines of a kind."""
    made = iter(range(sys.maxsize))

    def make(kind):
        parts = kind.split("+")
        catalog = new_catalog_url("postgresql") if "postgresql" in parts else ""
        vectors = "pgvector" if "pgvector" in parts else ""
        if "milvus" in parts:
            vectors = request.getfixturevalue("milvus").url(f"photos{next(made)}")
        return Engines(catalog, vectors)

    return make


@pytest.fixture(params=KINDS)
def engines(request, new_engines):
    """The same; a test that has it runs once for each kind."""
    made = new_engines(request.param)
    if "ray" not in request.param:
        yield made
        return
    pytest.importorskip("ray", reason="Ray is not installed: extra cluster")
    with ray_cluster.running(raylets=2) as cluster:
        yield replace(made, index_options=["--workers", cluster.url])
