"""Probes, figures, request ids, the JSON log and spans, in one process."""

import io
import json
import logging
import threading

import colour_encoder
import pytest
from compare import until
from polyglance.cli.output import NoteHandler
from polyglance.config import Settings
from polyglance.errors import LibraryError
from polyglance.library import Library
from polyglance.ui.web import gate, health, logs, observing
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.policy import policy_for
from polyglance.ui.web.server import Offers, build
from polyglance.ui.web.tracing import Tracing
from starlette.testclient import TestClient

TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SECRET_NAME = "grandmother-in-lisbon"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    photos = tmp_path_factory.mktemp("photos")
    for number in range(3):
        colour_encoder.picture(photos / f"{SECRET_NAME}-{number}.png", number * 70)
    encoder = colour_encoder.ColourEncoder()
    with Library.open(tmp_path_factory.mktemp("library"), settings=Settings(), encoder=encoder) as opened:
        opened.index([photos])
        yield opened


@pytest.fixture(scope="module")
def client(library):
    with TestClient(build(library), base_url="http://127.0.0.1:7860") as opened:
        yield opened


@pytest.fixture(scope="module")
def guarded(library):
    pytest.importorskip("prometheus_client")
    policy = policy_for("0.0.0.0", Secret.from_text(TOKEN))
    application = build(library, policy, offers=Offers(metrics=True))
    with TestClient(application, base_url="http://192.168.1.5:7860") as opened:
        yield opened


def figures(client):
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_a_live_process_says_so_without_the_library_or_a_password(guarded, library, monkeypatch):
    monkeypatch.setattr(Library, "generation", lambda _: pytest.fail("the library is asked"))
    answer = guarded.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert "set-cookie" not in answer.headers  # only the right password gets one


def test_probes_are_answered_to_this_server_s_names_only(guarded):
    assert guarded.get("/healthz", headers={"Host": "evil.example"}).status_code == 403


def test_a_process_is_ready_when_it_has_searched(guarded):
    until(lambda: guarded.get("/readyz").status_code == 200, 60)
    assert guarded.get("/readyz").text == "ready"


@pytest.mark.parametrize(("method", "says"), [("generation", health.NO_CATALOG), ("search", health.NO_SEARCH)])
def test_what_is_missing_is_a_problem_document_without_names(library, monkeypatch, method, says):
    def fail(*_):
        raise LibraryError(f"cannot open /home/me/{SECRET_NAME}")

    monkeypatch.setattr(Library, method, fail)
    with TestClient(build(library), base_url="http://127.0.0.1") as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, says)
    assert SECRET_NAME not in answer.text and answer.headers["retry-after"]


def test_strangers_who_ask_whether_it_is_ready_cost_one_look_a_second(library, monkeypatch):
    looks = []
    generation = Library.generation
    monkeypatch.setattr(Library, "generation", lambda self: looks.append(1) or generation(self))
    monkeypatch.setattr(health, "FRESH_SECONDS", 3600)
    with TestClient(build(library), base_url="http://127.0.0.1") as client:
        until(lambda: client.get("/readyz").status_code == 200, 60)
        before = len(looks)
        assert [client.get("/readyz").status_code for _ in range(20)] == [200] * 20
    assert len(looks) == before


def test_a_check_that_hangs_is_not_waited_for_and_not_begun_again(library, monkeypatch):
    looks, may_end, generation = [], threading.Event(), Library.generation

    def hang(self):
        looks.append(1)
        assert may_end.wait(60)
        return generation(self)

    monkeypatch.setattr(Library, "generation", hang)
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.1)
    with TestClient(build(library), base_url="http://127.0.0.1") as client:
        answers = [client.get("/readyz") for _ in range(3)]
        assert [(answer.status_code, answer.json()["detail"]) for answer in answers] == [(503, health.CHECKING)] * 3
        assert len(looks) == 1
        may_end.set()
        until(lambda: client.get("/readyz").status_code == 200, 60)


def test_a_library_without_photos_is_ready(tmp_path):
    with (
        Library.open(tmp_path, settings=Settings()) as empty,
        TestClient(build(empty), base_url="http://[::1]") as client,
    ):
        until(lambda: client.get("/readyz").status_code == 200, 60)


def test_figures_need_the_password_and_are_off_by_default(guarded, client):
    assert guarded.get("/metrics").status_code == 401
    assert guarded.get("/metrics", headers={"Authorization": "Bearer wrong-password"}).status_code == 401
    assert client.get("/metrics").status_code == 404


def test_figures_count_requests_by_template_searches_and_what_there_is(guarded):
    before = figures(guarded)
    photo = guarded.get(f"/api/v1/search?q={SECRET_NAME}&all=true", headers=BEARER).json()["results"][0]["id"]
    guarded.get(f"/api/v1/photos/{photo}/thumbnail", headers=BEARER)
    guarded.get("/api/v1/photos/987654/thumbnail", headers=BEARER)
    after = figures(guarded)
    route = 'route="/api/v1/photos/{photo_id}/thumbnail"'
    assert after[f'polyglance_requests_total{{method="GET",{route},status="200"}}'] == 1
    assert after[f'polyglance_requests_total{{method="GET",{route},status="404"}}'] == 1
    assert after[f"polyglance_request_seconds_count{{{route}}}"] == 2
    assert after["polyglance_searches_total"] == before["polyglance_searches_total"] + 1
    assert after["polyglance_encode_seconds_total"] >= 0
    assert (after["polyglance_photos"], after['polyglance_job{state="none"}']) == (3, 1)
    assert after["polyglance_generation"] > 0


def test_figures_tell_no_names_and_no_queries(guarded):
    guarded.get(f"/api/v1/search?q={SECRET_NAME}&in={SECRET_NAME}", headers=BEARER)
    guarded.get(f"/{SECRET_NAME}", headers=BEARER)
    assert SECRET_NAME not in guarded.get("/metrics", headers=BEARER).text


def test_unknown_addresses_and_methods_make_no_new_labels(guarded):
    for path in ("/x{}", "/api/v1/{}", "/api/v1/photos/{}", "/api/v1/photos/{}/{}", "/ui/{}", "/simple/{}"):
        guarded.get(path.format("a", "b"), headers=BEARER)
    guarded.request("FIRST", "/api/v1/status", headers=BEARER)
    before = figures(guarded).keys()
    for number in range(20):
        for path in ("/x{}", "/api/v1/{}", "/api/v1/photos/{}", "/api/v1/photos/{}/{}", "/ui/{}", "/simple/{}"):
            guarded.get(path.format(f"a{number}", f"photos{number}"), headers=BEARER)
        guarded.request(f"METHOD{number}", "/api/v1/status", headers=BEARER)
        guarded.get(f"/{number}")  # without the password
    assert figures(guarded).keys() - before <= {'polyglance_requests_total{method="GET",route="other",status="401"}'}


@pytest.mark.parametrize(
    ("path", "values", "template"),
    [
        ("/api/v1/photos/7/original", {"photo_id": "7"}, "/api/v1/photos/{photo_id}/original"),
        ("/api/v1/nothing/at/all", {"rest": "nothing/at/all"}, "/api/v1/{rest}"),
        ("/a/1/b/1", {"first": "1", "second": "1"}, "/a/{first}/b/{second}"),
        ("/api/v1/status", {}, "/api/v1/status"),
        ("/decoded", {"name": "not there"}, "other"),
    ],
)
def test_the_values_in_an_address_are_replaced_by_their_names(path, values, template):
    assert observing.template_of({"route": object(), "path": path, "path_params": values}) == template


def test_every_answer_has_a_request_id_and_problems_repeat_it(client):
    fine, bad = client.get("/api/v1/status"), client.get("/api/v1/photos/987654")
    assert len({fine.headers["x-request-id"], bad.headers["x-request-id"]}) == 2
    assert bad.json()["request_id"] == bad.headers["x-request-id"]
    assert (
        client.get("/api/v1/status", headers={"X-Request-ID": "trace-1.a_B"}).headers["x-request-id"] == "trace-1.a_B"
    )


@pytest.mark.parametrize("sent", ["a\r\nSet-Cookie: x=1", "a b", "x" * 65, "<script>", "é", "", "a\nb", '{"a":1}'])
def test_a_request_id_that_could_harm_a_header_or_log_is_replaced(client, sent):
    answer = client.get("/api/v1/status", headers={b"X-Request-ID": sent.encode()})
    assert len(answer.headers["x-request-id"]) == 16
    assert "set-cookie" not in answer.headers


@pytest.fixture
def json_log():
    """Log in JSON into a list of lines."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    before = [(each, each.formatter) for each in root.handlers]
    root.addHandler(handler)
    level = observing.requests.level
    logs.use_json()
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    observing.requests.setLevel(level)
    for each, formatter in before:
        each.setFormatter(formatter)


def test_each_request_is_a_line_of_json_without_its_query(client, json_log):
    answer = client.get(f"/api/v1/search?q={SECRET_NAME}")
    client.get("/api/v1/photos/987654")
    lines = [line for line in json_log() if line["logger"] == "polyglance.requests"]
    search, missing = lines
    assert search["request_id"] == answer.headers["x-request-id"]
    assert (search["method"], search["route"], search["status"]) == ("GET", "/api/v1/search", 200)
    assert search["milliseconds"] > 0 and search["level"] == "info" and search["time"].endswith("+00:00")
    assert (missing["route"], missing["status"]) == ("/api/v1/photos/{photo_id}", 404)
    assert SECRET_NAME not in json.dumps(lines)


def test_a_message_of_several_lines_is_one_line_of_json(json_log):
    logging.getLogger("polyglance").warning("a\nb %s", '"c"')
    assert [line["message"] for line in json_log()] == ['a\nb "c"']


@pytest.fixture
def text_log():
    """Log as `serve` does it in text, into a list of lines."""
    stream, log = io.StringIO(), logging.getLogger("polyglance")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(NoteHandler().formatter)
    log.addHandler(handler)
    yield lambda: stream.getvalue().splitlines()
    log.removeHandler(handler)


def test_a_record_is_one_line_of_text_whatever_a_client_writes_into_an_address(library, text_log, monkeypatch):
    def fail(*_):
        raise RuntimeError("no\nError: forged as well\x1b[2J\u2028")

    async def fail_later(*_):
        fail()

    with TestClient(build(library), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        monkeypatch.setattr(gate.Gate, "_refuse", fail_later)
        assert client.get("/api/v1/status%0aError: forged%0d%00").status_code == 500
    (line,) = text_log()
    assert line == (
        "GET /api/v1/status\\nError: forged\\r\\x00 failed: RuntimeError: no\\nError: forged as well\\x1b[2J\\u2028"
    )


def test_no_line_of_a_traceback_looks_like_a_record(text_log):
    try:
        raise ValueError("a\nError: forged")
    except ValueError:
        logging.getLogger("polyglance").error("It failed.", exc_info=True)
    first, *others = text_log()
    assert first == "It failed."
    assert others and all(line.startswith("  ") for line in others)


def test_without_the_json_log_no_request_is_logged(client, caplog):
    client.get("/api/v1/status")
    assert not [record for record in caplog.records if record.name == "polyglance.requests"]


def test_spans_have_the_route_the_status_and_the_caller_s_trace(library):
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with TestClient(build(library, tracing=Tracing(provider)), base_url="http://127.0.0.1") as client:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        client.get(f"/api/v1/search?q={SECRET_NAME}", headers=parent)
    (span,) = exporter.get_finished_spans()
    assert (span.name, format(span.context.trace_id, "032x")) == ("GET /api/v1/search", trace)
    assert span.attributes["http.response.status_code"] == 200
    assert SECRET_NAME not in str(dict(span.attributes))
