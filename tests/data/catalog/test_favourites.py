"""Marks belong to contents: they need no photo, and an edited picture hands its mark on."""

import contextlib
import hashlib
import sqlite3

import numpy as np
import pytest
from polyglance.data.catalog import migrations, seals
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.filters import Filters
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from sqlalchemy import create_engine

VECTOR = np.array([0.5, 0.5, 0.5, 0.5], np.float32)
STAT = FileStat(1, 2, 3)


def key(text):
    return hashlib.sha256(text.encode()).digest()


@pytest.fixture
def catalog(tmp_path, catalog_url):
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as opened:
        opened.encoders.activate(opened.encoders.add("test", "f" * 32, 4, "float32").id)
        opened.roots.add(b"/photos")
        yield opened


def put(catalog, **files):
    """Record files: name -> what is in it, None if it cannot be read."""
    entries = [
        Entry(1, name.encode(), STAT, Content(key(text), 4, 3, "PNG", Facts()))
        if text
        else Entry(1, name.encode(), STAT, error="cannot be read")
        for name, text in files.items()
    ]
    new = [text for text in files.values() if text and not catalog.vectors.has(key(text), 1)]
    catalog.changes.commit(entries, {key(text): VECTOR for text in new}, 1)


def marked(catalog):
    found = catalog.selection.newest(Filters(favourite=True), 0, 100)
    assert catalog.favourites.among([photo.id for photo in found]) == {photo.id for photo in found}
    return sorted(photo.path.removeprefix(b"/photos/").decode() for photo in found)


def test_copies_are_marked_and_unmarked_together(catalog):
    put(catalog, a="x", b="x", c="y")
    assert catalog.favourites.mark([1], favourite=True) == [1, 2]
    assert marked(catalog) == ["a", "b"]
    put(catalog, d="x")
    assert marked(catalog) == ["a", "b", "d"]
    assert catalog.favourites.mark([2], favourite=False) == [1, 2, 4]
    assert marked(catalog) == []


def test_a_mark_waits_for_its_photo_to_return(catalog):
    put(catalog, a="x", b="y")
    catalog.favourites.mark([1], favourite=True)
    catalog.changes.remove([1])
    catalog.vectors.prune()
    assert marked(catalog) == []
    put(catalog, c="x")
    assert marked(catalog) == ["c"]


def test_a_picture_edited_in_place_stays_a_favourite(catalog):
    put(catalog, a="x", b="y")
    catalog.favourites.mark([1], favourite=True)
    put(catalog, a="edited")
    assert marked(catalog) == ["a"]
    put(catalog, b="x")
    assert marked(catalog) == ["a", "b"], "the bytes of before are marked, too"


def test_a_picture_copied_over_a_favourite_is_none(catalog):
    put(catalog, a="x", b="y")
    catalog.favourites.mark([1], favourite=True)
    put(catalog, a="y")
    assert marked(catalog) == []


def test_a_favourite_that_fails_and_is_edited_meanwhile_stays_one(catalog):
    put(catalog, a="x")
    catalog.favourites.mark([1], favourite=True)
    put(catalog, a=None)
    put(catalog, a=None)
    assert marked(catalog) == []
    put(catalog, a="edited")
    assert marked(catalog) == ["a"]
    with catalog._database.reading() as db:
        assert db.exec_driver_sql("SELECT hash_before FROM photo").all() == [(None,)]


@pytest.fixture
def schema_0003(tmp_path):
    """A catalog of before: `a` and `b` are copies, `bad` cannot be read; all but `c` are marked."""
    path = tmp_path / "old" / "catalog.db"
    path.parent.mkdir()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrations.upgrade(connection, "0003")
    engine.dispose()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("INSERT INTO root VALUES (1, ?, NULL, NULL, ?)", (b"/photos", seals.seal("root", b"/photos")))
        for name, text in {"a": "x", "b": "x", "c": "y", "bad": None}.items():
            facts = dict.fromkeys(seals.PHOTO) | {"error": None if text else "cannot be read"}
            if text:
                facts |= {"content_hash": key(text), "width": 4, "height": 3, "format": "PNG"}
            row = {"root_id": 1, "path": name.encode(), "size": 1, "mtime_ns": 2, "inode": 3, "indexed_at": ""} | facts
            row["seal"] = seals.seal_row("photo", facts)
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO photo ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        for photo_id in (1, 2, 4):
            moment = f"2026-01-0{photo_id}T00:00:00+00:00"
            values = (photo_id, moment, seals.seal("favourite", photo_id, moment))
            db.execute("INSERT INTO favourite VALUES (?, ?, ?)", values)
        db.commit()
    return path


def test_the_marks_of_before_are_carried_over(schema_0003):
    with Catalog(schema_0003, create=True) as catalog:
        catalog.encoders.activate(catalog.encoders.add("test", "f" * 32, 4, "float32").id)
        assert marked(catalog) == ["a", "b"]
        put(catalog, bad="at last")
        assert marked(catalog) == ["a", "b", "bad"]
    with contextlib.closing(sqlite3.connect(schema_0003)) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("SELECT * FROM favourite")]
    assert all(row["seal"] == seals.seal_row("favourite", row) for row in rows)
    assert {row["content_hash"]: row["marked_at"] for row in rows}[key("x")].startswith("2026-01-01")
