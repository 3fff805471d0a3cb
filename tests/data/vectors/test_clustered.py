"""Libraries that are large enough for clusters: here from 600 vectors, so that everything happens in seconds."""

import shutil
import time
import tracemalloc
import weakref

import numpy as np
import pytest
from polyglance.benchmarks import clustered as drawn
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors import clustering, index_files, snapshot
from polyglance.data.vectors.index import VectorIndex
from polyglance.errors import Stopped
from sqlalchemy import event

DIMENSION = 50  # no multiple of 8: see faiss_.LANES
MANY = 3000
NOTHING = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def world():
    return drawn.world(MANY, DIMENSION)


@pytest.fixture(scope="module")
def rows(world):
    return np.concatenate([world.photos(MANY), world.photos(2000, 1)]).astype(np.float16).astype(np.float32)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(index_files, "CLUSTERED_FROM", 600)


@pytest.fixture(scope="module")
def template(tmp_path_factory, rows):
    """A library of MANY vectors, with clusters."""
    folder = tmp_path_factory.mktemp("clustered")
    with pytest.MonkeyPatch.context() as patch, Catalog(folder / "catalog.db", create=True) as opened:
        patch.setattr(index_files, "CLUSTERED_FROM", 600)
        opened.encoders.add("test", "f" * 32, DIMENSION, "float32")
        opened.roots.add(b"/photos")
        put(opened, 0, rows[:MANY])
        index_files.save(opened, record(opened))
    return folder


@pytest.fixture
def saved(tmp_path, template):
    shutil.copytree(template, tmp_path / "library")
    with Catalog(tmp_path / "library" / "catalog.db") as opened:
        yield opened


@pytest.fixture
def catalog(saved):
    """The same without a snapshot."""
    shutil.rmtree(saved.folder / "snapshots")
    return saved


def record(catalog):
    return catalog.encoders.all()[0]


def put(catalog, start, vectors):
    keys = [number.to_bytes(32, "big") for number in range(start, start + len(vectors))]
    entries = [Entry(1, key.hex().encode(), FileStat(1, 1, 1), Content(key, 1, 1, "PNG", Facts())) for key in keys]
    catalog.changes.commit(entries, dict(zip(keys, vectors, strict=True)), 1)


def drop(catalog, numbers):
    known = catalog.photos.known(1)
    catalog.changes.remove([known[number.to_bytes(32, "big").hex().encode()].photo_id for number in numbers])
    catalog.vectors.prune()


def opened(catalog):
    index = VectorIndex(catalog, 1, DIMENSION)
    index.follow()
    return index


def header(catalog):
    return snapshot.peek(index_files.path_of(catalog, record(catalog)))


def best(rows, query, count, numbers=None):
    """Exact answer: ids (row number + 1), best first."""
    numbers = np.arange(len(rows)) if numbers is None else np.asarray(numbers)
    order = np.argsort(-(rows[numbers] @ query), kind="stable")[:count]
    return numbers[order] + 1


def recall(index, rows, queries, count=10, numbers=None):
    among = None if numbers is None else np.sort(np.asarray(numbers)) + 1
    hits = [
        len(np.intersect1d(index.search(query, count, among)[1], best(rows, query, count, numbers)))
        for query in queries
    ]
    return sum(hits) / count / len(queries)


def test_it_finds_what_an_exact_search_finds_and_looks_at_a_part(saved, world, rows):
    index = opened(saved)
    state = index.state
    assert state.base is not None
    assert (len(state.base), len(state.recent), index.count()) == (MANY, 0, MANY)
    assert state.base.tuning.probes < state.base.index.nlist / 3
    assert state.base.tuning.recall >= clustering.RECALL
    assert state.base.index.d % 16 == 0
    assert recall(index, rows[:MANY], world.pictures(200)) >= 0.99
    assert recall(index, rows[:MANY], world.texts(200)) >= 0.98


def test_scores_are_those_of_the_stored_vectors(saved, world, rows):
    index = opened(saved)
    for query in world.texts(10):
        scores, ids = index.search(query, 50)
        assert (np.diff(scores) <= 0).all()
        assert np.allclose(scores, rows[ids - 1] @ query, atol=1e-6)


@pytest.mark.parametrize("share", [1, 2, 10, 100, 1000])
def test_a_selection_is_searched_wholly_however_small(saved, world, rows, share):
    numbers = np.random.default_rng(share).choice(MANY, MANY // share, replace=False)
    index = opened(saved)
    assert recall(index, rows, world.texts(100), min(10, len(numbers)), numbers) >= 0.98
    _, ids = index.search(world.texts(1)[0], MANY, np.sort(numbers) + 1)
    assert sorted(ids.tolist()) == sorted((numbers + 1).tolist())


@pytest.mark.parametrize("count", [1, 100, 101, 1000, MANY, 10 * MANY])
def test_as_many_come_as_were_asked_for_or_there_are(saved, world, rows, count):
    index, shared = opened(saved), []
    for query in world.texts(20):
        scores, ids = index.search(query, count)
        assert len(ids) == len(set(ids.tolist())) == min(count, MANY)
        assert np.allclose(scores, rows[ids - 1] @ query, atol=0.01)
        shared.append(len(np.intersect1d(ids, best(rows[:MANY], query, count))) / len(ids))
    assert np.mean(shared) >= 0.97


def test_what_comes_and_goes_is_followed_beside_the_clusters(saved, world, rows):
    index = opened(saved)
    put(saved, MANY, rows[MANY:])
    gone = [5, 6, 2000, MANY, MANY + 1999]
    drop(saved, gone)
    index.follow()
    assert (len(index.state.recent), index.state.removed.tolist()) == (1998, [6, 7, 2001])
    left = np.setdiff1d(np.arange(len(rows)), gone)
    assert recall(index, rows, world.pictures(100), numbers=left) >= 0.99
    for number in gone:
        assert number + 1 not in index.search(rows[number], 200)[1]
        assert number + 1 not in index.search(rows[number], 5, np.sort([number + 1, MANY + 10]))[1]
    assert index.search(rows[MANY + 7], 1)[1].tolist() == [MANY + 8]
    # Another process that opens it now holds the same.
    again = opened(saved)
    assert np.array_equal(again.state.ids, index.state.ids)
    assert np.array_equal(again.state.removed, index.state.removed)
    query = world.texts(1)[0]
    assert np.array_equal(again.search(query, 50)[1], index.search(query, 50)[1])


def test_a_vector_that_goes_while_it_is_being_found_is_left_out(saved, rows):
    index = opened(saved)
    drop(saved, [3])  # not followed yet
    assert 4 not in index.search(rows[3], 20)[1]


def test_vectors_come_back_by_id(saved, rows):
    put(saved, MANY, rows[MANY:])
    found = opened(saved).fetch(np.array([MANY + 5, 99_999, 17, 17]))
    assert np.array_equal(found[[0, 2, 3]], rows[[MANY + 4, 16, 16]])
    assert not found[1].any()


def test_a_few_changes_leave_the_snapshot_and_many_join_the_clusters_there_are(saved, world, rows):
    before = header(saved)
    put(saved, MANY, rows[MANY : MANY + 999])
    assert not index_files.save_if_stale(saved, record(saved))
    put(saved, MANY + 999, rows[MANY + 999 :])
    drop(saved, [1, 2])
    assert index_files.save_if_stale(saved, record(saved))
    after = header(saved)
    assert after.tuning == before.tuning
    assert after.count == len(rows) - 2
    index = opened(saved)
    assert (len(index.state.recent), len(index.state.removed)) == (0, 0)
    assert recall(index, rows, world.pictures(100), numbers=np.setdiff1d(np.arange(len(rows)), [1, 2])) >= 0.98


def test_a_library_that_has_doubled_gets_new_clusters(saved, rows):
    put(saved, MANY, -rows)
    assert index_files.save_if_stale(saved, record(saved))
    assert header(saved).tuning.trained == MANY + len(rows)


def test_a_library_that_shrank_is_searched_exactly_again(saved, world, rows):
    drop(saved, range(250, MANY))
    assert index_files.save_if_stale(saved, record(saved))
    assert header(saved).tuning == snapshot.NO_CLUSTERS
    index = opened(saved)
    assert index.state.base is None
    assert recall(index, rows[:250], world.texts(20)) == 1


def test_a_stop_leaves_the_snapshot_as_it_was(catalog, rows):
    calls = iter([False] * 5 + [True] * 100)
    with pytest.raises(Stopped):
        index_files.save(catalog, record(catalog), lambda: next(calls))
    assert not list((catalog.folder / "snapshots").glob("*"))
    assert opened(catalog).count() == MANY


def test_an_index_in_use_outlives_its_file(saved, world, rows):
    index = opened(saved)
    query = world.texts(1)[0]
    before = index.search(query, 30)[1]
    put(saved, MANY, rows[MANY:])
    assert index_files.save_if_stale(saved, record(saved))
    assert np.array_equal(index.search(query, 30)[1], before)
    index_files.path_of(saved, record(saved)).unlink()
    assert np.array_equal(index.search(query, 30)[1], before)


def test_a_running_index_takes_up_new_clusters(saved, world, rows):
    index = opened(saved)
    put(saved, MANY, -rows)
    index.follow()
    assert index.state.beside == len(rows)
    assert index_files.save_if_stale(saved, record(saved))
    until = time.monotonic() + 60
    while index.state.beside and time.monotonic() < until:
        assert index.search(-rows[9], 1)[1].tolist() == [MANY + 10]
        index.follow()
        time.sleep(0.02)
    assert (index.state.beside, len(index.state.base)) == (0, MANY + len(rows))
    put(saved, MANY + len(rows), world.photos(1, 9))
    index.follow()
    assert index.state.beside == 1
    assert recall(index, np.concatenate([rows[:MANY], -rows]), -world.pictures(50)) >= 0.99


def test_centres_are_on_the_sphere_and_none_is_lost(rows):
    centres = clustering.kmeans(rows[:2000], 64)
    assert centres.shape == (64, DIMENSION)
    assert np.allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    nearest = np.argmax(rows[:2000] @ centres.T, axis=1)
    assert len(np.unique(nearest)) > 56
    # Far better than centres picked at random.
    picked = rows[:2000][np.random.default_rng(5).choice(2000, 64, replace=False)]
    assert (rows[:2000] @ centres.T).max(axis=1).mean() > (rows[:2000] @ picked.T).max(axis=1).mean() + 0.02


def test_equal_vectors_make_clusters_too(tmp_path):
    same = np.tile(np.eye(1, DIMENSION, dtype=np.float32), (700, 1))
    with Catalog(tmp_path / "same.db", create=True) as catalog:
        catalog.encoders.add("test", "f" * 32, DIMENSION, "float32")
        catalog.roots.add(b"/photos")
        put(catalog, 0, same)
        index_files.save(catalog, record(catalog))
        scores, ids = opened(catalog).search(same[0], 5)
        assert np.allclose(scores, 1)
        assert len(ids) == 5


def test_many_equal_vectors_do_not_make_a_search_look_at_all_clusters(catalog, world, rows):
    """Black frames, for example: which of them are among the first ten is chance, so any of them will do."""
    equal = np.tile(rows[:1], (600, 1))
    put(catalog, MANY, equal)
    index_files.save(catalog, record(catalog))
    base = opened(catalog)._state.base
    assert base.tuning.probes < base.index.nlist / 3
    assert base.tuning.recall >= clustering.RECALL
    assert recall(opened(catalog), np.concatenate([rows[:MANY], equal]), world.texts(100)) >= 0.98


def test_equal_vectors_get_one_cluster(tmp_path):
    same = np.tile(np.eye(1, DIMENSION, dtype=np.float32), (700, 1))
    with Catalog(tmp_path / "same.db", create=True) as catalog:
        catalog.encoders.add("test", "f" * 32, DIMENSION, "float32")
        catalog.roots.add(b"/photos")
        put(catalog, 0, same)
        index_files.save(catalog, record(catalog))
        assert opened(catalog)._state.base.index.nlist == 1


def test_finding_clusters_makes_no_copy_of_all_vectors(world):
    vectors = np.tile(world.photos(4000), (10, 1))
    tracemalloc.start()
    clustering.kmeans(vectors, 16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * vectors.nbytes


def test_the_vectors_read_for_finding_clusters_are_not_kept_meanwhile(catalog, monkeypatch):
    indexes, build = [], clustering.build

    class Watched(VectorIndex):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            indexes.append(weakref.ref(self))

    def built(*arguments):
        assert [index() for index in indexes] == [None]
        return build(*arguments)

    monkeypatch.setattr(index_files, "VectorIndex", Watched)
    monkeypatch.setattr(clustering, "build", built)
    index_files.save(catalog, record(catalog))


def test_no_vector_and_no_id_is_read_where_nothing_changed(saved):
    encoder, statements = record(saved), []
    event.listen(saved._database._engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert not index_files.save_if_stale(saved, encoder)
    about_vectors = [statement for statement in statements if "FROM vector" in statement]
    assert about_vectors
    assert all(statement.startswith("SELECT count(*)") for statement in about_vectors)
