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
        opened.encoders.add("test", "f" * 32, DIMENSION, "float32")
        opened.roots.add(b"/photos")
        yield opened


def put(catalog, start, rows):
    keys = [number.to_bytes(32, "big") for number in range(start, start + len(rows))]
    entries = [Entry(1, key.hex().encode(), FileStat(1, 1, 1), Content(key, 1, 1, "PNG", Facts())) for key in keys]
    catalog.changes.commit(entries, dict(zip(keys, rows, strict=True)), 1)


def test_faiss_gets_a_dimension_it_multiplies_quickly(catalog):
    put(catalog, 0, unit_rows(20))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.follow()
    assert index.state.recent.index.d % 16 == 0
    assert index.fetch(np.array([3])).shape == (1, DIMENSION)


def test_ids_far_apart_and_ids_that_are_gone_can_be_selected(catalog):
    put(catalog, 0, unit_rows(5))
    change = "UPDATE sqlite_sequence SET seq = 1099511627776 WHERE name = 'vector'"
    with contextlib.closing(sqlite3.connect(catalog.folder / "catalog.db")) as db:
        db.execute(change)
        db.commit()
    put(catalog, 5, unit_rows(5, seed=2))
    index = VectorIndex(catalog, 1, DIMENSION)
    index.follow()
    _, ids = index.search(unit_rows(1, seed=2)[0], 9, np.array([2, 4, 77, 2**40 + 1]))
    assert ids[0] == 2**40 + 1
    assert sorted(ids.tolist()) == [2, 4, 2**40 + 1]
    assert index.search(unit_rows(1)[0], 9, np.empty(0, np.int64))[1].tolist() == []
