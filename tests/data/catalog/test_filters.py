"""Each filter, and filters together, select what they say: from a real catalog, through what people type."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.conditions import compile_filters
from polyglance.data.catalog.filters import NOTHING, Near
from polyglance.data.catalog.models import Photo
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.catalog.sphere import distance_km
from polyglance.data.catalog.word_query import WordQuery
from polyglance.data.pictures.exif import Facts
from polyglance.errors import QueryError
from polyglance.search.query import filters
from polyglance.search.query.parse import parse
from postgresql_server import KINDS
from sqlalchemy import literal, select
from sqlalchemy.sql import visitors

PHOTOS = {
    b"paris.jpg": (4000, 3000, "JPEG", Facts("2024-05-01T10:00:00", "FUJIFILM X100V", "23mm F2", 48.8584, 2.2945)),
    b"paris 2024/louvre.heic": (
        3000,
        4000,
        "HEIF",
        Facts("2024-05-31T23:59:59+02:00", "Apple iPhone 15", None, 48.86, 2.34),
    ),
    "旅行/京都.png".encode(): (1920, 1080, "PNG", Facts("2023-12-31T23:59:59", "Canon EOS R5", None, 35.01, 135.77)),
    "旅行/2019/富士山.jpg".encode(): (1000, 1000, "JPEG", Facts("2019-01-01T00:00:00")),
    b"Fiji/beach.jpg": (640, 480, "JPEG", Facts("2024-06-01T00:00:00", "Canon EOS R5", None, -17.7, 179.9)),
    b"scan.tif": (8000, 2000, "TIFF", Facts()),
}


@pytest.fixture(scope="module", params=KINDS)
def catalog(request, tmp_path_factory, new_catalog_url):
    path, url = tmp_path_factory.mktemp("library") / "catalog.db", new_catalog_url(request.param)
    with Catalog(path, url, create=True) as opened:
        encoder = opened.encoders.add("test", "f" * 32, 4, "float32")
        roots = [opened.roots.add(b"/disk/Pictures"), opened.roots.add("/disk/アルバム".encode())]
        for number, (path, (width, height, kind, facts)) in enumerate(PHOTOS.items(), 1):
            key = bytes([number]) * 32
            entry = Entry(
                roots[number % 2].id, path, FileStat(number * 1_000_000, 1, 1), Content(key, width, height, kind, facts)
            )
            opened.changes.commit([entry], {key: np.full(4, 0.5, np.float32)}, encoder.id)
        failed = Entry(roots[0].id, b"bad.jpg", FileStat(1, 1, 1), error="is empty")
        opened.changes.commit([failed], {}, encoder.id)
        opened.favourites.mark([1, 5], favourite=True)
        yield opened


def passing(catalog, typed):
    """Numbers of the photos above that pass, which are also their ids and their vectors'."""
    wanted = filters.make(parse(typed, 1000).filters, catalog.roots.all())
    return catalog.selection.vectors(wanted, 1).tolist()


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("after:2024", [1, 2, 5]),
        ("after:2024-05-02", [2, 5]),
        ("before:2024-05", [3, 4]),
        ("date:2024-05", [1, 2]),
        ("date:2024-5-1", [1]),
        ("date:2023..2024-05", [1, 2, 3]),
        ("after:2019 after:2024 before:2025 before:2024-06", [1, 2]),
        ("camera:x100v", [1]),
        ('camera:"canon eos"', [3, 5]),
        ("camera:canon camera:apple", [2, 3, 5]),
        ("camera:nokia", []),
        ("folder:旅行", [3, 4]),
        ("folder:旅", [3, 4]),
        ("folder:2019", [4]),
        ("folder:paris", [2]),
        ('folder:"PARIS 2024"', [2]),
        ("folder:旅行 folder:fiji", [3, 4, 5]),
        ("folder:pictures", [2, 4, 6]),
        ("root:Pictures", [2, 4, 6]),
        ("root:/disk/pictures/", [2, 4, 6]),
        ("root:アルバム", [1, 3, 5]),
        ("root:アルバム root:pictures", [1, 2, 3, 4, 5, 6]),
        ("in:/disk/Pictures", [2, 4, 6]),
        ("in:アルバム/旅行", [3]),
        ("in:Pictures/旅行/", [4]),
        ('in:"/disk/Pictures/paris 2024"', [2]),
        ("in:Pictures/paris", []),
        ("in:Pictures/旅行 in:アルバム/旅行", [3, 4]),
        ("in:Pictures/旅行/2019/富士山.jpg", []),
        ("type:heic", [2]),
        ("type:jpg type:.PNG", [1, 3, 4, 5]),
        ("orientation:portrait", [2]),
        ("orientation:square", [4]),
        ("orientation:landscape", [1, 3, 5, 6]),
        ("aspect:16:9", [3]),
        ("aspect:4:3", [1, 5]),
        ("aspect:>16:9", [6]),
        ("aspect:>=1.5 aspect:<3", [3]),
        ("size:>4mp", [1, 2, 6]),
        ("size:12mp", [1, 2]),
        ("size:1..2.5mp", [3, 4]),
        ("size:<=3mb", [1, 2, 3]),
        ("size:>5mb", [6]),
        ("size:>1mp size:<2mb", [1]),
        ("has:place", [1, 2, 3, 5]),
        ("near:48.85,2.35,5", [1, 2]),
        ("near:48.86,2.34,1", [2]),
        ("near:-17.7,-179.9,50km", [5]),
        ("near:90,0,20000", [1, 2, 3, 5]),
        ("lens:23MM", [1]),
        ("lens:50mm", []),
        ("within:48.8584,2.2945,48.86,2.34", [1, 2]),
        ("within:-90,-180,90,180", [1, 2, 3, 5]),
        ("within:-20,170,40,-170", [5]),
        ("within:0,0,60,140 within:40,0,60,10", [1, 2]),
        ("within:40,0,60,10 within:-20,170,-10,-170", []),
        ("is:undated", [6]),
        ("is:undated after:2000", []),
        ("is:favourite", [1, 5]),
        ("is:favorite after:2024-05-02", [5]),
        ("after:2024 type:heic has:place orientation:portrait folder:paris camera:apple near:48.86,2.34", [2]),
    ],
)
def test_a_filter_selects_what_it_says(catalog, typed, numbers):
    assert passing(catalog, typed) == numbers


def test_a_folder_is_that_one_alone_whatever_is_called_like_it(tmp_path, catalog_url):
    names = [b"2024/Home", b"2024/Home/a/b", b"2024", b"Home/2024", b"2024/Home (2)", b"2024/Home-x", b"2024/home"]
    odd = [b"2024/H\xffme", rb"2024/H\xffme", b"2024/a\nb"]
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as one:
        encoder = one.encoders.add("test", "f" * 32, 4, "float32")
        root = one.roots.add(b"/photos")
        for number, name in enumerate(names + odd, 1):
            key = bytes([number]) * 32
            entry = Entry(root.id, name + b"/x.jpg", FileStat(1, 1, 1), Content(key, 1, 1, "JPEG", Facts()))
            one.changes.commit([entry], {key: np.full(4, 0.5, np.float32)}, encoder.id)
        assert passing(one, "in:photos/2024/Home") == [1, 2]
        assert passing(one, "in:/photos/2024/Home/a") == [2]
        assert passing(one, "in:photos") == list(range(1, 11))
        # Two that read the same are both meant: nothing says which.
        for folder, numbers in ((r"photos/2024/H\xffme", [8, 9]), (r"photos/2024/a\nb", [10])):
            wanted = filters.make(filters.from_mapping({"in": folder}), one.roots.all())
            assert one.selection.vectors(wanted, 1).tolist() == numbers


def test_nothing_asked_is_all_that_can_be_found(catalog):
    assert catalog.selection.vectors(NOTHING, 1).tolist() == [1, 2, 3, 4, 5, 6]
    assert not NOTHING


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("root:nowhere", "no folder of this library"),
        ("in:/elsewhere/Pictures", "in no folder of this library"),
        ("after:2024 before:2023", "No day is after 2024-01-01"),
    ],
)
def test_filters_that_nothing_can_pass_are_said_so(catalog, typed, said):
    with pytest.raises(QueryError, match=said):
        passing(catalog, typed)


def test_words_are_looked_for_among_what_passes(catalog):
    """However few may be asked for: not among all, of which the best may not pass."""
    for typed, number in (("date:2024", 2), ("is:favourite", 5), ("type:png", 3)):
        wanted = filters.make(parse(typed, 99).filters)
        words = WordQuery.from_texts(["louvre", "beach", "京都"])
        assert catalog.words.search(words, wanted, 1, 1) in ([(number, number)], [(5, 5)])
        assert number in [photo for photo, _ in catalog.words.search(words, wanted, 1, 9)]
        assert {photo for photo, _ in catalog.words.search(words, wanted, 1, 9)} <= set(passing(catalog, typed))


def test_copies_pass_each_by_itself(tmp_path, catalog_url):
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as one:
        encoder = one.encoders.add("test", "f" * 32, 4, "float32")
        root = one.roots.add(b"/photos")
        content = Content(bytes(32), 1, 1, "PNG", Facts())
        entries = [Entry(root.id, path, FileStat(1, 1, 1), content) for path in (b"a/x.png", b"b/y.png")]
        one.changes.commit(entries, {bytes(32): np.full(4, 0.5, np.float32)}, encoder.id)
        wanted = filters.make(parse("folder:b", 99).filters)
        (vector_id,) = one.selection.vectors(wanted, encoder.id).tolist()
        assert [photo.path for photo in one.selection.photos([vector_id], wanted)[vector_id]] == [b"/photos/b/y.png"]
        assert len(one.selection.photos([vector_id])[vector_id]) == 2


def test_filters_can_be_given_as_a_mapping():
    asked = filters.from_mapping({"after": "2024-05", "camera": ["X100V", "R5"]})
    assert filters.make(asked).cameras == ("X100V", "R5")
    with pytest.raises(QueryError, match="no filter colour"):
        filters.from_mapping({"colour": "red"})


def test_the_newest_come_first_and_those_without_a_date_last(catalog):
    assert [photo.id for photo in catalog.selection.newest(NOTHING, 0, 10)] == [5, 2, 1, 3, 4, 6]
    assert [photo.id for photo in catalog.selection.newest(NOTHING, 1, 2)] == [2, 1]


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(places, places, st.floats(0.1, 20_000))
def test_the_box_around_a_circle_leaves_nothing_near_out(catalog, centre, place, km):
    wanted = replace(NOTHING, near=Near(*centre, km))
    assert passes_at(catalog, wanted, place) == (distance_km(*centre, *place) <= km)


def passes_at(catalog, wanted, place):
    """Whether a photo at this place would pass, by the conditions of the real statement."""
    there = select(literal(place[0]).label("latitude"), literal(place[1]).label("longitude")).subquery()
    columns = {Photo.__table__.c[name]: there.c[name] for name in ("latitude", "longitude")}
    _, *parts = compile_filters(wanted, (), (), ())
    moved = [visitors.replacement_traverse(part, {}, lambda each, **_: columns.get(each)) for part in parts]
    with catalog._database.reading() as connection:
        return connection.execute(select(there).where(*moved)).first() is not None
