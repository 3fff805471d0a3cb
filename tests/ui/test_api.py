import json
import subprocess
import sys

import pytest
from polyglance.ui import limits


@pytest.fixture
def found(client):
    def get(address, **options):
        answer = client.get(address, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.mark.parametrize("query", ["cat", "猫", "gato", "chat", "кошка", "고양이", "قطة", "gatto"])
def test_search_finds_the_cat_in_any_language(found, query):
    answer = found("/api/v1/search", params={"q": query, "k": 3})
    assert answer["results"][0]["path"].endswith("chelsea.png")
    assert [one["rank"] for one in answer["results"]] == [1, 2, 3]
    assert set(answer) == {"query", "language", "encoder", "took_ms", "results", "next", "changed", "relevant"}


def test_no_file_of_this_machine_and_no_address_can_be_named_in_a_query(client, pictures):
    for query in (f"1: {pictures / 'chelsea.png'}", "cat + /etc/passwd.png", "http://127.0.0.1:9/x.jpg"):
        answer = client.get("/api/v1/search", params={"q": query})
        assert answer.status_code == 422
        assert "cannot be read from here" in answer.json()["detail"]


def test_pages_filters_and_photos_by_id_in_a_query(found, ids):
    first = found("/api/v1/search", params={"q": "cup", "k": 3, "all": True})
    second = found("/api/v1/search", params={"q": "cup", "k": 3, "all": True, "cursor": first["next"]})
    assert [one["rank"] for one in second["results"]] == [4, 5, 6]
    (only,) = found("/api/v1/search", params={"q": "cup camera:d90"})["results"]
    assert (only["id"], only["count"]) == (ids["espresso.jpg"], 1)
    assert "why" in only
    best = found("/api/v1/search", params={"q": f"#{ids['motorcycle_left.png']} - cat", "k": 1})["results"][0]
    assert best["path"].endswith("motorcycle_right.png")


def test_similar_leaves_the_photo_itself_out(found, ids):
    answer = found(f"/api/v1/similar/{ids['motorcycle_left.png']}")
    assert answer["results"][0]["path"].endswith("motorcycle_right.png")
    assert ids["motorcycle_left.png"] not in [one["id"] for one in answer["results"]]


def test_similar_to_a_picture_sent(client, pictures):
    answer = client.post("/api/v1/similar", params={"k": 1}, content=(pictures / "chelsea.png").read_bytes())
    assert answer.json()["results"][0]["path"].endswith("chelsea.png")


def test_a_photo_says_what_its_camera_wrote(found, ids):
    photo = found(f"/api/v1/photos/{ids['espresso.jpg']}")
    assert photo["taken_at"] == "2019-03-14T09:30:00"
    assert (photo["camera"], photo["lens"]) == ("Nikon D90", "AF-S 35mm")
    assert (photo["width"], photo["height"], photo["format"]) == (600, 400, "JPEG")
    assert (photo["latitude"], photo["longitude"]) == (pytest.approx(48.8583333), pytest.approx(-2.2944444))
    assert photo["caption"] == "An <b>espresso</b> at the bar"


def test_status_counts_the_library(found, pictures):
    status = found("/api/v1/status")
    assert status["roots"] == [{"path": str(pictures), "state": "online", "photos": 28}]
    assert (status["photos"], status["encoder"], status["failed"]) == (28, "lite", 0)


def test_the_schema_is_served_and_no_page_that_loads_scripts_from_elsewhere(client):
    assert "/api/v1/search" in client.get("/api/v1/openapi.json").json()["paths"]
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/search", 422),
        ("/api/v1/search?q=", 422),
        ("/api/v1/search?q=%20%09", 422),
        ("/api/v1/search?q=cat&k=0", 422),
        ("/api/v1/search?q=cat&k=1001", 422),
        ("/api/v1/search?q=cat&k=many", 422),
        ("/api/v1/search?q=" + "x" * 1001, 422),
        ("/api/v1/similar/99999", 404),
        ("/api/v1/similar/x", 422),
        ("/api/v1/photos/99999", 404),
        ("/api/v1/photos/99999999999999999999", 422),
        ("/api/v1/nothing", 404),
        ("/api/v2/search?q=cat", 404),
    ],
)
def test_errors_are_problem_documents(client, address, status):
    answer = client.get(address)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["title"] and problem["detail"]
    assert "Traceback" not in answer.text


def test_a_wrong_method_is_a_problem_document(client):
    answer = client.delete("/api/v1/status")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_failure_nobody_expected_is_a_problem_document_without_its_cause(client, library, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(library), "search", broken)
    answer = client.get("/api/v1/search?q=cat")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x89PNG\r\n\x1a\nrubbish", b"\xff\xd8\xff" + b"\0" * 5000])
def test_a_body_that_is_no_picture_is_refused(client, body):
    answer = client.post("/api/v1/similar", content=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The picture ")


def test_a_body_that_is_too_long_is_refused_before_it_is_read(client, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UPLOAD_BYTES", 1000)
    sent = []

    def chunks():
        for _ in range(100):
            sent.append(1)
            yield b"x" * 600

    assert client.post("/api/v1/similar", content=chunks()).status_code == 413


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST"])
def test_loopback_names_are_served(client, host):
    assert client.get("/api/v1/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "192.168.1.5", ""])
@pytest.mark.parametrize("address", ["/", "/api/v1/status", "/media/thumbnail/1", "/ui/page.js"])
def test_other_host_names_are_refused(client, host, address):
    assert client.get(address, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_requests_of_other_sites_are_refused(client, headers):
    assert client.get("/media/thumbnail/1", headers=headers).status_code == 403


def test_a_link_from_another_site_to_the_page_works(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200


def test_an_empty_library_says_what_to_do(empty_library):
    from polyglance.ui.server import build
    from starlette.testclient import TestClient

    with TestClient(build(empty_library), base_url="http://localhost") as client:
        answer = client.get("/api/v1/search?q=cat")
        assert answer.status_code == 409
        assert "polyglance index" in answer.json()["hint"]
        assert client.get("/api/v1/status").json()["photos"] == 0


def test_the_command_line_does_not_load_the_web():
    code = "import sys, json, polyglance.cli; print(json.dumps([m for m in ('gradio', 'fastapi') if m in sys.modules]))"
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) == []
