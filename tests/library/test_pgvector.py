"""A library whose vectors pgvector searches, and a database that is restarted, or has lost table or extension."""

import contextlib
import itertools
import os
import threading
import time
from pathlib import Path

import colour_encoder
import numpy as np
import pytest
from compare import until
from polyglance.config import Settings
from polyglance.data.catalog.database import Database
from polyglance.data.vectors import stores
from polyglance.data.vectors.pgvector.table import WIDEST, Table
from polyglance.encoders import registry
from polyglance.errors import LibraryError, UsageError, VectorsUnavailable
from polyglance.library import Library

PHOTOS = 12

pytestmark = pytest.mark.cluster


@pytest.fixture
def encoder(monkeypatch):
    made = colour_encoder.ColourEncoder()
    monkeypatch.setattr(registry, "create", lambda name, settings: made)
    return made


@pytest.fixture
def photo_folder(tmp_path):
    for number in range(PHOTOS):
        colour_encoder.picture(tmp_path / "photos" / f"{number}.png", 20 * number)
    return tmp_path / "photos"


@pytest.fixture
def url(pgvector, new_catalog_url):
    yield new_catalog_url("postgresql")
    pgvector.ensure_running()


@pytest.fixture
def library(url, tmp_path, photo_folder, encoder):
    settings = Settings(library=tmp_path / "library", catalog=url, vectors="pgvector", decode_workers=1)
    with Library.open(tmp_path / "library", settings=settings, create=True) as opened:
        opened.index([photo_folder], encoder="colour")
        yield opened


def run(library, statement):
    with library.catalog.database.writing() as connection:
        return connection.exec_driver_sql(statement)


def names(answer):
    return [os.path.basename(result.photo.path).decode() for result in answer]


def table_of(library):
    record = library.catalog.encoders.active()
    return stores.collection("pgvector", library.catalog, record.id, record.dimension)


def test_a_search_gives_what_faiss_gives(library, url, tmp_path):
    settings = Settings(library=tmp_path / "library", catalog=url, decode_workers=1)
    with Library.open(tmp_path / "library", settings=settings) as with_faiss:
        assert names(library.search("red", 12)) == names(with_faiss.search("red", 12))
    assert (table_of(library).count(), library.status().index) == (PHOTOS, "pgvector")
    assert library.check(deep=True).findings == []
    assert not (library.folder / "snapshots").exists()


@pytest.mark.parametrize("loss", ["DROP TABLE nearest_1", "DROP EXTENSION vector CASCADE"], ids=str.lower)
def test_what_is_lost_is_sent_again_without_encoding(library, encoder, loss):
    expected, encoded = names(library.search("red", 50)), encoder.encoded
    run(library, loss)
    assert [finding.code for finding in library.check().findings] == ["engine-differs"]
    texts = (f"green {number}" for number in itertools.count())  # no answer that was kept
    until(lambda: searched(library, next(texts)))
    assert names(library.search("red", 50)) == expected
    assert (table_of(library).count(), encoder.encoded) == (PHOTOS, encoded)
    assert library.check().findings == []


def searched(library, text):
    """Whether a search answers: the first one after a loss may say that vectors are sent again."""
    with contextlib.suppress(VectorsUnavailable):
        return len(library.search(text, 50, collapse=False)) == PHOTOS


def test_a_database_that_is_restarted_in_mid_run_ends_with_all_vectors(library, pgvector, photo_folder, encoder):
    for number in range(40):
        colour_encoder.picture(photo_folder / f"more{number}.png", 7 * number + 1)
    encoder.seconds = 0.05

    def restart():
        time.sleep(1)
        pgvector.stop()
        pgvector.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    with contextlib.suppress(LibraryError):  # the catalog was away too
        library.index([photo_folder])
    restarting.join()
    library.index([photo_folder])
    assert len(library.search("red", 100, collapse=False)) == PHOTOS + 40
    assert encoder.encoded <= PHOTOS + 40 + library.settings.batch_size
    assert library.check().findings == []


def test_check_finds_and_repair_mends_what_differs(library, encoder):
    table, (keys, seals) = table_of(library), library.catalog.vectors.seals(1)
    orphan = Table(library.catalog.database, "nearest_77", 4)
    encoded = encoder.encoded
    harms = {
        "missing": lambda: table.delete(keys[3:5]),
        "other seal": lambda: table.upsert(keys[:1], seals[:1] + np.uint64(1), np.ones((1, 4), np.float32) / 2),
        "other vector": lambda: table.upsert(keys[:1], seals[:1], np.ones((1, 4), np.float32) / 2),
        "orphan": lambda: orphan.create(1),
    }
    for name, harm in harms.items():
        harm()
        code = "engine-orphan" if name == "orphan" else "engine-differs"
        assert [(each.code, each.repaired) for each in library.check().findings] == [(code, False)], name
        assert all(each.repaired for each in library.check(repair=True).findings)
        assert library.check().findings == [], name
    assert encoder.encoded == encoded


def test_an_old_pgvector_is_told_in_one_line_and_words_still_answer(library, photo_folder):
    colour_encoder.picture(photo_folder / "lake house.png", 3)
    library.index([photo_folder])
    run(library, "UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")
    with Library.open(library.folder, settings=library.settings) as opened:
        with pytest.raises(VectorsUnavailable, match=r"has pgvector 0\.7\.4, which is too old\. Install pgvector 0\.8"):
            opened.search("green", 5)
        partial = opened.search("lake house", 5)
        assert (names(partial), partial.is_partial) == (["lake house.png"], True)
        (finding,) = opened.check().findings
        assert (finding.code, "too old" in finding.message) == ("engine-unreachable", True)


def test_a_server_without_pgvector_is_told_in_one_line(pgvector):
    control = pgvector.programs.parent / "share" / "extension" / "vector.control"
    if not control.is_relative_to(pgvector.folder):
        pytest.skip("needs the server of the wheel, whose files are the test's")
    hidden = control.rename(control.with_suffix(".hidden"))
    try:
        refused(pgvector.create(), r"does not have pgvector\. Install pgvector 0\.8 or newer")
    finally:
        hidden.rename(control)


def test_a_user_who_may_not_add_pgvector_is_told_in_one_line(pgvector):
    pgvector.execute("CREATE ROLE reader LOGIN")
    refused(pgvector.create().replace("polyglance@", "reader@"), r"does not let this user .* CREATE EXTENSION .*vector")


def refused(url, message):
    with contextlib.closing(Database(Path(), url)) as database, pytest.raises(VectorsUnavailable, match=message):
        Table(database, "nearest_1", 4).require_reachable()


def test_a_library_in_a_schema_of_its_own_uses_its_own_table(library, pgvector, photo_folder, url, tmp_path):
    run(library, "CREATE SCHEMA mine")  # beside the schema pgvector, where the extension is
    settings = Settings(library=tmp_path / "mine", catalog=url + "&options=-csearch_path%3Dmine", vectors="pgvector")
    with Library.open(tmp_path / "mine", settings=settings, create=True) as mine:
        (photo_folder / "0.png").unlink()
        mine.index([photo_folder], encoder="colour")
        assert (table_of(mine).count(), table_of(library).count()) == (PHOTOS - 1, PHOTOS)
        assert len(mine.search("red", 50, collapse=False)) == PHOTOS - 1


def test_the_index_gives_more_results_than_one_step_of_a_search(pgvector):
    url = pgvector.create()
    pgvector.execute(f"ALTER DATABASE {url.partition('@/')[2].partition('?')[0]} SET enable_seqscan = off")
    rows = np.random.default_rng(1).normal(size=(3 * WIDEST, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    keys = np.arange(1, len(rows) + 1)
    with contextlib.closing(Database(Path(), url)) as database:
        table = Table(database, "nearest_1", 8, "HNSW")
        table.create(len(rows))
        table.upsert(keys, keys.astype(np.uint64), rows)
        assert (table.arrange(len(rows)), table.arrange(len(rows)), table.index()) == (True, False, "HNSW")
        found = table.search(rows[0], 2 * WIDEST)
        best = np.argsort(-rows @ rows[0], kind="stable")[: 2 * WIDEST] + 1
        assert len(found.keys) == 2 * WIDEST
        assert len({*found.keys.tolist()} & {*best.tolist()}) > 1.9 * WIDEST
        assert found.keys[0] == 1 and (np.diff(found.scores) <= 1e-3).all()


@pytest.mark.parametrize("vectors", ["pgvector?index=BTREE", "pgvector?a=b", "pgvector://host/db"])
def test_a_wrong_setting_is_refused_in_one_line(vectors):
    with pytest.raises((UsageError, ValueError)):
        settings = Settings(catalog="postgresql+psycopg://user@host/db", vectors=vectors)
        Table.from_url(settings.vectors.get_secret_value(), None, 1, 4)


def test_it_needs_a_catalog_in_postgresql():
    with pytest.raises(ValueError, match="has to be in PostgreSQL"):
        Settings(vectors="pgvector")
