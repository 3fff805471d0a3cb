"""A library whose vectors are in Milvus, and Milvus that is killed, comes back, or has lost everything."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import colour_encoder
import numpy as np
import pytest
from polyglance.config import Settings
from polyglance.data.vectors import stores
from polyglance.data.vectors.milvus.address import Address
from polyglance.data.vectors.milvus.collection import MilvusCollection
from polyglance.data.vectors.remote import follower
from polyglance.encoders import registry
from polyglance.errors import UsageError, VectorsUnavailable
from polyglance.library import Library
from wire import Wire

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
def open_library(tmp_path, encoder):
    """Open a library by its address of Milvus ("" for FAISS); all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def open_it(url, name="library"):
            settings = Settings(library=tmp_path / name, vectors=url or None, decode_workers=1)
            return stack.enter_context(Library.open(tmp_path / name, settings=settings, create=True))

        yield open_it


def names(answer):
    return [os.path.basename(result.photo.path).decode() for result in answer]


def collection_of(library, url):
    record = library.catalog.encoders.active()
    return stores.collection(url, library.catalog, record.id, record.dimension)


def test_a_search_gives_what_faiss_gives_and_a_second_process_reads_it(milvus, open_library, photo_folder, encoder):
    with_faiss, with_milvus = open_library(""), open_library(milvus.url(), "other")
    for library in (with_faiss, with_milvus):
        library.index([photo_folder], encoder="colour")
    assert names(with_milvus.search("red", 12)) == names(with_faiss.search("red", 12))
    assert collection_of(with_milvus, milvus.url()).count() == PHOTOS
    assert with_milvus.status().index == "milvus"
    again = open_library(milvus.url(), "other")
    assert names(again.search("red", 12)) == names(with_faiss.search("red", 12))
    assert not (with_milvus.folder / "snapshots").exists()


def test_without_milvus_searches_say_so_and_all_else_works(own_milvus, open_library, photo_folder, encoder):
    url = own_milvus.url()
    library = open_library(url)
    library.index([photo_folder], encoder="colour")
    expected = names(library.search("red", 5))
    own_milvus.kill()
    for opened_library in (library, open_library(url)):
        start = time.monotonic()
        for _ in range(3):
            with pytest.raises(VectorsUnavailable, match=r"Milvus at 127\.0\.0\.1:\d+ does not answer"):
                opened_library.search("green", 5)
        assert time.monotonic() - start < 30
        assert len(opened_library.search("type:png", 50, collapse=False).results) == PHOTOS
        assert (
            len(opened_library.search("red type:png", 50, collapse=False).results) == PHOTOS
        )  # few pass: scored by the catalog
        assert opened_library.status().photos == PHOTOS
    from polyglance.ui.web.server import build
    from starlette.testclient import TestClient

    with TestClient(build(library), base_url="http://127.0.0.1:7860") as client:
        response = client.get("/api/v1/search", params={"q": "dark"})
        assert (response.status_code, response.json()["code"]) == (503, "vectors_unavailable")
        assert "Start Milvus" in response.json()["hint"]
        assert client.get("/api/v1/search", params={"q": "type:png"}).status_code == 200
        assert client.get("/api/v1/timeline").status_code == 200
    findings = library.check().findings
    assert [finding.code for finding in findings] == ["engine-unreachable"]
    own_milvus.start()
    until(lambda: names(library.search("red", 5)) == expected)


def until(condition):
    end = time.monotonic() + 120
    while True:
        try:
            assert condition()
            return
        except (AssertionError, VectorsUnavailable):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_a_run_goes_on_while_milvus_is_down_and_what_it_lost_is_sent_again_without_encoding(
    own_milvus, open_library, photo_folder, encoder
):
    library = open_library(own_milvus.url())
    library.index([photo_folder], encoder="colour")
    own_milvus.wipe()
    colour_encoder.picture(photo_folder / "new.png", 250)
    assert library.index([photo_folder]).tally.added == 1
    encoded = encoder.encoded
    own_milvus.start()
    until(lambda: len(library.search("red", 50, collapse=False).results) == PHOTOS + 1)
    assert collection_of(library, own_milvus.url()).count() == PHOTOS + 1
    assert encoder.encoded == encoded == PHOTOS + 1
    assert_equal_to_faiss(library, open_library, photo_folder)


def test_milvus_that_is_killed_in_mid_run_ends_with_all_vectors(own_milvus, open_library, photo_folder, encoder):
    library = open_library(own_milvus.url())
    for number in range(60):
        colour_encoder.picture(photo_folder / f"more{number}.png", 7 * number + 1)
    encoder.seconds = 0.05

    def kill_and_start():
        time.sleep(2)
        own_milvus.kill()
        own_milvus.start()

    killer = threading.Thread(target=kill_and_start)
    killer.start()
    library.index([photo_folder], encoder="colour")
    killer.join()
    until(lambda: len(library.search("red", 100, collapse=False).results) == PHOTOS + 60)
    assert_equal_to_faiss(library, open_library, photo_folder)


def assert_equal_to_faiss(library, open_library, photo_folder):
    """Every vector of the catalog is in Milvus, and searches give what a library without Milvus gives."""
    embedded = open_library("", "embedded")
    embedded.index([photo_folder], encoder="colour")
    for query in ("red", "green", "dark"):
        assert scored(library.search(query, 100, collapse=False)) == scored(embedded.search(query, 100, collapse=False))
    assert library.check().findings == []


def scored(answer):
    return sorted((result.path, round(result.score, 4), round(result.relevance, 4)) for result in answer)


def test_check_finds_and_repair_mends_what_differs(milvus, open_library, photo_folder, encoder):
    url = milvus.url("check")
    library = open_library(url)
    library.index([photo_folder], encoder="colour")
    collection = collection_of(library, url)
    keys, seals = library.catalog.vectors.seals(1)

    def harm_missing():
        collection.delete(keys[3:5])

    def harm_extra():
        collection.upsert(keys[-1:] + 5, seals[-1:], np.ones((1, 4), np.float32) / 2)

    def harm_seal():
        collection.upsert(keys[:1], seals[:1] + 1, np.ones((1, 4), np.float32) / 2)

    def harm_vector():
        collection.upsert(keys[:1], seals[:1], np.ones((1, 4), np.float32) / 2)

    encoded = encoder.encoded
    for harm in (harm_missing, harm_extra, harm_seal, harm_vector, collection.drop):
        harm()
        found = library.check().findings
        assert [(each.code, each.repaired) for each in found] == [("engine-differs", False)], harm
        assert all(each.repaired for each in library.check(repair=True).findings)
        assert library.check().findings == [], harm
    assert encoder.encoded == encoded


def test_check_names_the_collections_of_encoders_that_are_gone_and_repair_drops_them_alone(
    milvus, open_library, photo_folder, encoder
):
    url = milvus.url("orphans")
    library, other = open_library(url), open_library(url, "other")
    for each in (library, other):
        each.index([photo_folder], encoder="colour")
    own = collection_of(library, url)
    gone, copy = own.name[:-1] + "77", MilvusCollection(own.address, own.name + "_1", 4)
    strange = MilvusCollection(own.address, collection_of(other, url).name[:-1] + "77", 4)
    for collection in (MilvusCollection(own.address, gone, 4), copy, strange):
        collection.create(1)
    (finding,) = library.check().findings
    assert (finding.code, finding.subject, finding.is_harmless) == ("engine-orphan", gone, True)
    assert [each.repaired for each in library.check(repair=True).findings] == [True]
    assert library.check().findings == []
    left = set(own.names())
    assert gone not in left and {own.name, copy.name, strange.name, collection_of(other, url).name} <= left
    strange.drop()


def test_the_collection_of_an_encoder_that_was_replaced_stays_until_check_repair(
    milvus, open_library, photo_folder, monkeypatch, caplog
):
    monkeypatch.setattr(registry, "create", colour_encoder.create)
    url = milvus.url("replaced")
    library = open_library(url)
    library.index([photo_folder], encoder="colour")
    old = collection_of(library, url)
    with caplog.at_level("INFO", "polyglance"):
        library.reencode("colour2")
    (told,) = [text for text in caplog.messages if "milvus keeps the vectors of colour," in text]
    assert told.endswith("polyglance check --repair") and "\n" not in told
    new = collection_of(library, url)
    assert {old.name, new.name} <= set(new.names())
    (finding,) = library.check().findings
    assert (finding.subject, finding.is_harmless) == (old.name, True)
    assert "of colour, which does not answer now" in finding.message
    library.check(repair=True)
    assert old.name not in new.names() and new.count() == library.status().photos
    assert library.check().findings == []
    library.reencode("colour")  # nothing was encoded: the catalog has the vectors, and sends them again
    assert collection_of(library, url).count() == library.status().photos


def test_a_follower_that_was_stopped_goes_on_where_it_was(milvus, open_library, photo_folder, encoder, monkeypatch):
    from polyglance.data.catalog import vectors

    library = open_library("")
    library.index([photo_folder], encoder="colour")
    monkeypatch.setattr(vectors, "_AFTER", vectors.text(vectors._AFTER.text.replace("LIMIT 4096", "LIMIT 5")))
    collection = collection_of(library, milvus.url("stopped"))
    sent = []
    monkeypatch.setattr(
        collection, "upsert", lambda *batch: (sent.append(len(batch[0])), MilvusCollection.upsert(collection, *batch))
    )
    with pytest.raises(Exception, match="Stopped"):
        follower.bring(library.catalog, 1, collection, lambda: True)
    assert (sent, collection.count()) == ([5], 5)
    follower.bring(library.catalog, 1, collection)
    assert (sent, collection.count()) == ([5, 5, 2], PHOTOS)
    follower.bring(library.catalog, 1, collection)
    assert sent == [5, 5, 2]


def test_a_vector_of_another_seal_never_answers_and_the_next_follower_mends_it(
    milvus, open_library, photo_folder, encoder
):
    url = milvus.url("seals")
    library = open_library(url)
    library.index([photo_folder], encoder="colour")
    store = stores.open_store(url, library.catalog, library.catalog.encoders.active())
    store.follow()
    keys, seals = library.catalog.vectors.seals(1)
    query = encoder.encode_texts(["red"])
    assert len(store.search(query[0], 50)[1]) == PHOTOS
    collection_of(library, url).upsert(keys[-1:], seals[-1:] ^ np.uint64(1), query)
    assert sorted(store.search(query[0], 50)[1].tolist()) == keys[:-1].tolist()
    library.catalog.settings.exclude(["*.tif"])  # another generation
    store.follow()
    assert sorted(store.search(query[0], 50)[1].tolist()) == keys.tolist()


@pytest.mark.parametrize("index", ["HNSW", "IVF_SQ8", "DISKANN", "FLAT"])
def test_each_kind_of_index_is_made_and_nearly_exact(milvus, index):
    rows = np.random.default_rng(1).normal(size=(1000, 24)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    collection = MilvusCollection(Address.from_url(milvus.url("kinds", f"?index={index}")), f"kinds_{index}", 24)
    collection.create(len(rows))
    keys = np.arange(1, 1001)
    collection.upsert(keys, keys.astype(np.uint64), rows)
    assert collection.index() == index
    matches = [
        len({*collection.search(rows[n], 10).keys} & {*(np.argsort(-rows @ rows[n])[:10] + 1)}) for n in range(20)
    ]
    assert sum(matches) >= 190


def test_a_hung_server_is_given_up_after_seconds(own_milvus, open_library, photo_folder, encoder):
    library = open_library(own_milvus.url())
    library.index([photo_folder], encoder="colour")
    library.search("red", 3)
    own_milvus.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(VectorsUnavailable):
            library.search("green", 3)
    finally:
        own_milvus.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(
    "url", ["milvus://", "http://localhost/x", "milvus://host/1x", "milvus://host/x?index=BTREE", "milvus://host/x?a=b"]
)
def test_a_wrong_address_is_refused_in_one_line(url):
    with pytest.raises((UsageError, ValueError)):
        Address.from_url(Settings(vectors=url).vectors.get_secret_value())


def test_a_password_is_shown_nowhere():
    settings = Settings(vectors="milvus://me:secret@host:1/photos")
    address = Address.from_url(settings.vectors.get_secret_value())
    assert (address.user, address.password) == ("me", "secret")
    assert "secret" not in f"{settings!r} {settings} {address!r} {address} {address.uri}"


def test_nothing_of_it_is_imported_unless_it_is_configured(small_library):
    code = (
        "import sys; from polyglance.cli import run; run(['search', 'dog', '--library', sys.argv[1]]);"
        "rooms = ('pymilvus', 'vectors.milvus', 'vectors.pgvector', 'vectors.remote');"
        "sys.exit(any(room in name for name in sys.modules for room in rooms))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(small_library.folder)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_removals_are_known_by_their_generation(open_library, photo_folder, encoder):
    library = open_library("")
    library.index([photo_folder], encoder="colour")
    assert library.catalog.settings.removed() == 0
    (photo_folder / "3.png").unlink()
    library.index([photo_folder])
    assert 0 < library.catalog.settings.removed() <= library.catalog.generation()
    with contextlib.closing(sqlite3.connect(library.folder / "catalog.db")) as db:
        assert db.execute("SELECT count(*) FROM setting WHERE key = 'identity'").fetchone() == (0,)


# --- an engine that is away, beside words ---


@pytest.fixture
def named(photo_folder):
    """Photos with names that words find, beside those that only look like something."""
    for number, name in enumerate(["lake in may", "lake house"]):
        colour_encoder.picture(photo_folder / f"{name}.png", 3 + number)
    return photo_folder


def test_words_and_names_answer_while_milvus_is_down_and_say_what_is_missing(
    own_milvus, open_library, named, encoder, capsys
):
    library = open_library(own_milvus.url())
    library.index([named], encoder="colour")
    whole = library.search("lake", 50, collapse=False)
    assert (len(names(whole)), whole.is_partial) == (PHOTOS + 2, False)
    own_milvus.kill()
    for opened_library in (library, open_library(own_milvus.url())):
        for sort in ("relevance", "date"):
            partial = opened_library.search("lake house", 50, sort=sort, collapse=False)
            assert (names(partial), partial.is_partial) == (["lake house.png"], True)
            assert "photos that look right are missing" in repr(partial)
        assert names(opened_library.search("lake in may.png", 50)) == ["lake in may.png"]
        first = opened_library.search("lake", 1, collapse=False)
        assert sorted(names(first) + names(opened_library.search("lake", 1, collapse=False, cursor=first.next))) == [
            "lake house.png", "lake in may.png",
        ]  # fmt: skip
        with pytest.raises(VectorsUnavailable):
            opened_library.search("dark", 5)
        with pytest.raises(VectorsUnavailable):
            opened_library.facets("lake")  # it would count too few, and keep the count
    from polyglance.ui.web.server import build
    from starlette.testclient import TestClient

    with TestClient(build(library), base_url="http://127.0.0.1:7860") as client:
        answer = client.get("/api/v1/search", params={"q": "house"})
        assert (answer.status_code, answer.json()["partial"], len(answer.json()["results"])) == (200, True, 1)
        assert client.get("/api/v1/search", params={"q": "dark"}).status_code == 503
        assert client.get("/api/v1/search", params={"q": "type:png"}).json()["partial"] is False
    from polyglance.cli.output import answer_notes

    answer_notes(library.search("lake house", 1))
    assert "Photos that only look right are missing" in capsys.readouterr().err
    own_milvus.start()
    until(lambda: not library.search("lake house", 50, collapse=False).is_partial)
    assert len(library.search("lake house", 50, collapse=False)) == PHOTOS + 2


@pytest.mark.slow
def test_a_connection_that_nobody_uses_sends_nothing(milvus, open_library, named, encoder):
    """pymilvus asks every ten seconds whether the server is there, and a server of gRPC ends a connection for it."""
    wire = Wire(milvus.port)
    try:
        library = open_library(f"milvus://127.0.0.1:{wire.port}/idle")
        library.index([named], encoder="colour")
        assert names(library.search("lake", 50))
        sent = 0
        while sent < wire.sent:  # answers that are under way are no questions of an idle connection
            sent = wire.sent
            time.sleep(2)
        time.sleep(12)
        assert wire.sent == sent
    finally:
        wire.close()


def test_a_cut_network_is_given_up_after_seconds_and_used_again_when_it_is_back(milvus, open_library, named, encoder):
    wire = Wire(milvus.port)
    try:
        library = open_library(f"milvus://127.0.0.1:{wire.port}/cut")
        library.index([named], encoder="colour")
        whole = names(library.search("lake", 50, collapse=False))
        wire.cut()
        for opened_library in (library, open_library(f"milvus://127.0.0.1:{wire.port}/cut")):
            start = time.monotonic()
            with pytest.raises(VectorsUnavailable):
                opened_library.search("green", 5)
            assert names(opened_library.search("lake house", 5)) == ["lake house.png"]
            assert len(opened_library.search("type:png", 50, collapse=False)) == PHOTOS + 2
            assert time.monotonic() - start < 40  # deadlines, no hang
        colour_encoder.picture(named / "beside.png", 240)
        assert library.index([named]).tally.added == 1
        wire.mend()
        until(lambda: len(library.search("lake", 50, collapse=False).results) > len(whole))
    finally:
        wire.close()
