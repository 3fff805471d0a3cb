"""The name of a file, its path, and the id of a photo find that photo, first."""

import pytest
from polyglance.data.catalog.name_query import NameQuery
from polyglance.errors import PhotoNotFound
from polyglance.search.query.parse import Term, parse
from search_places import names, unit

FAR = unit(0, 0, 0, 0, 1)
NAMED = "holiday/2019/IMG_7003.jpg"


@pytest.fixture
def named(place):
    """Two hundred photos, one of them named, and others that look like what no text says, but have its parts."""
    place.crowd(200)
    likely = unit(*[0] * 15, 1)  # what unknown words look like
    others = ["2019/IMG_7004.jpg", "img/x 7003 jpg.jpg", "holiday/2020/IMG_7013.jpg", "IMG/1.jpg", "7004.jpg"]
    place.add((NAMED, FAR), ("holiday/2019/IMG_7002.jpg", FAR), *((path, likely) for path in others))
    return place


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("IMG_7003.jpg", ("name",)),
        ("IMG_7003.JPG", ("name",)),
        ("IMG_7003", ("name",)),
        ("img 7003", ("name",)),
        ("IMG7003", ("name",)),
        ("img-7003.jpeg", ("name",)),
        ("IMG_7003*", ("name",)),
        ("holiday/2019/IMG_7003.jpg", ("name", "folder")),
        ("/photos/holiday/2019/IMG_7003.jpg", ("name", "folder")),
        ("file:///photos/holiday/2019/IMG%5F7003.jpg", ("name", "folder")),
        ("C:\\Anna\\holiday\\2019\\img_7003.jpg", ("name", "folder")),
        ("2019/IMG_7003", ("name", "folder")),
        ("~/holiday/2019/7003.jpg", ("name", "folder")),
        ('"IMG_7003.jpg"', ("name",)),
        ("IMG_7003 folder:holiday", ("name",)),
    ],
)
def test_a_name_or_path_finds_its_file_first_and_says_why(named, query, why):
    first = named.find(query, 3).results[0]
    assert (first.photo.path.decode().removeprefix("/photos/"), first.why) == (NAMED, why)


def test_part_of_a_name_finds_the_files_that_have_it_first(named):
    both = {NAMED, "img/x 7003 jpg.jpg"}
    assert set(named.names("7003.jpg", 2)) == both
    answer = named.find("IMG_70*", 4, collapse=False)
    assert all("IMG_70" in name for name in names(answer)), names(answer)
    assert all("name" in result.why for result in answer.results)


def test_a_path_of_a_folder_finds_what_is_in_it(named):
    for query in ("holiday/2019", "/photos/holiday/2019/", "Holiday/2019/"):
        answer = named.find(query, 2, collapse=False)
        assert all(name.startswith("holiday/2019/") for name in names(answer)), query
        assert {result.why for result in answer.results} == {("folder",)}


def test_of_files_of_one_name_that_in_the_folder_comes_first(place):
    place.crowd(30)
    place.add(*((f"{year}/trip/IMG_0001.jpg", unit(0, 0, 0, 0, 1, noise=1, seed=year)) for year in range(2010, 2020)))
    assert place.names("2017/trip/IMG_0001.jpg", 1) == ["2017/trip/IMG_0001.jpg"]
    assert place.names("photos/2012/trip/IMG_0001", 1) == ["2012/trip/IMG_0001.jpg"]
    assert len([name for name in place.names("2033/trip/IMG_0001.jpg", 10) if "IMG_0001" in name]) == 10


def test_words_are_no_names(place):
    place.crowd(100)
    place.add(("beach.jpg", FAR), ("looks.jpg", unit(1)))
    for query in ("beach", "beach and sea", "black/white", "*.jpg", "*", "16:9/", "/"):
        assert NameQuery.from_text(query) is None or query in {"black/white", "16:9/"}
    assert place.names("beach/sunset", 1) != ["beach.jpg"]
    assert set(place.names("beach", 2)) == {"beach.jpg", "looks.jpg"}


def test_a_name_restricts_nothing_and_pages_continue(named):
    first = named.find("IMG_7003.jpg", 1)
    second = named.find("IMG_7003.jpg", 300, cursor=first.next)
    everything = [*names(first), *names(second)]
    assert len(everything) == len(set(everything))
    assert named.find("IMG_7003.jpg", 1, only_relevant=True).results[0].photo.path.endswith(b"IMG_7003.jpg")
    assert names(named.find("IMG_7003.jpg", 5, filters={"folder": "2020"})) == ["holiday/2020/IMG_7013.jpg"]


# --- #id --------------------------------------------------------------------------------------


def test_an_id_alone_is_that_photo_then_the_nearest(place):
    place.crowd(100)
    place.add(
        ("a.jpg", unit(1), {"bytes_of": "one"}), ("b.jpg", unit(1), {"bytes_of": "one"}), ("near.jpg", unit(1, 0.2))
    )
    by_name = {name: result.photo.id for name, result in zip(*_all(place), strict=True)}
    for name in ("a.jpg", "b.jpg", "near.jpg"):
        answer = place.find(f"#{by_name[name]}", 3, collapse=False)
        assert names(answer)[0] == name
        assert sorted(names(answer)) == ["a.jpg", "b.jpg", "near.jpg"]
        assert place.names(f"#{by_name[name]}", 1) == [name]  # also where near-duplicates are one result
        assert name not in place.names(f"1: #{by_name[name]}", 50, collapse=False)  # like it, without itself
    assert place.names(f"#{by_name['a.jpg']} folder:crowd", 1) != ["a.jpg"]
    with pytest.raises(PhotoNotFound):
        place.find("#99999")


def _all(place):
    answer = place.find("beach", 300, collapse=False)
    return names(answer), answer.results


def test_an_id_alone_is_written_as_it_is_typed():
    assert parse("#45", 100).terms == (Term("itself", "45"),)
    assert str(parse("#45 after:2024", 100)) == "#45 after:2024"
    assert str(parse("1: #45", 100)) == "1: #45"
    assert parse('"#45"', 100).terms == (Term("text", "#45"),)
    assert str(parse('"#45"', 100)) == '"#45"'
