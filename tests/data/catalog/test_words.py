"""The words of a photo follow the photo, whatever happens to it."""

import os

import numpy as np
import pytest
from polyglance import Library, Settings
from polyglance.data.catalog import expression, plain_sqlite
from polyglance.data.catalog.catalog import Catalog
from polyglance.data.catalog.constructs import WORDS_ID, IsMatch
from polyglance.data.catalog.filters import NOTHING
from polyglance.data.catalog.records import Content, Entry, FileStat, Move
from polyglance.data.catalog.word_query import WordQuery
from polyglance.data.catalog.words import PhotoWords
from polyglance.data.pictures.exif import Facts
from sqlalchemy import select


@pytest.fixture
def catalog(tmp_path, catalog_url):
    with Catalog(tmp_path / "catalog.db", catalog_url, create=True) as opened:
        opened.encoders.add("test", "f" * 32, 4, "float32")
        yield opened


def put(catalog, root, path, number, *, error=None, photo_id=None, **facts):
    key = bytes([number]) * 32
    content = None if error else Content(key, 1, 1, "PNG", Facts(**facts))
    vectors = {} if error else {key: np.full(4, 0.5, np.float32)}
    entry = Entry(root.id, path, FileStat(1, 1, 1), content, error, photo_id)
    catalog.changes.commit([entry], vectors, 1)


def found(catalog, query):
    expression = WordQuery.from_texts([query])
    assert sound(catalog)
    return [photo_id for photo_id, _ in catalog.words.search(expression, NOTHING, 1, 100)]


def sound(catalog):
    path = catalog.folder / "catalog.db"
    return catalog.words.problem() == "" and (not path.exists() or plain_sqlite.words_problem(path) == "")


def test_name_folder_caption_and_keywords_are_words(catalog):
    root = catalog.roots.add(b"/disk/My Pictures")
    put(catalog, root, "旅行/BeachParty.jpg".encode(), 1, caption="Café am Meer", keywords=("sunset", "夕焼け"))
    (held,) = catalog.words.get([1]).values()
    assert held == PhotoWords("beachparty beach party", "my pictures 旅行 行", "cafe am meer", "sunset 夕焼 焼け け")
    for query in ("beach", "pictures", "旅行", "cafe", "夕焼け", "party sunset"):
        assert found(catalog, query) == [1]
    assert found(catalog, "jpg") == []


def test_a_name_says_more_than_a_folder(catalog):
    root = catalog.roots.add(b"/photos")
    put(catalog, root, b"beach/1.jpg", 1)
    put(catalog, root, b"beach.jpg", 2)
    put(catalog, root, b"3.jpg", 3, keywords=("beach",))
    assert found(catalog, "beach") == [2, 3, 1]


def test_a_photo_that_moves_or_swaps_names_is_found_by_its_new_one(catalog):
    root, other = catalog.roots.add(b"/photos"), catalog.roots.add(b"/archive")
    put(catalog, root, b"cat.jpg", 1)
    put(catalog, root, b"dog.jpg", 2)
    stat = FileStat(1, 1, 1)
    catalog.changes.move([Move(1, root.id, b"dog.jpg", stat), Move(2, root.id, b"cat.jpg", stat)])
    assert (found(catalog, "dog"), found(catalog, "cat")) == ([1], [2])
    catalog.changes.move([Move(1, other.id, b"old/horse.jpg", stat)])
    assert (found(catalog, "dog"), found(catalog, "archive old"), found(catalog, "photos")) == ([], [1], [2])


def test_a_root_that_is_absorbed_gives_its_photos_more_folders(catalog):
    child = catalog.roots.add(b"/disk/Holidays/Rome")
    put(catalog, child, b"a.jpg", 1)
    assert (found(catalog, "rome"), found(catalog, "holidays")) == ([1], [])
    catalog.roots.add(b"/disk/Holidays", [child])
    assert (found(catalog, "rome"), found(catalog, "holidays")) == ([1], [1])


def test_a_phrase_is_in_one_column(catalog):
    root = catalog.roots.add(b"/photos")
    put(catalog, root, b"red.jpg", 1, caption="boat house", keywords=("sea",))
    with catalog.database.reading() as connection:

        def matches(*tokens, column=""):
            asked = {"expression": expression.Phrase(tokens, column=column)}
            return connection.execute(select(WORDS_ID).where(IsMatch()), asked).scalars().all() == [1]

        assert matches("boat", "house")
        assert matches("boat", "house", column="caption")
        assert not matches("boat", "house", column="keyword")
        assert not matches("red", "photos")
        assert not matches("photos", "boat")
        assert not matches("house", "sea")


def test_words_go_with_the_photo(catalog):
    root, other = catalog.roots.add(b"/photos"), catalog.roots.add(b"/others")
    for number, place in enumerate((root, root, root, other), 1):
        put(catalog, place, b"%d/cat.jpg" % number, number)
    catalog.changes.remove([1])
    assert found(catalog, "cat") == [2, 3, 4]
    put(catalog, root, b"2/cat.jpg", 2, error="is truncated")
    assert found(catalog, "cat") == [3, 4]
    catalog.roots.remove(root.id)
    assert found(catalog, "cat") == [4]
    put(catalog, other, b"new name.jpg", 9, photo_id=4)
    assert (found(catalog, "cat"), found(catalog, "new")) == ([], [4])


def test_a_photo_that_changed_has_its_new_words_only(catalog):
    root = catalog.roots.add(b"/photos")
    put(catalog, root, b"a.jpg", 1, caption="a red boat")
    put(catalog, root, b"a.jpg", 2, caption="a blue car")
    assert (found(catalog, "boat"), found(catalog, "car")) == ([], [1])


@pytest.mark.parametrize("name", [b"\xff\xfe.jpg", b"a\nb.jpg", b".jpg", b"...", "é".encode("latin-1") + b".png"])
def test_any_bytes_are_a_name(catalog, name):
    put(catalog, catalog.roots.add(b"/photos"), name, 1)
    assert found(catalog, "photos") == [1]


def test_after_a_real_run_the_words_are_right(tmp_path, small_library):
    photos = tmp_path / "elsewhere"
    photos.mkdir()
    for name in ("sunset.png", "dawn.png"):
        (photos / name).write_bytes((small_library.photos / f"{len(name) - 8}.png").read_bytes())
    with Library.open(small_library.folder, settings=Settings(encoder="lite")) as library:
        library.index([photos])
        os.rename(photos / "sunset.png", photos / "dusk.png")
        library.index([photos])
        hits = library.catalog.words.search(WordQuery.from_texts(["dusk"]), NOTHING, 1, 9)
        assert [library.photo(photo_id).path for photo_id, _ in hits] == [os.fsencode(photos / "dusk.png")]
        assert library.catalog.words.search(WordQuery.from_texts(["sunset"]), NOTHING, 1, 9) == []
    assert sound(library.catalog)
