import contextlib
import sqlite3

import numpy as np
import pytest
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors.index import VectorIndex

DIMENSION = 35  # no multiple of 8: see faiss_.LANES


def unit_rows(count, seed=0):
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.db", create=True) as opened:
        opened.add_encoder("test", "f" * 32, DIMENSION, "float32")
        opened.add_root(b"/photos")
        yield opened


def put(catalog, start, rows):
    keys = [number.to_bytes(32, "big") for number in range(start, start + len(rows))]
    entries = [Entry(1, key.hex().encode(), FileStat(1, 1, 1), Content(key, 1, 1, "PNG", Facts())) for key in keys]
    catalog.commit(entries, dict(zip(keys, rows, strict=True)), 1)


def test_search_equals_brute_force_over_what_is_stored(catalog):
    rows = unit_rows(3000)
    put(catalog, 0, rows)
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    stored = rows.astype(np.float16).astype(np.float32)
    for query in unit_rows(20, seed=1):
        scores, ids = index.search(query, 10)
        expected = np.argsort(-(stored @ query), kind="stable")[:10]
        assert ids.tolist() == (expected + 1).tolist()
        assert np.allclose(scores, (stored @ query)[expected], atol=1e-5)


def test_faiss_gets_a_dimension_it_multiplies_quickly(catalog):
    put(catalog, 0, unit_rows(20))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    assert index.held.recent.index.d % 16 == 0
    assert index.vectors(np.array([3])).shape == (1, DIMENSION)


@pytest.mark.parametrize("chosen", [[1], [3000], [7, 8, 9], list(range(2, 3001, 3)), list(range(1, 3001))])
def test_a_selection_is_searched_exactly_and_wholly(catalog, chosen):
    rows = unit_rows(3000)
    put(catalog, 0, rows)
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    stored = rows.astype(np.float16).astype(np.float32)[np.array(chosen) - 1]
    for query in unit_rows(5, seed=1):
        scores, ids = index.search(query, 20, np.array(chosen))
        expected = np.argsort(-(stored @ query), kind="stable")[:20]
        assert ids.tolist() == np.array(chosen)[expected].tolist()
        assert np.allclose(scores, (stored @ query)[expected], atol=1e-5)


def test_ids_far_apart_and_ids_that_are_gone_can_be_selected(catalog):
    put(catalog, 0, unit_rows(5))
    change = "UPDATE sqlite_sequence SET seq = 1099511627776 WHERE name = 'vector'"
    with contextlib.closing(sqlite3.connect(catalog.folder / "catalog.db")) as db:
        db.execute(change)
        db.commit()
    put(catalog, 5, unit_rows(5, seed=2))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    _, ids = index.search(unit_rows(1, seed=2)[0], 9, np.array([2, 4, 77, 2**40 + 1]))
    assert ids[0] == 2**40 + 1
    assert sorted(ids.tolist()) == [2, 4, 2**40 + 1]
    assert index.search(unit_rows(1)[0], 9, np.empty(0, np.int64))[1].tolist() == []


def test_vectors_come_back_by_id(catalog):
    rows = unit_rows(5)
    put(catalog, 0, rows)
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    found = index.vectors(np.array([4, 99, 1]))
    assert np.allclose(found[[0, 2]], rows[[3, 0]], atol=1e-3)
    assert not found[1].any()


def test_refresh_follows_additions_and_removals(catalog):
    rows = unit_rows(50)
    put(catalog, 0, rows[:40])
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    assert len(index) == 40
    put(catalog, 40, rows[40:])
    known = catalog.known(1)
    gone = [(7).to_bytes(32, "big"), (45).to_bytes(32, "big")]
    catalog.remove([known[key.hex().encode()].photo_id for key in gone])
    catalog.prune()
    index.refresh()
    assert len(index) == 48
    _, ids = index.search(rows[7], 48)
    assert 8 not in ids
    assert 46 not in ids
    assert index.search(rows[46], 1)[1].tolist() == [47]


def test_an_empty_index_answers_nothing(catalog):
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    scores, ids = index.search(unit_rows(1)[0], 10)
    assert (len(scores), len(ids), index.sample.shape) == (0, 0, (0, DIMENSION))


def test_more_than_there_is_gives_all_there_is(catalog):
    put(catalog, 0, unit_rows(5))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    assert sorted(index.search(unit_rows(1)[0], 100)[1].tolist()) == [1, 2, 3, 4, 5]


def test_sample_is_of_stored_vectors(catalog):
    rows = unit_rows(5000)
    put(catalog, 0, rows)
    index = VectorIndex(catalog, 1, DIMENSION)
    index.refresh()
    assert index.sample.shape == (2048, DIMENSION)
    assert np.allclose(index.sample[0], rows[0], atol=1e-3)
    assert np.allclose(index.sample[-1], rows[-1], atol=1e-3)
