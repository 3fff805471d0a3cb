"""The network between this process and PostgreSQL is cut: no packet arrives, and nobody says so."""

import time
from concurrent.futures import ThreadPoolExecutor

import children
import colour_encoder
import pytest
from compare import until
from polyglance.encoders import registry
from polyglance.errors import CatalogUnavailable
from polyglance.ui.web import health
from polyglance.ui.web.server import build
from starlette.testclient import TestClient
from wire import Wire

pytestmark = pytest.mark.cluster

LIMIT_SECONDS = 16
"""A cut is told within 10 seconds; a busy machine gets some more. The system itself would wait for minutes."""
PICTURES = 24


@pytest.fixture(autouse=True)
def tiny_encoder(monkeypatch):
    monkeypatch.setattr(registry, "create", colour_encoder.create)


@pytest.fixture
def photos(tmp_path):
    for number in range(PICTURES):
        colour_encoder.picture(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def catalog(new_catalog_url, postgresql):
    """(a catalog's address, its address over a wire, the wire)"""
    url = new_catalog_url("postgresql")
    database = url.partition("?")[0].rpartition("/")[2]
    wire = Wire(postgresql.folder / ".s.PGSQL.5432")
    yield url, f"postgresql+psycopg://polyglance@127.0.0.1:{wire.port}/{database}", wire
    wire.close()


def test_searches_are_refused_within_seconds_and_answered_again_when_the_network_is_back(tmp_path, photos, catalog):
    url, address, wire = catalog
    with children.opened(tmp_path / "library", catalog=url) as library:
        library.index([photos])
    with (
        children.opened(tmp_path / "library", catalog=address) as library,
        TestClient(build(library), base_url="http://127.0.0.1") as client,
        ThreadPoolExecutor(30) as pool,
    ):
        until(lambda: client.get("/readyz").status_code == 200, 60)

        def search(_=None):
            return client.get("/api/v1/search", params={"q": "red"})

        expected, *_ = [each.json() for each in pool.map(search, range(20))]  # by connections that stay in the pool
        wire.cut()
        start = time.monotonic()
        asked = [pool.submit(search) for _ in range(30)]
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["detail"]) == (503, health.NO_CATALOG)
        for each in asked:
            document = each.result().json()
            assert (document["status"], document["hint"]) == (503, "Is the server running? Try again in a moment.")
            assert document["detail"].startswith("The catalog cannot be used: ")
        assert time.monotonic() - start < LIMIT_SECONDS
        wire.mend()
        until(lambda: search().status_code == 200, 60)
        assert search().json()["results"] == expected["results"]
        until(lambda: client.get("/readyz").status_code == 200, 60)


def test_an_index_run_ends_with_one_line_and_the_next_one_goes_on(tmp_path, photos, catalog):
    url, address, wire = catalog
    started = []

    def cut(tick):
        if tick.done >= 8 and not started:
            started.append(time.monotonic())
            wire.cut()

    with children.opened(tmp_path / "library", catalog=address) as library:
        with pytest.raises(CatalogUnavailable, match="The catalog cannot be used: ") as raised:
            library.index([photos], progress=cut)
        assert time.monotonic() - started[0] < 2 * LIMIT_SECONDS
        assert "\n" not in str(raised.value)
        wire.mend()
    with children.opened(tmp_path / "library", catalog=url) as library:
        before = library.status().photos
        assert 0 < before < PICTURES
        report = children.patiently(lambda: library.index([photos]))
        assert (report.tally.encoded, report.tally.unchanged) == (PICTURES - before, before)
        with children.opened(tmp_path / "embedded") as other:
            other.index([photos])
            assert rows(library) == rows(other)
        assert library.check(deep=True).findings == []


def rows(library):
    """What a catalog holds, without ids and times of indexing."""
    statements = (
        "SELECT path, size, mtime_ns, inode, content_hash, error, width, height, format FROM photo",
        "SELECT content_hash, vector FROM vector",
        "SELECT name, folder, caption, keyword FROM words",
        "SELECT kind, key, content_hash FROM label",
    )
    with library.catalog.database.reading() as connection:
        return [sorted(map(repr, map(tuple, connection.exec_driver_sql(each)))) for each in statements]
