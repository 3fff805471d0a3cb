import json
import subprocess
import sys

import pytest
from polyglance.ui.web import limits


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
    assert set(answer) == {
        "query",
        "language",
        "encoder",
        "took_ms",
        "results",
        "next",
        "changed",
        "relevant",
        "partial",
    }


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


def test_similar_without_its_burst_leaves_the_photo_s_near_duplicates_out(found, ids):
    (copy,) = [number for name, number in ids.items() if name.startswith("moon") and name != "moon.png"]
    address = f"/api/v1/similar/{ids['moon.png']}?k=5"
    with_burst, without = (found(f"{address}&burst={burst}")["results"] for burst in ("true", "false"))
    assert with_burst[0]["id"] == copy and len(without) == 5
    assert [one["id"] for one in without] == [one["id"] for one in found(f"{address[:-1]}6")["results"][1:]]
    assert [one["rank"] for one in without] == [1, 2, 3, 4, 5]
    assert found(address)["results"] == with_burst


def test_similar_to_a_picture_sent(client, pictures):
    answer = client.post("/api/v1/similar", params={"k": 1}, content=(pictures / "chelsea.png").read_bytes())
    assert answer.json()["results"][0]["path"].endswith("chelsea.png")


def test_a_picture_and_words_together(client, pictures, ids):
    def names(answer):
        assert answer.status_code == 200, answer.text
        return [one["path"].rpartition("/")[2] for one in answer.json()["results"]]

    def ask(**fields):
        file = {"picture": ("beach.png", (pictures / "chelsea.png").read_bytes(), "image/png")}
        return client.post("/api/v1/search", data={"k": "3", **fields}, files=file)

    alone, with_words, less = ask(), ask(q="motorcycle"), ask(q="motorcycle", weight="-1")
    assert names(alone)[0] == "chelsea.png"
    assert {"chelsea.png", "motorcycle_left.png"} <= set(names(with_words))
    assert names(less)[0].startswith("motorcycle")
    assert with_words.json()["query"].startswith("motorcycle + picture-")
    assert names(ask(q="cup camera:d90")) == names(ask(q="cup", camera="D90")) == ["espresso.jpg"]
    assert names(ask(q="- cat", weight="2"))
    assert names(client.post("/api/v1/search", files={"q": (None, "motorcycle"), "k": (None, "1")}))


def test_a_picture_is_searched_by_page_after_page_and_another_is_another_search(client, pictures):
    def ask(name, **fields):
        file = {"picture": ("x", (pictures / name).read_bytes())}
        return client.post("/api/v1/search", data={"k": "4", **fields}, files=file).json()

    first = ask("chelsea.png")
    second = ask("chelsea.png", cursor=first["next"])
    assert [one["rank"] for one in second["results"]] == [5, 6, 7, 8]
    assert not {one["id"] for one in first["results"]} & {one["id"] for one in second["results"]}
    other = ask("rocket.jpg", cursor=first["next"])
    assert [one["id"] for one in other["results"]] != [one["id"] for one in second["results"]]


@pytest.mark.parametrize(
    ("fields", "files", "status", "says"),
    [
        ({"q": "cat"}, {"picture": b"<html>"}, 422, "The picture "),
        ({"q": "- cat"}, {}, 422, "only says what not to show"),
        ({"weight": "-1"}, {"picture": None}, 422, "only says what not to show"),
        ({"weight": "0"}, {"picture": None}, 422, "weight"),
        ({"weight": "nan"}, {"picture": None}, 422, "weight"),
        ({"weight": "1e9"}, {"picture": None}, 422, "weight"),
        ({"k": "1001"}, {"picture": None}, 422, "k"),
        ({"colour": "red"}, {"picture": None}, 422, "colour"),
        ({"camera": ["x"] * 17}, {"picture": None}, 422, "camera"),
        ({"q": "x" * 1001}, {"picture": None}, 422, "limit is 1,000"),
        ({"q": "x" * 70000}, {"picture": None}, 400, "form"),
        ({"q": "cat"}, {"other": None}, 400, "field picture"),
        ({f"f{number}": "x" for number in range(65)}, {"picture": None}, 400, "Too many fields"),
        ({}, {}, 422, "empty"),
    ],
)
def test_forms_that_ask_for_what_cannot_be(client, pictures, fields, files, status, says):
    picture = (pictures / "chelsea.png").read_bytes()
    parts = {name: ("x", data or picture) for name, data in files.items()} or {"k": (None, "3")}
    answer = client.post("/api/v1/search", data=fields, files=parts)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"rubbish", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n\xff\xfe\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\na\0b\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n\\ud800\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=unicode_escape",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="\\ud800"\r\n\r\nx\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=unicode_escape",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\ncat\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=rot13",
        ),
        (b"q=cat", "application/x-www-form-urlencoded"),
        (b'{"q": "cat"}', "application/json"),
    ],
)
def test_bodies_that_are_no_form_are_problems(client, content, kind):
    answer = client.post("/api/v1/search", content=content, headers={"Content-Type": kind})
    if b"\xff" in content or "rot13" in kind:  # read as Latin-1
        assert answer.status_code == 200
    else:
        assert answer.status_code in {400, 415, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_picture_of_too_many_pixels_is_refused(client, monkeypatch, pictures):
    monkeypatch.setattr("polyglance.ui.api.searching.MAX_UPLOAD_PIXELS", 1000)
    for answer in (
        client.post("/api/v1/search", files={"picture": ("x", (pictures / "chelsea.png").read_bytes())}),
        client.post("/api/v1/similar", content=(pictures / "chelsea.png").read_bytes()),
    ):
        assert answer.status_code == 422
        assert "pixels" in answer.json()["detail"]


def test_filters_are_parameters_and_may_repeat(found, client):
    both = found("/api/v1/search", params={"type": ["tiff", "jpg"], "k": 50, "all": True})["results"]
    assert {one["path"].rpartition(".")[2] for one in both} == {"tiff", "jpg"}
    (only,) = found("/api/v1/search", params={"camera": "d90", "after": "2019", "before": "2020"})["results"]
    assert only["why"] == ["filter"]
    unknown = client.get("/api/v1/search?colour=red")
    assert (unknown.status_code, unknown.json()["hint"]) == (422, "/api/v1/docs lists the parameters.")


def test_a_favourite_is_marked_and_unmarked(found, client, ids):
    address = f"/api/v1/photos/{ids['rocket.jpg']}"
    assert found(address)["favourite"] is False
    for _ in range(2):
        expected = {"id": ids["rocket.jpg"], "favourite": True, "ids": [ids["rocket.jpg"]]}
        assert client.put(f"{address}/favourite").json() == expected
    assert found(address)["favourite"] is True
    assert [one["id"] for one in found("/api/v1/search?is=favourite")["results"]] == [ids["rocket.jpg"]]
    assert found("/api/v1/facets")["favourites"] == 1
    client.delete(f"{address}/favourite")
    assert found(address)["favourite"] is False
    assert client.put("/api/v1/photos/99999/favourite").status_code == 404


def test_near_duplicates_of_a_photo_and_equal_files(found, ids):
    (moon, copy) = sorted(ids[name] for name in ids if name.startswith("moon"))
    shown = found(f"/api/v1/photos/{copy}/duplicates")["photos"]
    assert [one["id"] for one in shown] == [copy, moon]
    assert [one["id"] for one in found(f"/api/v1/photos/{ids['rocket.jpg']}/duplicates")["photos"]] == [
        ids["rocket.jpg"]
    ]
    groups = found("/api/v1/duplicates")
    assert [[one["id"] for one in group["photos"]] for group in groups["groups"]] == [[moon, copy]]
    assert groups["next"] is None


def test_facets_count_what_there_is(found, pictures):
    facets = found("/api/v1/facets")
    assert facets["cameras"] == [{"name": "Nikon D90", "photos": 1}]
    assert {"name": "tiff", "photos": 1} in facets["types"]
    assert sum(kind["photos"] for kind in facets["types"]) == 28
    assert facets["folders"][0] == {"root": str(pictures), "path": "", "photos": 28}
    assert {"root": str(pictures), "path": "gone", "photos": 1} in facets["folders"]
    assert facets["last"].startswith("2019-03-14")
    assert facets["places"] == 1
    for kind in facets["types"]:
        assert (
            len(found("/api/v1/search", params={"type": kind["name"], "all": True, "k": 50})["results"])
            == kind["photos"]
        )


def test_encoders_say_which_answers(found):
    encoders = found("/api/v1/encoders")
    assert [each["name"] for each in encoders if each["active"]] == ["lite"]
    assert {"lite", "altclip-m9"} <= {each["name"] for each in encoders}


def test_a_photo_says_what_its_camera_wrote(found, ids):
    photo = found(f"/api/v1/photos/{ids['espresso.jpg']}")
    assert photo["taken_at"] == "2019-03-14T09:30:00"
    assert (photo["camera"], photo["lens"]) == ("Nikon D90", "AF-S 35mm")
    assert (photo["width"], photo["height"], photo["format"]) == (600, 400, "JPEG")
    assert (photo["latitude"], photo["longitude"]) == (pytest.approx(48.8583333), pytest.approx(-2.2944444))
    assert photo["caption"] == "An <b>espresso</b> at the bar"


def test_status_counts_the_library(found, pictures):
    status = found("/api/v1/status")
    assert status["roots"] == [{"path": str(pictures), "state": "online", "photos": 28, "missing": 0}]
    assert (status["photos"], status["encoder"], status["failed"]) == (28, "lite", 0)


def test_the_usual_pages_that_load_scripts_from_elsewhere_are_not_there(client):
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


def test_a_wrong_method_is_a_problem_document_that_names_the_right_ones(client):
    answer = client.delete("/api/v1/status")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert answer.headers["allow"] == "GET"
    assert client.patch("/api/v1/photos/1/favourite").headers["allow"] == "DELETE, PUT"


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
@pytest.mark.parametrize("address", ["/", "/api/v1/status", "/api/v1/photos/1/thumbnail", "/ui/page.js"])
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
    assert client.get("/api/v1/photos/1/thumbnail", headers=headers).status_code == 403


def test_a_link_from_another_site_to_the_page_works(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200


def test_an_empty_library_says_what_to_do(empty_library):
    from polyglance.ui.web.server import build
    from starlette.testclient import TestClient

    with TestClient(build(empty_library), base_url="http://localhost") as client:
        answer = client.get("/api/v1/search?q=cat")
        assert answer.status_code == 409
        assert "polyglance index" in answer.json()["hint"]
        assert client.get("/api/v1/status").json()["photos"] == 0


def test_the_command_line_does_not_load_the_web():
    code = "import sys, json, polyglance.cli; print(json.dumps([m for m in ('gradio', 'fastapi') if m in sys.modules]))"
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) == []


def test_how_a_photo_was_taken_is_read_from_its_file(found, client, ids, pictures):
    assert found(f"/api/v1/photos/{ids['espresso.jpg']}/exif") == {
        "f_number": 1.8,
        "exposure": 0.004,
        "iso": 200,
        "focal_length": 35.0,
        "focal_length_35": 52.0,
        "exposure_bias": None,
        "flash": True,
        "lens": "AF-S 35mm",
    }
    assert set(found(f"/api/v1/photos/{ids['chelsea.png']}/exif").values()) == {None}
    assert client.get("/api/v1/photos/99999/exif").status_code == 404
    photo = pictures / "rocket.jpg"
    before = photo.read_bytes()
    photo.write_bytes(before + b"x")
    try:
        answer = client.get(f"/api/v1/photos/{ids[photo.name]}/exif")
    finally:
        photo.write_bytes(before)
    assert (answer.status_code, answer.json()["detail"]) == (404, "The photo has changed since it was indexed.")


def test_facets_follow_the_query_and_its_filters(found, client, ids):
    all_photos, cats = found("/api/v1/facets"), found("/api/v1/facets?q=cat")
    relevant = found("/api/v1/search?q=cat&relevant=true&all=true&k=100")["results"]
    assert cats["photos"] == len(relevant) < all_photos["photos"] == len(ids)
    assert sum(each["photos"] for each in cats["types"]) == len(relevant)
    assert found("/api/v1/facets?q=cat&sort=date&k=5&type=jpg")["types"] == cats["types"]
    assert found("/api/v1/facets", params={"q": "cat type:tiff"})["photos"] == 0
    assert found(f"/api/v1/facets?q=%23{ids['moon.png']}")["photos"] >= 1
    things = {
        thing["name"]: thing["photos"] for thing in found("/api/v1/facets", params={"q": "cat thing:cat"})["things"]
    }
    assert things["cat"] == found("/api/v1/facets", params={"q": "cat thing:cat"})["photos"] > 0
    with_place = len(found("/api/v1/search?has=place&all=true&k=100")["results"])
    cities = [place["photos"] for place in all_photos["cities"] if place["name"].isdigit()]
    countries = [place["photos"] for place in all_photos["cities"] if not place["name"].isdigit()]
    assert sum(cities) == sum(countries) == with_place
    for place in all_photos["cities"]:
        assert found("/api/v1/facets", params={"place": place["name"]})["photos"] == place["photos"]
    for query in ("- people", "1: /etc/passwd.png", "http://127.0.0.1:9/x.jpg", "x" * 1001, "near:nan,nan"):
        assert client.get("/api/v1/facets", params={"q": query}).status_code == 422, query
    assert found("/api/v1/facets") == all_photos


@pytest.mark.parametrize(
    ("q", "code", "values"),
    [
        ("colour:red", "filter_unknown", {"name": "colour", "quoted": '"colour:red"'}),
        ("cat near:paris", "filter_value", {"filter": "near:paris", "example": "near:48.85,2.35,5"}),
        ("date:2024..2023", "filter_value", {"filter": "date:2024..2023", "example": "date:2024"}),
        ("in:/nowhere", "folder_unknown", {"folder": "/nowhere"}),
        ("after:2024 before:2023", "dates", {"after": "2024-01-01", "before": "2023-01-01"}),
        ('"salt', "quote", {"text": '"salt'}),
        ("- people", "subtracts_only", None),
        ("cat - cat", "cancelled", None),
        ("0: cat", "weight", {"text": "cat"}),
        ("cat + beach.jpg", "file", {"text": "beach.jpg", "quoted": '"beach.jpg"'}),
    ],
)
def test_a_refused_query_says_why_by_a_code(client, q, code, values):
    problem = client.get("/api/v1/search", params={"q": q}).json()
    assert (problem["status"], problem["code"], problem.get("values")) == (422, code, values)


def test_a_refused_picture_says_why_by_a_code(client):
    problem = client.post("/api/v1/search", files={"picture": b"Dear reader"}).json()
    assert problem["code"] == "picture_not_a_picture"
