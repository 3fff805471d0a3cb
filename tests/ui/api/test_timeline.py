"""The library in order of time: every photo once, in the month it was taken, in the order of a search by filters."""

import numpy as np
import pytest
from polyglance.config import Settings
from polyglance.data.catalog.filters import NOTHING
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.library import Library
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.policy import Policy
from polyglance.ui.web.server import build
from starlette.testclient import TestClient

DAYS = [
    "2024-05-31T23:59:59+02:00",
    "2024-05-01T00:00:00",
    "2024-05-01T00:00:00",
    "2024-06-01T00:00:00",
    "2023-12-31T23:59:59",
    "2023-05-31T10:00:00",
    "2021-05-31T10:00:00",
    "2021-05-31T09:00:00",
    "1999-02-28T09:00:00",
    None,
    None,
]


@pytest.fixture(scope="module")
def dated_library(tmp_path_factory):
    """Records of photos with these dates (ids from 1), and of a file that failed: no file is needed for them."""
    with Library.open(tmp_path_factory.mktemp("dated"), settings=Settings()) as library:
        catalog = library.catalog
        encoder = catalog.encoders.add("test", "f" * 32, 4, "float32")
        root = catalog.roots.add(b"/photos")
        for number, taken_at in enumerate(DAYS, 1):
            key = bytes([number]) * 32
            facts = Facts(taken_at, "Canon EOS R5" if number % 2 else None)
            content = Content(key, 400, 300, "JPEG", facts)
            entry = Entry(root.id, b"a/<b>%d\xff.jpg" % number, FileStat(1, 1, number), content)
            catalog.changes.commit([entry], {key: np.full(4, 0.5, np.float32)}, encoder.id)
        failed = Entry(root.id, b"bad.jpg", FileStat(1, 1, 99), error="is empty")
        catalog.changes.commit([failed], {}, encoder.id)
        catalog.favourites.mark([2, 10])
        yield library


@pytest.fixture(scope="module")
def get(dated_library):
    with TestClient(build(dated_library), base_url="http://127.0.0.1:7860") as client:

        def request(address, status=200, **parameters):
            answer = client.get(f"/api/v1/{address}", params=parameters)
            assert answer.status_code == status, answer.text
            return answer.json()

        yield request


def ids(photos):
    return [photo["id"] for photo in photos]


def test_the_months_count_every_readable_photo_once(get):
    document = get("timeline")
    assert [(month["month"], month["photos"]) for month in document["months"]] == [
        ("2024-06", 1),
        ("2024-05", 3),
        ("2023-12", 1),
        ("2023-05", 1),
        ("2021-05", 2),
        ("1999-02", 1),
        (None, 2),
    ]
    assert document["photos"] == len(DAYS)


def test_the_months_under_a_filter_are_those_of_its_photos(get):
    assert get("timeline", **{"is": "favourite"})["months"] == [
        {"month": "2024-05", "photos": 1},
        {"month": None, "photos": 1},
    ]
    assert get("timeline", camera="r5", after="2023")["photos"] == 3
    assert get("timeline", **{"is": "undated"})["months"] == [{"month": None, "photos": 2}]
    assert get("timeline", camera="Nikon") == {"months": [], "photos": 0, "first": []}


def test_the_first_photos_come_with_the_months(get):
    everything = get("timeline", first=1000)
    months = [month["month"] or "undated" for month in everything["months"]]
    assert everything["first"] == [photo for month in months for photo in get(f"timeline/{month}")["photos"]]
    assert get("timeline", first=4)["first"] == everything["first"][:4]
    assert (
        get("timeline", first=4, camera="canon")["first"]
        == [photo for photo in everything["first"] if photo["id"] % 2][:4]
    )
    assert get("timeline", first=1001, status=422)["detail"]


def test_all_months_together_have_the_order_of_a_search_by_filters(get, dated_library):
    months = [month["month"] or "undated" for month in get("timeline")["months"]]
    listed = [number for month in months for number in ids(get(f"timeline/{month}")["photos"])]
    newest = dated_library.catalog.selection.newest(NOTHING, 0, 100)
    assert listed == [photo.id for photo in newest]
    assert sorted(listed) == list(range(1, len(DAYS) + 1))


def test_a_month_is_read_in_parts_and_under_filters(get):
    month = get("timeline/2024-05")
    assert month["month"] == "2024-05"
    assert month["photos"][1] == {
        "id": 2,
        "width": 400,
        "height": 300,
        "taken_at": "2024-05-01T00:00:00",
        "name": "<b>2\\xff.jpg",
        "favourite": True,
        "version": "02" * 8,
    }
    assert ids(month["photos"]) == [1, 2, 3]
    assert ids(get("timeline/2024-05", offset=1, count=1)["photos"]) == [2]
    assert get("timeline/2024-05", offset=2**63 - 1)["photos"] == []
    assert ids(get("timeline/2024-05", camera="canon")["photos"]) == [1, 3]
    assert ids(get("timeline/2024-05", before="2024-05-02")["photos"]) == [2, 3]
    assert get("timeline/2024-05", after="2024-06")["photos"] == []
    assert get("timeline/undated", **{"is": "favourite"}) == {
        "month": None,
        "photos": [
            {
                "id": 10,
                "width": 400,
                "height": 300,
                "taken_at": None,
                "name": "<b>10\\xff.jpg",
                "favourite": True,
                "version": "0a" * 8,
            }
        ],
    }
    assert get("timeline/undated", after="2020")["photos"] == []


@pytest.mark.parametrize(
    "month", ["2024-13", "2024-00", "2024", "2024-5", "24-05", "２０２４-05", "2024-05-01", "undated ", "%00", "x" * 99]
)
def test_what_is_no_month_is_a_problem(get, month):
    assert get(f"timeline/{month}", status=422)["detail"]


@pytest.mark.parametrize(
    "parameters",
    [{"offset": -1}, {"offset": 2**63}, {"count": 0}, {"count": 1001}, {"count": "x"}, {"q": "cat"}, {"camera": "\0"}],
)
def test_parameters_of_a_month_are_checked(get, parameters):
    get("timeline/2024-05", status=422, **parameters)


def test_this_day_in_earlier_years(get):
    document = get("on-this-day", day="05-31")
    assert [(year["year"], year["photos"], ids(year["first"])) for year in document["years"]] == [
        (2023, 1, [6]),
        (2021, 2, [8, 7]),
    ]
    assert [year["year"] for year in get("on-this-day", day="2026-05-31")["years"]] == [2024, 2023, 2021]
    assert [year["year"] for year in get("on-this-day", day="2022-05-31")["years"]] == [2021]
    assert get("on-this-day", day="02-29") == {"years": []}
    assert get("on-this-day", day="0001-05-31") == {"years": []}


@pytest.mark.parametrize("day", ["02-30", "13-01", "2023-02-29", "0000-01-01", "5-31", "today", "", "\0", "٠٥-31"])
def test_what_is_no_day_is_a_problem(get, day):
    get("on-this-day", status=422, day=day)


def test_an_empty_library_has_no_months(empty_library):
    with TestClient(build(empty_library), base_url="http://127.0.0.1:7860") as client:
        assert client.get("/api/v1/timeline").json() == {"months": [], "photos": 0, "first": []}
        assert client.get("/api/v1/timeline/2024-05").json()["photos"] == []
        assert client.get("/api/v1/on-this-day?day=01-01").json() == {"years": []}


def test_the_paths_of_several_photos_come_in_the_order_that_was_asked_for(dated_library):
    with TestClient(build(dated_library), base_url="http://127.0.0.1:7860") as client:
        answer = client.post("/api/v1/photos/paths", json={"ids": [3, 1, 99, 3]})
        assert answer.json() == {
            "photos": [{"id": 3, "path": "/photos/a/<b>3\\xff.jpg"}, {"id": 1, "path": "/photos/a/<b>1\\xff.jpg"}]
        }
        assert client.post("/api/v1/photos/paths", json={"ids": list(range(1, 5002))}).status_code == 422


def test_the_neighbours_of_a_photo_are_nearest_first_and_never_itself(get):
    document = get("photos/2/neighbours", count=3)
    assert ids(document["before"]) == [3, 5, 6]
    assert ids(document["after"]) == [1, 4]
    assert ids(get("photos/3/neighbours")["after"]) == [2, 1, 4]
    assert get("photos/10/neighbours") == {"before": [], "after": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "timeline"), ("GET", "timeline/2024-05"), ("GET", "on-this-day?day=05-31"), ("GET", "map"),
     ("GET", "facets"), ("GET", "photos/1/exif"), ("GET", "photos/1/neighbours"), ("POST", "photos/zip"),
     ("POST", "photos/favourites")],
)  # fmt: skip
def test_without_the_password_nothing_is_told(dated_library, method, path):
    policy = Policy(Secret.from_text("me:correct horse"))
    with TestClient(build(dated_library, policy), base_url="http://127.0.0.1") as client:
        answer = client.request(method, f"/api/v1/{path}", json={"ids": [1]} if method == "POST" else None)
        assert answer.status_code == 401 and "jpg" not in answer.text


def facet(document, name):
    return {each["name"]: each["photos"] for each in document[name]}


def test_facets_are_counted_over_what_passes_but_each_without_its_own_filter(get):
    document = get("facets")
    assert document["photos"] == len(DAYS) and document["undated"] == 2
    assert facet(document, "years") == {"2024": 4, "2023": 2, "2021": 2, "1999": 1}
    assert list(facet(document, "months"))[:2] == ["2024-06", "2024-05"]
    assert facet(document, "orientations") == {"landscape": 11}
    document = get("facets", camera="canon", date="2024")
    assert document["photos"] == 2
    assert facet(document, "cameras") == {"Canon EOS R5": 2}
    assert facet(document, "years") == {"2024": 2, "2023": 1, "2021": 1, "1999": 1}
    assert (document["first"], document["last"]) == ("1999-02-28T09:00:00", "2024-05-31T23:59:59+02:00")
    assert document["favourites"] == 0 and get("facets", date="2024")["favourites"] == 1
    document = get("facets", **{"in": "photos/nothing"})
    assert document["photos"] == 0 and document["folders"][0]["photos"] == len(DAYS)
    assert document["first"] is None and document["cameras"] == []
    get("facets", status=422, date="2024-13")
    get("facets", status=422, colour="red")


@pytest.mark.parametrize("photo", [12, 99, 2**63 - 1])
def test_a_photo_that_failed_or_is_unknown_has_no_neighbours(get, photo):
    get(f"photos/{photo}/neighbours", status=404)


@pytest.mark.parametrize("count", [0, 101, -1, "x"])
def test_the_number_of_neighbours_is_bounded(get, count):
    get("photos/2/neighbours", status=422, count=count)
