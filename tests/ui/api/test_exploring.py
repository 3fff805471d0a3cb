"""Exploring and suggestions over HTTP: behind the password, as documented, and unharmed by odd texts."""

import pytest
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.policy import policy_for
from polyglance.ui.web.server import build
from starlette.testclient import TestClient

API = "/api/v1"


def test_explore_answers_with_tiles_that_are_searches(client):
    document = client.get(f"{API}/explore", params={"language": "es"}).json()
    assert "gato" in {tile["name"] for tile in document["things"]}
    for tile in [*document["things"][:5], *document["folders"], *document["cameras"]]:
        found = client.get(f"{API}/search", params={"q": tile["q"], "all": True, "k": 1}).json()
        assert found["results"], tile
        assert client.get(f"{API}/photos/{tile['cover']}/thumbnail").status_code == 200
    assert len(document["examples"]) == 9


def test_an_empty_library_has_nothing_to_explore(empty_library):
    with TestClient(build(empty_library), base_url="http://127.0.0.1:7860") as client:
        document = client.get(f"{API}/explore").json()
        assert document["things"] == document["examples"] == document["folders"] == []
        assert document["favourites"] == {"photos": 0, "cover": None}
        assert client.get(f"{API}/suggest", params={"q": "cat"}).json() == {"suggestions": []}


def test_nothing_is_told_without_the_password(library):
    policy = policy_for("127.0.0.1", Secret.from_text("me:correct horse battery"), (), ())
    with TestClient(build(library, policy), base_url="http://127.0.0.1:7860") as client:
        for path in ("suggest?q=c", "suggest?q=chelsea", "explore", "search?thing=cat", "search?place=Rome"):
            answer = client.get(f"{API}/{path}")
            assert answer.status_code == 401
            assert "chelsea" not in answer.text and "photos" not in answer.text
        allowed = client.get(f"{API}/suggest?q=chelsea", auth=("me", "correct horse battery"))
        assert "chelsea.png" in {suggestion["text"] for suggestion in allowed.json()["suggestions"]}


@pytest.mark.parametrize(
    "parameters",
    [
        {"q": "\0"},
        {"q": "x" * 5000},
        {"q": "cat", "k": 0},
        {"q": "cat", "k": 10**9},
        {"q": "cat", "language": "x" * 5000},
    ],
)
def test_what_is_out_of_bounds_is_refused(client, parameters):
    assert client.get(f"{API}/suggest", params=parameters).status_code == 422


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE label; --", '" OR name : "', "*", "../../etc/passwd", "<script>", "🐈"]
)
def test_odd_texts_are_no_syntax(client, text):
    answer = client.get(f"{API}/suggest", params={"q": text, "language": "<b>"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("value", ["xyzzy", "'; DROP TABLE label", "\u202e", "../x"])
def test_an_unknown_thing_is_a_problem_document(client, value):
    answer = client.get(f"{API}/search", params={"thing": value})
    assert answer.status_code == 422 and "no known thing" in answer.json()["detail"]


def test_a_photo_says_where_it_was_taken(client, ids):
    document = client.get(f"{API}/photos/{ids['espresso.jpg']}", params={"language": "fr"}).json()
    assert document["latitude"] and document["place"]["country"]
    assert client.get(f"{API}/photos/{ids['chelsea.png']}").json()["place"] is None
