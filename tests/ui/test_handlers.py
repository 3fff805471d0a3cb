import pytest
from polyglance.ui.handlers import handlers


@pytest.fixture
def call(library):
    by_name = {function.__name__: function for function in handlers(library)}
    return lambda name, request: by_name[name](request)


def test_search_answers_with_the_document_of_the_api(call, client):
    answer = call("search", {"query": "cat", "count": 2})["document"]
    again = client.get("/api/v1/search?q=cat&k=2").json()
    assert answer["results"] == again["results"]
    assert (answer["language"], answer["encoder"]) == ("en", "lite")


def test_similar_photo_and_status_answer(call, ids):
    photo = ids["motorcycle_left.png"]
    assert call("similar", {"photo": photo, "count": 1})["document"]["results"][0]["path"].endswith("right.png")
    assert call("photo", {"photo": photo})["document"]["id"] == photo
    assert call("status", {})["document"]["photos"] == 28


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        *[("search", {"query": query, "count": 5}) for query in ("", " ", "x" * 1001, "\ud800", None, 7, ["cat"], {})],
        *[("search", {"query": "cat", "count": count}) for count in (0, -1, 1001, 2.5, "5", None, True)],
        *[("similar", {"photo": photo, "count": 5}) for photo in (0, -1, 2**63, 99999, "1", None, True, [1])],
        *[("photo", request) for request in (None, [], "x", 3, {}, {"photo": "../../etc/passwd"})],
    ],
)
def test_wrong_requests_get_a_sentence(call, name, request_):
    answer = call(name, request_)
    assert list(answer) == ["error"]
    assert answer["error"]["message"].endswith(".")
    assert "\n" not in answer["error"]["message"]


def test_a_failure_nobody_expected_is_hidden_and_logged(call, library, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(library), "search", broken)
    answer = call("search", {"query": "cat", "count": 5})
    assert "secret" not in str(answer)
    assert "secret detail" in caplog.text


CALLS = "/gradio_api/component_server/"


def body(function, data, component=1):
    return {"component_id": component, "fn_name": function, "session_hash": "s", "data": data}


def test_the_page_reaches_the_handlers_through_gradio(client):
    answer = client.post(CALLS, json=body("search", {"query": "cat", "count": 1}))
    assert answer.json()["document"]["results"][0]["path"].endswith("chelsea.png")


@pytest.mark.parametrize(
    "wrong", [body("nothing", {}), body("__init__", {}), body("search", {}, 99), {}, [], "text", {"component_id": 1}]
)
def test_calls_that_make_no_sense_fail_without_a_trace_and_break_nothing(client, wrong):
    answer = client.post(CALLS, json=wrong)
    assert "Traceback" not in answer.text
    assert answer.status_code >= 400
    assert client.post(CALLS, json=body("status", {})).json()["document"]["photos"] == 28


def test_calls_are_small_json_documents(client):
    assert client.post(CALLS, files={"file": b"x"}).status_code == 415
    assert client.post(CALLS, json=body("search", "x" * 100_000)).status_code == 413
    assert client.post(CALLS, content=iter([b"{}"]), headers={"Content-Type": "application/json"}).status_code == 413


@pytest.mark.parametrize(
    "address",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/file=/etc/passwd",
        "/gradio_api/proxy=http://example.com",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/gradio_api/run-history/buckets",
        "/gradio_api/vibe-code",
        "/gradio_api/queue/data",
        "/monitoring",
        "/config",
        "/login",
        "/static/../app.py",
        "/assets/%2e%2e/%2e%2e/index.html",
    ],
)
def test_gradio_serves_nothing_but_the_page(client, address):
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("address", ["/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/vibe-edit", "/login"])
def test_gradio_takes_nothing_but_calls(client, address):
    assert client.post(address, files={"files": b"x"}).status_code == 404
