import sqlite3

import numpy as np
import pytest
from polyglance.data.catalog import seals
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.errors import LibraryError

HASH = bytes(range(32))


def test_values_that_run_together_the_same_way_have_other_seals():
    rows = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc", ""),
        (b"ab", "c"),
        ("ab", None),
        ("", "abc"),
        (1, "c"),
        (1.0, "c"),
        ("1", "c"),
    ]
    assert len({seals.seal("setting", *row) for row in rows}) == len(rows)
    assert seals.seal("setting", "a", "b") != seals.seal("root", "a", "b")


def test_a_seal_is_the_same_for_ever():
    assert seals.seal("setting", "generation", "1").hex() == "481637b61615cb73"
    assert seals.seal("photo", HASH, None, 640, 1.5).hex() == "1004ff564bdebe52"


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.db", create=True) as opened:
        encoder = opened.encoders.add("test", "f" * 32, 4, "float32")
        opened.encoders.activate(encoder.id)
        root = opened.roots.add(b"/photos")
        facts = Facts("2024-05-01T12:34:56", "Canon", "RF 50", 35.0, 139.25, "雪山", ("山", "جبل"))
        vector = np.array([0.5, 0.5, 0.5, 0.5], np.float32)
        entries = [
            Entry(root.id, b"a.jpg", FileStat(1, 2, 3), Content(HASH, 640, 480, "JPEG", facts)),
            Entry(root.id, b"b.jpg", FileStat(1, 2, 4), error="is truncated"),
        ]
        opened.changes.commit(entries, {HASH: vector}, encoder.id)
        opened.favourites.mark([1], favourite=True)
        yield opened


def change(catalog, statement):
    with sqlite3.connect(catalog.folder / "catalog.db") as connection:
        connection.execute(statement)
    connection.close()


def test_every_row_is_written_with_its_seal(catalog):
    connection = sqlite3.connect(catalog.folder / "catalog.db")
    connection.row_factory = sqlite3.Row
    for table in seals.SEALED:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        assert rows, table
        for row in rows:
            assert row["seal"] == seals.seal_row(table, dict(row)), table
    connection.close()


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        ("UPDATE photo SET width = 641 WHERE id = 1", lambda catalog: catalog.photos.get(1)),
        ("UPDATE photo SET caption = NULL WHERE id = 1", lambda catalog: catalog.selection.photos([1])),
        ("UPDATE photo SET error = 'is fine' WHERE id = 2", lambda catalog: catalog.failures.all()),
        ("UPDATE vector SET vector = x'0038003800380039'", lambda catalog: catalog.vectors.get(HASH, 1)),
        ("UPDATE vector SET vector = x'00380038003800'", lambda catalog: list(catalog.vectors.after(1, 0))),
        ("UPDATE vector SET seal = NULL", lambda catalog: catalog.vectors.seals(1)),
        ("UPDATE encoder SET dtype = 'float16'", lambda catalog: catalog.encoders.active()),
        ("UPDATE setting SET value = '7' WHERE key = 'generation'", lambda catalog: catalog.generation()),
        (
            "UPDATE setting SET value = 'many' WHERE key = 'generation'",
            lambda catalog: catalog.changes.commit([], {}, 1),
        ),
    ],
)
def test_reading_a_changed_row_is_one_line_with_the_next_step(catalog, damage, read):
    change(catalog, damage)
    with pytest.raises(LibraryError, match=r"The catalog is damaged: .*check --repair") as caught:
        read(catalog)
    assert "\n" not in str(caught.value)


def test_damaged_facts_do_not_spread_to_a_copy(catalog):
    assert catalog.photos.content(HASH, 1).width == 640
    change(catalog, "UPDATE photo SET width = 641 WHERE id = 1")
    assert catalog.photos.content(HASH, 1) is None
