"""Index runs label photos with things and places; tiles, suggestions and searches agree."""

import shutil

import pytest
from PIL import Image
from polyglance import Library, Settings
from polyglance.config import LANGUAGES
from polyglance.data.sample import copy_sample
from polyglance.indexer.run.stop import Stop
from polyglance.library import labelling

ROME = "3169070"


def exif_of_rome():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R6"
    exif.get_ifd(0x8769)[0xA434] = "RF 35mm"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 53.0, 30.0), 3: "E", 4: (12.0, 30.0, 0.0)})
    return exif


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    place = tmp_path_factory.mktemp("labels")
    copy_sample(place / "Pictures")
    cat = Image.open(place / "Pictures" / "chelsea.png").convert("RGB")
    (place / "Pictures" / "Gattini").mkdir()
    cat.crop((20, 10, 400, 280)).save(place / "Pictures" / "Gattini" / "roman cat.jpg", exif=exif_of_rome())
    with Library.open(place / "library", settings=Settings(encoder="lite")) as library:
        library.index([place / "Pictures"])
    return place


@pytest.fixture
def library(template, tmp_path):
    shutil.copytree(template / "library", tmp_path / "library")
    with Library.open(tmp_path / "library", settings=Settings(encoder="lite")) as opened:
        yield opened


def relevant(library, query):
    results = library.search(query, 1000, collapse=False, only_relevant=True).results
    return {result.photo.id for result in results if "looks like" in result.why or "filter" in result.why}


def labels(library):
    """All labels; scores are rounded because the last bits of a product depend on the size of the batch."""
    rows = library.catalog.labels.photos("thing") + library.catalog.labels.photos("place")
    return sorted((row.key, row.photo_id, round(row.score, 4)) for row in rows)


def test_a_tile_counts_what_its_filter_and_a_search_for_its_name_find(library):
    tiles = library.explore().things
    assert {"cat", "rocket", "motorcycle"} & {tile.key for tile in tiles}
    for tile in tiles:
        assert len(relevant(library, f'thing:"{tile.key}"')) == tile.photos
        assert relevant(library, tile.query) == relevant(library, f'thing:"{tile.key}"'), tile
    assert all(tile.cover in relevant(library, tile.query) for tile in tiles)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tile_and_example_finds_something_relevant_in_its_language(library, language):
    explored = library.explore(language)
    assert explored.things and [example.language for example in explored.examples] == list(LANGUAGES)
    for tile in (*explored.things, *explored.places, *explored.countries, *explored.folders, *explored.cameras):
        assert library.search(tile.query, 1, only_relevant=True).results, tile
    for example in explored.examples:
        assert library.search(example.text, 1, only_relevant=True).results, example


def test_tiles_show_different_things(library):
    tiles = library.explore().things
    assert len({tile.key for tile in tiles}) == len(tiles)
    cat = next(tile for tile in tiles if tile.key == "cat")
    assert cat.photos == 2
    assert "Egyptian cat" not in {tile.key for tile in tiles}  # the same photos under a name that few people type


def test_places_have_names_in_the_language_asked_for(library):
    (tile,) = library.explore("it").places
    assert (tile.key, tile.name, tile.country, tile.photos) == (ROME, "Roma", "IT", 1)
    photo = library.photo(tile.cover)
    assert library.place_name(photo, "zh") == ("罗马市", "IT")
    assert [result.photo.id for result in library.search("place:Italia")] == [photo.id]


def test_labelling_that_is_stopped_at_any_batch_goes_on_there(library, monkeypatch):
    expected = labels(library)
    library.catalog.labels.begin("thing", library.catalog.labels.extent("thing")._replace(last=0))
    monkeypatch.setattr("polyglance.data.catalog.vectors.AT_ONCE", 5)
    monkeypatch.setattr("polyglance.data.catalog.vectors._AFTER", _after_five())
    batches = 0
    while not labelling.label(library._parts, seconds=0):
        batches += 1
        assert batches < 100
    assert batches > 2
    assert labels(library) == expected


def _after_five():
    from polyglance.data.catalog import vectors
    from sqlalchemy import text

    return text(str(vectors._AFTER).replace(f"LIMIT {4096}", "LIMIT 5"))


def test_an_older_library_catches_up(library):
    expected = labels(library)
    with library.catalog._database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM label")
        connection.exec_driver_sql("DELETE FROM labelling")
    assert not labelling.is_complete(library._parts)
    library.label()
    assert labels(library) == expected
    assert labelling.is_complete(library._parts)


def test_a_stop_ends_labelling_at_once(library):
    library.catalog.labels.begin("thing", library.catalog.labels.extent("thing")._replace(last=0))
    stop = Stop()
    stop.ask()
    library.label(stop)
    assert library.catalog.labels.photos("thing") == []


def test_labels_follow_photos_that_come_and_go(template, tmp_path):
    shutil.copytree(template / "Pictures", tmp_path / "Pictures")
    with Library.open(tmp_path / "own", settings=Settings(encoder="lite")) as library:
        library.index([tmp_path / "Pictures"])
        assert len(library.search("thing:cat")) >= 1
        for path in ("chelsea.png", "Gattini/roman cat.jpg"):
            (tmp_path / "Pictures" / path).unlink()
        library.rescan()
        assert library.search("thing:cat").results == []
        assert library.catalog.labels.photos("place") == []
        assert library.check().findings == []


def test_an_empty_library_has_nothing_to_explore(tmp_path):
    with Library.open(tmp_path / "empty", settings=Settings(encoder="lite")) as library:
        explored = library.explore("fr")
        assert (explored.things, explored.places, explored.folders, explored.examples) == ([], [], [], [])
        assert library.suggest("cat") == []
        library.label()


@pytest.mark.parametrize(
    ("typed", "language", "kind", "text"),
    [
        ("ca", "en", "thing", "cat"),
        ("GAT", "es", "thing", "gato"),
        ("кош", "en", "thing", "кошка"),
        ("猫", "en", "thing", "猫"),
        ("ねこ", "ja", "thing", "ねこ"),
        ("고양", "ko", "thing", "고양이"),
        ("rom", "it", "place", "Roma"),
        ("روم", "ar", "place", "روما"),
        ("马市", "zh", "place", "罗马市"),
        ("gatt", "en", "folder", "Gattini"),
        ("canon", "en", "camera", "Canon EOS R6"),
        ("eos", "en", "camera", "Canon EOS R6"),
        ("rf", "en", "lens", "RF 35mm"),
        ("roman", "en", "file", "roman cat.jpg"),
        ("chelsea.p", "en", "file", "chelsea.png"),
    ],
)
def test_names_are_suggested_in_nine_languages(library, typed, language, kind, text):
    suggestions = library.suggest(typed, language)
    assert (kind, text) in [(suggestion.kind, suggestion.text) for suggestion in suggestions]
    for suggestion in suggestions:
        filters = {suggestion.filter.name: suggestion.filter.value} if suggestion.filter else {}
        if suggestion.kind != "lens":
            found = library.search(suggestion.query or "", 100, filters=filters, collapse=False)
            assert len(found) >= suggestion.photos > 0, suggestion


@pytest.mark.parametrize(
    "typed", ["", " ", '"', "*", "a AND", 'name : "x', "\\", "%", "x" * 200, "NEAR(", "-", "^", "."]
)
def test_odd_texts_suggest_nothing_and_break_nothing(library, typed):
    assert all(suggestion.kind == "file" for suggestion in library.suggest(typed))
