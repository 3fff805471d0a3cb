"""The real `gradio_client` and a real MCP client at one running server, which asks for a token."""

import asyncio
import base64
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import httpx2
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from polyglance.ui.simple import uploads
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.policy import policy_for
from polyglance.ui.web.server import Offers

TOKEN = "a-token-of-this-test"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def address(library, serve_in_thread):
    policy = policy_for("0.0.0.0", Secret.from_text(TOKEN))
    served = serve_in_thread(library, policy=policy, offers=Offers(gradio_api=True, mcp=True))
    assert httpx.get(f"{served}/simple/", headers=HEADERS, timeout=120).status_code == 200  # Gradio is imported
    return served


@pytest.fixture(scope="module")
def gradio(address):
    client = Client(f"{address}/simple/", headers=HEADERS, verbose=False, analytics_enabled=False)
    yield client
    client.close()


@pytest.fixture(scope="module")
def post(address):
    """Send an event as a browser does; returns what the server streams back to it."""
    with httpx.Client(base_url=address, headers=HEADERS, timeout=60) as client:

        def send(name, data):
            config = client.get("/simple/config").json()
            (number,) = [each["id"] for each in config["dependencies"] if each["api_name"] == name]
            event = {"data": data, "fn_index": number, "session_hash": "abc", "event_data": None, "trigger_id": None}
            answer = client.post("/simple/gradio_api/queue/join", json=event)
            if answer.status_code != 200:
                return answer.text
            return client.get("/simple/gradio_api/queue/data", params={"session_hash": "abc"}).text

        yield send


def waiting():
    return [path for path in uploads.folder().rglob("*") if path.is_file()]


def test_gradio_client_searches_by_text(gradio, ids):
    answer = gradio.predict("gatto", 2, {"type": ["png"]}, api_name="/search")
    best = answer["results"][0]
    assert (best["id"], best["name"], best["verdict"]) == (ids["chelsea.png"], "chelsea.png", "sure")
    assert best["thumbnail"] == f"/api/v1/photos/{best['id']}/thumbnail"
    assert (answer["language"], len(answer["results"])) == ("it", 2)


def test_gradio_client_searches_by_picture_and_nothing_of_it_stays(gradio, pictures, ids):
    answer = gradio.predict(handle_file(str(pictures / "rocket.jpg")), k=1, api_name="/search_by_picture")
    assert answer["results"][0]["id"] == ids["rocket.jpg"]
    assert waiting() == []


def test_no_answer_has_a_path_of_this_machine(gradio, address, pictures):
    answer = json.dumps(gradio.predict("cat", 20, api_name="/search"))
    config = httpx.get(f"{address}/simple/config", headers=HEADERS).text
    for text in (answer, config):
        assert str(pictures) not in text and "/tmp" not in text


@pytest.mark.parametrize(
    ("text", "k", "filters", "message"),
    [
        ("colour:red", 5, None, "There is no filter colour"),
        ("cat", 0, None, "k is no number"),
        ("cat", 5, ["x"], "The filters are no object"),
        ("cat", 5, {"type": [1]}, "The values of a filter"),
        ("cat", 5, {"type": ["png"] * 17}, "The values of a filter"),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(gradio, text, k, filters, message):
    with pytest.raises(AppError, match=message):
        gradio.predict(text, k, filters, api_name="/search")


@pytest.fixture(scope="module")
def kept_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("private") / "holiday.jpg"
    file.write_bytes(b"private")
    return file


def hostile(path):
    meta = {"_type": "gradio.FileData"}
    return [
        {"path": path},
        {"path": path, "meta": meta},
        {"path": f"{uploads.folder()}/x/../../../..{path}"},
        {"path": f"{uploads.folder()}/x/../../../..{path}", "meta": meta},
        {"path": f"file://{path}", "meta": meta},
        {"path": None, "url": path, "meta": meta},
        {"path": path, "url": "data:image/jpeg;base64,@@", "meta": meta},
        {"path": [path]},
        path,
        [path],
    ]


def run(coroutine):
    """Run it in a thread of its own: Playwright keeps an event loop running in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_no_file_of_this_machine_is_read_or_deleted_by_its_path(post, kept_file):
    for payload in hostile(str(kept_file)):
        answer = post("search_by_picture", [payload, "", 3, None])
        assert '"success":false' in answer, (payload, answer)
        assert kept_file.read_bytes() == b"private"


def test_a_link_among_the_uploads_is_not_followed(post, kept_file):
    link = uploads.folder() / "abc" / "link.jpg"
    link.parent.mkdir()
    link.symlink_to(kept_file)
    assert '"success":false' in post("search_by_picture", [{"path": str(link)}, "", 3, None])
    assert kept_file.exists()
    link.unlink()
    link.parent.rmdir()


def test_no_web_address_is_fetched(post):
    fetched = []

    async def answer(reader, writer):
        fetched.append(await reader.readline())
        writer.close()

    async def attack():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        there = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.jpg"
        for payload in ({"path": there, "meta": {"_type": "gradio.FileData"}}, {"path": there, "url": there}):
            for data in ([payload, "", 3, None], [None, [payload], 3, payload]):
                assert '"success":false' in await asyncio.to_thread(post, "search_by_picture", data)
        server.close()

    run(attack())
    assert fetched == []


def test_a_picture_that_nobody_searches_by_fills_no_disk(address, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_WAITING_BYTES", 1000)
    for expected in (200, 503):
        files = {"files": ("../../x.jpg", b"x" * 2000)}
        answer = httpx.post(f"{address}/simple/gradio_api/upload", files=files, headers=HEADERS)
        assert answer.status_code == expected
    (upload,) = waiting()
    assert uploads.folder() == upload.parent.parent
    assert os.stat(uploads.folder()).st_mode & 0o077 == 0
    upload.unlink()


ROUTES = ["/simple/", "/simple/config", "/simple/gradio_api/info", "/simple/gradio_api/queue/data?session_hash=abc"]
WRITES = ["/simple/gradio_api/queue/join", "/simple/gradio_api/call/search", "/simple/gradio_api/upload", "/mcp"]


def test_nothing_answers_without_the_token_or_to_another_site(address):
    for headers in ({}, HEADERS | {"Origin": "http://evil.example"}, HEADERS | {"Host": "evil.example"}):
        expected = 403 if headers else 401
        for route in ROUTES:
            assert httpx.get(address + route, headers=headers).status_code == expected, route
        for route in WRITES:
            assert httpx.post(address + route, json={}, headers=headers).status_code == expected, route


def test_other_routes_of_gradio_stay_shut_while_its_api_is_open(address, kept_file):
    for route in ("file=", "file/", "proxy=http://127.0.0.1:1/", "stream/a/b/c/d", "runs", "custom_component/x/y/z/"):
        answer = httpx.get(f"{address}/simple/gradio_api/{route}{kept_file}", headers=HEADERS)
        assert answer.status_code == 404
    for route in ("run/search", "api/search", "component_server", "vibe-edit", "cancel", "process_recording"):
        assert httpx.post(f"{address}/simple/gradio_api/{route}", json={}, headers=HEADERS).status_code == 404


def ask(address, *calls, headers=HEADERS):
    """Call tools as an assistant does: (name, arguments) each; returns their results after the names of the tools."""

    async def talk():
        http = httpx2.AsyncClient(headers=headers)
        async with http, McpClient(streamable_http_client(f"{address}/mcp", http_client=http)) as client:
            tools = await client.list_tools()
            return [{tool.name for tool in tools.tools}, *[await client.call_tool(*call) for call in calls]]

    return run(talk())


QUERIES = ["cat", "猫咪", "gato", "chat", "кошка", "ネコ", "고양이", "قطة", "gatto"]


def test_an_assistant_searches_in_nine_languages(address, ids):
    tools, *answers = ask(address, *[("search_photos", {"query": query, "k": 1}) for query in QUERIES])
    assert tools == {"search_photos", "photo"}
    for answer in answers:
        facts, thumbnail = answer.content
        assert json.loads(facts.text)["photos"][0]["id"] == ids["chelsea.png"]
        assert thumbnail.mime_type == "image/jpeg"
        assert base64.b64decode(thumbnail.data).startswith(b"\xff\xd8")


def test_an_assistant_sees_one_photo_without_its_path(address, ids, pictures):
    _, photo, unknown, query = ask(
        address,
        ("photo", {"id": ids["espresso.jpg"]}),
        ("photo", {"id": 10**9}),
        ("search_photos", {"query": "colour:red"}),
    )
    facts = json.loads(photo.content[0].text)
    assert facts["camera"] == "Nikon D90" and facts["name"] == "espresso.jpg"
    assert str(pictures) not in photo.content[0].text
    assert unknown.is_error and "No photo has the id" in unknown.content[0].text
    assert query.is_error and "There is no filter colour" in query.content[0].text


@pytest.mark.parametrize("arguments", [{"query": "cat", "k": 10**6}, {"query": 1}, {}, {"query": "x" * 10_000}])
def test_an_assistant_s_wrong_arguments_are_refused(address, arguments):
    assert ask(address, ("search_photos", arguments))[1].is_error


def test_an_assistant_without_the_token_is_refused(address, caplog):
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(BaseException):  # noqa: B017 - a group of what its tasks raised
        ask(address, headers={})


def test_the_file_of_an_upload_is_where_its_answer_says(address):
    answer = httpx.post(
        f"{address}/simple/gradio_api/upload", files={"files": ("x.jpg", b"once")}, headers=HEADERS
    ).json()
    path = Path(answer[0])
    assert path.read_bytes() == b"once"
    path.unlink()
