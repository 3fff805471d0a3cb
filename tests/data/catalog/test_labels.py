"""Labels of things and places in a real catalog: written in batches, dropped with encoder and content, searched by."""

import numpy as np
import pytest
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.labels import NOWHERE, Extent, LabelRow
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.errors import QueryError
from polyglance.search.query import filters
from polyglance.search.query.parse import parse
from sqlalchemy import event

KYOTO, ROME = "1857910", "3169070"
HASHES = [bytes([number]) * 32 for number in range(1, 5)]
COORDINATES = [(35.01, 135.77), (41.9, 12.5), (None, None), (0.0, -30.0)]


@pytest.fixture
def catalog(tmp_path, catalog_url):
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as opened:
        encoder = opened.encoders.add("test", "f" * 32, 4, "float32")
        opened.encoders.activate(encoder.id)
        root = opened.roots.add(b"/photos")
        for number, (key, place) in enumerate(zip(HASHES, COORDINATES, strict=True)):
            content = Content(key, 4, 3, "JPEG", Facts(None, None, None, *place))
            entry = Entry(root.id, b"%d.jpg" % number, FileStat(1, 1, number), content)
            opened.changes.commit([entry], {key: np.full(4, 0.5, np.float32)}, encoder.id)
        yield opened


def ids(catalog, typed):
    wanted = filters.make(parse(typed, 1000).filters)
    return catalog.selection.vectors(wanted, 1).tolist()


def place(catalog):
    rows = [LabelRow(KYOTO, HASHES[0], 1.0), LabelRow(ROME, HASHES[1], 1.0), LabelRow(NOWHERE, HASHES[3], 1.0)]
    catalog.labels.add("place", rows, Extent("1", 0, 0))


def test_a_batch_and_how_far_it_goes_are_written_together(catalog):
    assert catalog.labels.extent("thing") is None
    before = catalog.generation()
    catalog.labels.begin("thing", Extent("a", 0, 4))
    catalog.labels.add("thing", [LabelRow("dog", HASHES[0], 0.9)], Extent("a", 2, 4))
    assert catalog.labels.extent("thing") == ("a", 2, 4)
    assert catalog.labels.photos("thing") == [("dog", 1, 0.9)]
    assert catalog.generation() > before

    def break_off(*given):
        if "INTO label " in given[2]:
            raise KeyboardInterrupt

    event.listen(catalog._database._engine, "before_cursor_execute", break_off)
    with pytest.raises(KeyboardInterrupt):
        catalog.labels.add("thing", [LabelRow("cat", HASHES[1], 0.9)], Extent("a", 4, 4))
    event.remove(catalog._database._engine, "before_cursor_execute", break_off)
    assert catalog.labels.extent("thing") == ("a", 2, 4)
    assert ids(catalog, "thing:cat") == []


def test_another_encoder_has_other_things_but_the_same_places(catalog):
    catalog.labels.add("thing", [LabelRow("dog", HASHES[0], 0.9)], Extent("a", 4, 4))
    place(catalog)
    catalog.encoders.activate(catalog.encoders.add("other", "e" * 32, 4, "float32").id)
    assert catalog.labels.photos("thing") == []
    assert catalog.labels.extent("thing") is None
    assert [label.key for label in catalog.labels.photos("place")] == [KYOTO, ROME]


def test_labels_go_with_their_content(catalog):
    catalog.labels.add("thing", [LabelRow("dog", key, 0.9) for key in HASHES], Extent("a", 4, 4))
    catalog.labels.drop([HASHES[0], HASHES[2]])
    assert [label.photo_id for label in catalog.labels.photos("thing")] == [2, 4]


def test_contents_with_coordinates_are_placed_once(catalog):
    assert {key for key, *_ in catalog.labels.unplaced(10)} == {HASHES[0], HASHES[1], HASHES[3]}
    place(catalog)
    assert catalog.labels.unplaced(10) == []
    assert catalog.labels.of_content("place", HASHES[1]) == [ROME]
    assert catalog.labels.of_content("place", HASHES[3]) == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (f"place:{KYOTO}", [1]),
        ("place:京都", [1]),
        ("place:kyoto", [1]),
        ("place:روما", [2]),
        ("place:Рим", [2]),
        ("place:roma", [2]),
        ("place:JP", [1]),
        ("place:it", [2]),
        ("place:日本", [1]),
        ("place:Italie", [2]),
        ("place:Italie place:japan", [1, 2]),
        ("place:Atlantis", []),
        ('place:"\'; DROP TABLE label; --"', []),
        ('place:"%"', []),
    ],
)
def test_places_are_found_by_key_and_by_names_in_nine_languages(catalog, typed, expected):
    place(catalog)
    assert ids(catalog, typed) == expected


def test_things_are_found_by_key_and_by_names_in_nine_languages(catalog):
    rows = [LabelRow("dog", HASHES[0], 0.9), LabelRow("potter's wheel", HASHES[1], 0.6)]
    catalog.labels.add("thing", rows, Extent("a", 4, 4))
    for typed in ("thing:dog", "thing:狗", "thing:perro", "thing:собака", "thing:DOG"):
        assert ids(catalog, typed) == [1], typed
    assert ids(catalog, 'thing:"potter\'s wheel"') == [2]
    assert ids(catalog, 'thing:dog thing:"potter\'s wheel"') == [1, 2]
    assert ids(catalog, "thing:cat") == []


@pytest.mark.parametrize("value", ["thing:xyzzy", 'thing:"\'; DROP TABLE label"', "thing:%", 'thing:"\\""'])
def test_an_unknown_thing_is_refused_in_one_line(value):
    with pytest.raises(QueryError, match="is no known thing"):
        filters.make(parse(value, 1000).filters)
