"""What every `VectorStore` must do, whatever holds the vectors; the tests of one kind of store alone lie beside it."""

import contextlib
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.database import Database
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors import index, index_files, stores
from polyglance.data.vectors.in_memory import InMemoryStore
from polyglance.data.vectors.index import VectorIndex
from polyglance.data.vectors.remote import store as remote_store
from polyglance.data.vectors.remote.store import RemoteStore
from polyglance.data.vectors.store import APPROXIMATE, SAMPLE
from polyglance.errors import LibraryError

DIMENSION = 35  # no multiple of 8: FAISS pads it


def unit_rows(count, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def put(catalog, start, rows, encoder_id=1):
    contents = [number.to_bytes(32, "big") for number in range(start, start + len(rows))]
    entries = [
        Entry(1, content.hex().encode(), FileStat(1, 1, 1), Content(content, 1, 1, "PNG", Facts()))
        for content in contents
    ]
    catalog.changes.commit(entries, dict(zip(contents, rows, strict=True)), encoder_id)


def drop(catalog, *numbers):
    known = catalog.photos.known(1)
    catalog.changes.remove([known[number.to_bytes(32, "big").hex().encode()].photo_id for number in numbers])
    catalog.vectors.prune()


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "library" / "catalog.db", create=True) as opened:
        opened.encoders.add("test", "f" * 32, DIMENSION, "float32")
        opened.roots.add(b"/photos")
        yield opened


def clustered(catalog, encoder_id, dimension):
    """FAISS over a snapshot in clusters, if anything was committed."""
    if catalog.vectors.ids(encoder_id).size:
        index_files.save(catalog, catalog.encoders.all()[0])
    return VectorIndex(catalog, encoder_id, dimension)


@pytest.fixture
def open_engine(request):
    """A function that opens a store over an engine by its setting."""

    def open_store(url, catalog, encoder_id, dimension):
        database = request.getfixturevalue("pgvector_database") if stores.kind(url) == "pgvector" else None
        opened = partial(stores.collection, url, catalog, encoder_id, dimension, database)
        return RemoteStore(catalog, encoder_id, dimension, opened)

    return open_store


@pytest.fixture
def pgvector_database(pgvector):
    """A database without tables whose planner takes the index, however few rows there are."""
    url = pgvector.create()
    name = url.partition("@/")[2].partition("?")[0]
    pgvector.execute(f"ALTER DATABASE {name} SET enable_seqscan = off")
    with contextlib.closing(Database(Path(), url)) as database:
        yield database


@pytest.fixture(
    params=[
        InMemoryStore,
        VectorIndex,
        clustered,
        *(pytest.param(kind, marks=pytest.mark.cluster) for kind in ("milvus", "pgvector", "pgvector?index=HNSW")),
    ],
    ids=["numpy", "faiss", "faiss-clustered", "milvus", "pgvector", "pgvector-hnsw"],
)
def store_class(request, monkeypatch):
    if request.param is clustered:
        monkeypatch.setattr(index_files, "CLUSTERED_FROM", 1)
    if isinstance(request.param, str):
        monkeypatch.setattr(remote_store, "FEW", 0)  # so that the engine filters, not the catalog
        url = request.getfixturevalue("milvus").url() if request.param == "milvus" else request.param
        return partial(request.getfixturevalue("open_engine"), url)
    return request.param


@pytest.fixture
def followed(store_class, catalog):
    """A function that makes a store of the catalog as it is, and lets it follow."""

    def make():
        store = store_class(catalog, 1, DIMENSION)
        store.follow()
        return store

    return make


def truth(catalog):
    """(keys, vectors) in the catalog."""
    batches = list(catalog.vectors.after(1, 0))
    keys = np.concatenate([np.empty(0, np.int64), *(batch.ids for batch in batches)])
    return keys, np.concatenate([np.empty((0, DIMENSION), np.float32), *(batch.vectors for batch in batches)])


def is_as_the_catalog(store, catalog):
    """Whether count, fetch and search all give what the catalog holds."""
    keys, vectors = truth(catalog)
    nearest = [store.search(vector, 1)[1].tolist() for vector in vectors]
    everything = store.search(unit_rows(1, seed=99)[0], len(keys) + 10)[1]
    return (
        store.count() == len(keys)
        and np.array_equal(store.fetch(keys), vectors)
        and nearest == [[key] for key in keys.tolist()]
        and sorted(everything.tolist()) == keys.tolist()
    )


def test_nothing_is_held_before_the_first_follow(store_class, catalog):
    put(catalog, 0, unit_rows(3))
    store = store_class(catalog, 1, DIMENSION)
    assert (store.encoder_id, store.generation, store.count()) == (1, -1, 0)
    store.follow()
    assert (store.generation, store.count()) == (catalog.generation(), 3)


def test_an_empty_store_answers_nothing(followed):
    store = followed()
    scores, keys = store.search(unit_rows(1)[0], 10)
    assert (scores.dtype, keys.dtype, len(scores), len(keys), store.count()) == (np.float32, np.int64, 0, 0, 0)
    assert store.search(unit_rows(1)[0], 10, np.array([1, 2]))[1].tolist() == []
    assert store.sample().shape == (0, DIMENSION)
    assert not store.fetch(np.array([1, 2])).any()


@pytest.mark.parametrize("k", [0, 1, 10, 100])
def test_search_equals_brute_force(followed, catalog, k):
    put(catalog, 0, unit_rows(600))
    store = followed()
    keys, vectors = truth(catalog)
    for query in unit_rows(10, seed=1):
        scores, nearest = store.search(query, k)
        order = np.argsort(-(vectors @ query), kind="stable")[:k]
        assert nearest[:20].tolist() == keys[order][:20].tolist()
        assert np.allclose(scores, vectors[nearest - 1] @ query, atol=1e-5)
        assert np.allclose(scores, (vectors @ query)[order], atol=APPROXIMATE)
        assert (np.diff(scores) <= 0).all()
        assert (scores.dtype, nearest.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("allowed", [[], [1], [600], [7, 8, 9], list(range(2, 601, 3)), [5, 7000, 2**40]])
def test_only_allowed_keys_come_and_all_that_are_held(followed, catalog, allowed):
    put(catalog, 0, unit_rows(600))
    store = followed()
    keys, vectors = truth(catalog)
    passes = np.isin(keys, allowed)
    for query in unit_rows(5, seed=1):
        scores, nearest = store.search(query, 20, np.array(allowed, np.int64))
        order = np.argsort(-(vectors[passes] @ query), kind="stable")[:20]
        assert nearest.tolist() == keys[passes][order].tolist()
        assert np.allclose(scores, (vectors[passes] @ query)[order], atol=1e-5)


def test_k_larger_than_the_count_gives_everything(followed, catalog):
    put(catalog, 0, unit_rows(50))
    assert sorted(followed().search(unit_rows(1)[0], 1000)[1].tolist()) == list(range(1, 51))


def test_keys_may_have_64_bits(followed, catalog):
    with contextlib.closing(sqlite3.connect(catalog.folder / "catalog.db")) as db:
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('vector', 1 << 62)")
        db.commit()
    put(catalog, 0, unit_rows(3))
    store = followed()
    assert truth(catalog)[0].tolist() == [2**62 + 1, 2**62 + 2, 2**62 + 3]
    assert is_as_the_catalog(store, catalog)
    assert store.search(unit_rows(3)[1], 3, np.array([2, 2**62 + 2]))[1].tolist() == [2**62 + 2]


def test_fetch_keeps_the_order_and_gives_zeros_for_unknown_keys(followed, catalog):
    put(catalog, 0, unit_rows(5))
    store = followed()
    vectors = store.fetch(np.array([4, 99, 1, 4, 0]))
    assert np.array_equal(vectors[[0, 2, 3]], truth(catalog)[1][[3, 0, 3]])
    assert not vectors[[1, 4]].any()
    assert store.fetch(np.empty(0, np.int64)).shape == (0, DIMENSION)


def test_fetch_gives_zeros_for_what_is_not_followed_yet_and_for_other_encoders(followed, catalog):
    other = catalog.encoders.add("other", "e" * 32, 3, "float32").id
    put(catalog, 0, unit_rows(5))
    store = followed()
    put(catalog, 5, unit_rows(1, seed=1))
    put(catalog, 6, unit_rows(1, seed=1)[:, :3], other)
    assert not store.fetch(np.array([6, 7])).any()


@pytest.mark.parametrize("count", [1, 100, SAMPLE, SAMPLE + 1500])
def test_the_sample_is_bounded_and_spread_over_all_keys(followed, catalog, count):
    put(catalog, 0, unit_rows(count))
    sample, stored = followed().sample(), truth(catalog)[1]
    assert sample.shape == (min(count, SAMPLE), DIMENSION)
    assert np.array_equal(sample[[0, -1]], stored[[0, -1]])
    assert np.allclose(np.linalg.norm(sample, axis=1), 1, atol=1e-2)
    assert len(np.unique(sample, axis=0)) == len(sample)


def test_it_follows_commits_and_removals(followed, catalog):
    put(catalog, 0, unit_rows(40))
    store = followed()
    put(catalog, 40, unit_rows(10, seed=1))
    assert store.count() == 40
    store.follow()
    assert is_as_the_catalog(store, catalog)
    drop(catalog, 7, 45)
    store.follow()
    assert store.count() == 48
    assert is_as_the_catalog(store, catalog)
    drop(catalog, *range(7), *range(8, 45), *range(46, 50))
    store.follow()
    assert (store.count(), store.generation) == (0, catalog.generation())


def test_it_sees_only_its_encoder(followed, catalog):
    other = catalog.encoders.add("other", "e" * 32, DIMENSION, "float32").id
    put(catalog, 0, unit_rows(5))
    store = followed()
    put(catalog, 5, unit_rows(5, seed=1), other)
    store.follow()
    assert (store.count(), store.generation) == (5, catalog.generation())


class Backup:
    """A copy of a catalog, which can be put back in its place."""

    def __init__(self, catalog, folder):
        self.catalog, self.copy = catalog, folder / "backup.db"
        catalog.close()
        shutil.copy(catalog.folder / "catalog.db", self.copy)

    def restore(self):
        self.catalog.close()
        shutil.copy(self.copy, self.catalog.folder / "catalog.db")


@pytest.mark.parametrize("commits", [0, 1, 2, 3, 4], ids=lambda n: f"{n} commits since the restore")
def test_a_restored_catalog_that_reuses_keys_is_never_answered_from_the_vectors_of_another(
    followed, catalog, tmp_path, commits
):
    """The store holds 3 commits more than the backup: the restored catalog is behind, level with it, or beyond."""
    put(catalog, 0, unit_rows(30))
    backup = Backup(catalog, tmp_path)
    for number in range(3):
        put(catalog, 100 + 10 * number, unit_rows(10, seed=number + 1))
    store = followed()
    held, reused = store.generation, store.fetch(np.array([31, 41, 51]))
    backup.restore()
    for number in range(commits):
        put(catalog, 200 + 10 * number, unit_rows(10, seed=number + 50))
    assert (catalog.generation() > held) - (catalog.generation() < held) == (commits > 3) - (commits < 3)
    store.follow()
    assert is_as_the_catalog(store, catalog)
    assert store.generation == catalog.generation()
    assert not (store.fetch(np.array([31, 41, 51])) == reused).all(axis=1).any()


def test_a_restored_catalog_beyond_the_generation_held_that_ends_where_a_block_ends(
    followed, catalog, tmp_path, monkeypatch
):
    """Its keys end below all those whose seals are the last held, and counts differ only in blocks it lacks."""
    monkeypatch.setattr(index, "BLOCK_BITS", 4)
    put(catalog, 0, unit_rows(10))
    backup = Backup(catalog, tmp_path)
    put(catalog, 100, unit_rows(150, seed=1))
    store = followed()
    backup.restore()
    for number in range(5):
        put(catalog, 400 + number, unit_rows(1, seed=number + 50))
    assert catalog.generation() > store.generation
    assert truth(catalog)[0][-1] == 15
    store.follow()
    assert is_as_the_catalog(store, catalog)


def test_a_vector_that_a_restored_catalog_has_again_is_held_again(followed, catalog, tmp_path):
    put(catalog, 0, unit_rows(30))
    backup = Backup(catalog, tmp_path)
    drop(catalog, 10)
    store = followed()
    backup.restore()
    store.follow()
    assert is_as_the_catalog(store, catalog)
    assert store.count() == 30


def test_it_never_goes_backwards_when_an_older_moment_is_read(followed, catalog):
    put(catalog, 0, unit_rows(30))
    store = followed()
    with Catalog(catalog.folder / "catalog.db") as other, catalog.read_snapshot():
        older = catalog.generation()
        put(other, 30, unit_rows(10, seed=1))
        store._catalog = other  # a search in another thread reads a newer moment
        store.follow()
        held = store.generation
        store._catalog = catalog
        store.follow()
        assert (store.count(), store.generation) == (40, held)
        assert held > older == catalog.generation()
    store.follow()
    assert is_as_the_catalog(store, catalog)


def test_a_damaged_vector_is_refused_and_nothing_is_taken_for_followed(store_class, catalog):
    put(catalog, 0, unit_rows(5))
    store = store_class(catalog, 1, DIMENSION)
    with contextlib.closing(sqlite3.connect(catalog.folder / "catalog.db")) as db:
        db.execute("UPDATE vector SET vector = zeroblob(length(vector)) WHERE id = 3")
        db.commit()
    for _ in range(2):
        with pytest.raises(LibraryError, match="vector 3 is not what was written"):
            store.follow()
