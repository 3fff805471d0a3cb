"""Photos on a map: every photo once, in few clusters, each with a box that selects its photos."""

import random

import numpy as np
import pytest
from polyglance.config import Settings
from polyglance.data.catalog.filters import Box, Filters
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.library import Library
from polyglance.library.maps import choose_cell
from polyglance.ui.web.server import build
from starlette.testclient import TestClient

EDGES = [(90.0, 180.0), (-90.0, -180.0), (0.0, 180.0), (0.0, -180.0), (-17.7134, 178.065), (-17.7, -179.9)]


@pytest.fixture(scope="module")
def places():
    drawn = random.Random(3)
    return [*EDGES, *((round(drawn.gauss(45, 9), 7), round(drawn.gauss(8, 25), 7)) for _ in range(300))]


@pytest.fixture(scope="module")
def get(places, tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("placed"), settings=Settings()) as library:
        catalog = library.catalog
        encoder = catalog.encoders.add("test", "f" * 32, 4, "float32")
        root = catalog.roots.add(b"/photos")
        entries, vectors = [], {}
        for number, (latitude, longitude) in enumerate([*places, (None, None)], 1):
            facts = Facts(None, "Canon" if number % 2 else None, None, latitude, longitude)
            key = number.to_bytes(32, "big")
            content = Content(key, 400, 300, "JPEG", facts)
            entries.append(Entry(root.id, b"%d.jpg" % number, FileStat(1, 1, number), content))
            vectors[key] = np.full(4, 0.5, np.float32)
        catalog.changes.commit(entries, vectors, encoder.id)
        with TestClient(build(library), base_url="http://127.0.0.1:7860") as client:

            def request(status=200, **parameters):
                answer = client.get("/api/v1/map", params=parameters)
                assert answer.status_code == status, answer.text
                return answer.json()

            yield request


@pytest.mark.parametrize("zoom", [0, 1, 2.5, 6, 24])
def test_every_photo_is_in_one_cluster_whose_box_selects_it(get, places, zoom):
    document = get(zoom=zoom)
    clusters = document["clusters"]
    assert document["photos"] == sum(cluster["photos"] for cluster in clusters) == len(places)
    assert len({cluster["cover"] for cluster in clusters}) == len(clusters) < 300
    for cluster in clusters:
        inside = get(zoom=24, within=cluster["within"])
        assert inside["photos"] == cluster["photos"]
        south, west, north, east = map(float, cluster["within"].split(","))
        assert south - 1e-6 <= cluster["latitude"] <= north + 1e-6
        assert west - 1e-6 <= cluster["longitude"] <= east + 1e-6


def test_an_area_may_cross_the_date_line_and_filters_apply(get):
    assert get(within="-20,175,-10,-175")["photos"] == 2
    assert get(within="-20,-175,-10,175")["photos"] == 0
    assert get(within="-20,175,-10,-175", camera="canon")["photos"] == 1
    assert get(within=["-20,175,-10,-175", "-20,-180,-10,0"])["photos"] == 1
    assert get(within="-90,-180,90,180", zoom=24)["photos"] == get()["photos"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"within": "nan,nan,nan,nan"},
        {"within": "10,0,0,10"},
        {"within": "-91,0,0,10"},
        {"within": "0,0,inf,10"},
        {"within": "0,0,10"},
        {"within": "0,0,10,10,10"},
        {"within": "a,b,c,d"},
        {"within": ""},
        {"within": "\0"},
        {"zoom": -1},
        {"zoom": 25},
        {"zoom": "nan"},
        {"zoom": "1e9"},
        {"q": "cat"},
    ],
)
def test_what_is_no_area_is_a_problem(get, parameters):
    assert get(status=422, **parameters)["detail"]


def test_the_cells_are_those_of_the_zoom_unless_the_area_is_too_large_for_them():
    assert choose_cell(Filters(), 0) == 90
    assert choose_cell(Filters(), 24) == 360 / 16
    assert choose_cell(Filters(within=(Box(48, 2, 49, 3),)), 10) == 90 / 2**10
    assert choose_cell(Filters(within=(Box(48, 2, 49, 3),)), 20) == 90 / 2**10
    assert choose_cell(Filters(within=(Box(0, 179, 1, -179),)), 24) == 90 / 2**9
