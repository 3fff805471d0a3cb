"""A client that tries: paths, encodings, links, gradio's own routes, other sites, bodies without end."""

import itertools
import os
import socket
import tempfile
from urllib.parse import urlsplit

import pytest
from polyglance.ui.web import limits
from polyglance.ui.web.frontends import READ, WRITTEN, build
from polyglance.ui.web.problems import problem

SECRET = "the-secret-of-this-test"


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    """A file that is nowhere served: beside the library, and in the folder for temporary files."""
    file = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    file.write_text(SECRET)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as temporary:
        temporary.write(SECRET)
        temporary.flush()
        yield [str(file), temporary.name]


@pytest.fixture(scope="module")
def raw(serve_in_thread, library):
    """Send bytes to a running server, get its answer's bytes: no client library tidies the path up."""
    place = urlsplit(serve_in_thread(library))

    def send(request, *, wait=True):
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(request)
            answer = b""
            while wait and (piece := connection.recv(65536)):
                answer += piece
        return answer

    def get(target, method="GET", headers="", body=b""):
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}\r\n"
        return send(head.encode("latin-1") + body)

    get.send = send
    return get


def variants(path):
    """Ways to write `../…/path` and the path itself."""
    bare = path.lstrip("/")
    ups = (
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..\\",
        "..%5c",
        "....//",
        "..;/",
        "%c0%ae%c0%ae/",
    )
    return [f"{start}{bare}" for start in (*(12 * up for up in ups), 12 * "..%00/", "/", "//", "%2f", "file://")]


PLACES = [
    "/",
    "/ui/",
    "/static/",
    "/assets/",
    "/static/fonts/../",
    "/api/v1/photos/",
    "/api/v1/similar/",
    "/file=",
    "/gradio_api/file=",
    "/gradio_api/file/",
    "/file/",
    "/gradio_api/proxy=",
    "/proxy=",
    "/gradio_api/static/",
    "/svelte/",
    "/custom_component/x/",
    "/gradio_api/custom_component/x/",
    "/simple/static/",
    "/simple/gradio_api/file=",
    "/simple/gradio_api/proxy=",
]


@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_to_a_file_of_this_machine(raw, secret, place):
    for target in itertools.chain.from_iterable(variants(path) for path in [*secret, "/etc/passwd"]):
        answer = raw(place + target)
        status = int(answer.split(b" ", 2)[1])
        assert SECRET.encode() not in answer and b"root:" not in answer
        assert status in {400, 403, 404, 405, 422}, (target, answer[:200])


def test_no_parameter_leads_to_a_file_of_this_machine(client, secret):
    for path in secret:
        for address in ("file", "path", "url", "q"):
            for target in ("/", "/gradio_api/file", "/api/v1/search", "/api/v1/photos/1"):
                for value in (path, f"file://{path}", f"1: {path}"):
                    assert SECRET not in client.get(target, params={address: value}).text


def test_a_library_and_the_temporary_folder_are_not_among_what_is_served(client, library):
    for path in (library.folder / "catalog.db", *list((library.folder / "thumbnails").rglob("*.jpg"))[:1]):
        for place in PLACES:
            answer = client.get(f"{place}{path}")
            assert answer.status_code in {403, 404, 422}


def gradio_routes(library):
    def walk(routes, prefix=""):
        for route in routes:
            path = prefix + getattr(route, "path", "")
            inner = getattr(route, "routes", None) or getattr(getattr(route, "app", None), "routes", None)
            if hasattr(route, "original_router"):  # FastAPI keeps an included router whole
                inner, path = route.original_router.routes, prefix + route.include_context.prefix
            if inner:
                yield from walk(inner, path)
            else:
                yield path, sorted(getattr(route, "methods", None) or ["GET"])

    app = build(library)
    found = sorted({(path, tuple(methods)) for path, methods in walk(app.routes)})
    assert len(found) > 40  # else it was not gradio's own table
    return found


ENDLESS = {"/simple/gradio_api/heartbeat/x", "/simple/gradio_api/queue/data", "/simple/gradio_api/upload_progress"}
"""Routes that answer for as long as the page is open: not asked here, where an answer is read to its end."""


def test_of_gradio_s_routes_only_those_the_page_needs_are_open(client, library):
    opened = set()
    for path, methods in gradio_routes(library):
        filled = path.replace("{path:path}", "x").replace("//", "/")
        while "{" in filled:
            filled = filled[: filled.index("{")] + "x" + filled[filled.index("}") + 1 :]
        for method in methods:
            if filled in ENDLESS:
                opened.add((method, path))
                continue
            status = client.request(method, filled or "/").status_code
            if status not in {404, 405} and not filled.startswith(("/api/v1", "/ui", "/favicon")):
                opened.add((method, path))
    for method, path in opened:
        allowed = {"GET": READ, "HEAD": READ, "POST": WRITTEN}[method]
        assert allowed.match(path.partition("{")[0].removesuffix("/") or "/"), (method, path)


DOORS = [
    "/config",
    "/info",
    "/gradio_api/info",
    "/gradio_api/upload",
    "/upload",
    "/gradio_api/queue/join",
    "/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/call/search",
    "/gradio_api/run/search",
    "/gradio_api/api/search",
    "/gradio_api/reset",
    "/gradio_api/heartbeat/x",
    "/gradio_api/startup-events",
    "/gradio_api/stream/x/y/z/p",
    "/gradio_api/deep_link",
    "/gradio_api/mcp/",
    "/gradio_api/mcp/sse",
    "/gradio_api/vibe-edit/",
    "/monitoring",
    "/gradio_api/proxy=http://127.0.0.1/",
    "/gradio_api/file=x",
    "/gradio_api/dev/reload",
    "/login",
    "/logout",
    "/gradio_api/app_id",
    "/robots.txt",
    "/pwa_icon",
    "/token",
    "/user",
    "/docs",
    "/openapi.json",
]


@pytest.mark.parametrize("address", DOORS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_gradio_s_doors_are_shut(client, address, method):
    assert client.request(method, address).status_code == 404


def test_nothing_that_is_sent_is_written_to_a_disk(client, pictures, tmp_path, monkeypatch):
    def written(*_, **__):
        raise AssertionError("a temporary file was made")  # it may have no name, so it could not be listed

    monkeypatch.setattr(tempfile, "TemporaryFile", written)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    picture = (pictures / "brick.png").read_bytes() + bytes(3_000_000)
    assert client.post("/api/v1/search", files={"picture": ("x.png", picture)}).status_code == 200
    assert client.post("/gradio_api/upload", files={"files": ("x.png", picture)}).status_code == 404
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/similar", "/api/v1/roots", "/api/v1/jobs", "/nothing"])
def test_a_body_without_end_is_cut_off(raw, monkeypatch, path):
    monkeypatch.setattr(limits, "MAX_UPLOAD_BYTES", 300_000)
    kind = "multipart/form-data; boundary=x" if path.endswith("search") else "application/json"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    part = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\n' if "form" in kind else b""
    sent = 0
    with socket.create_connection(_address(raw), timeout=60) as connection:
        connection.sendall(head.encode() + b"%x\r\n%s\r\n" % (len(part), part) if part else head.encode())
        try:
            while sent < 50_000_000:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
            answer = connection.recv(65536)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert sent < 20_000_000
    assert not answer or b" 413 " in answer or b" 404 " in answer or b" 415 " in answer


def _address(raw):
    send = raw.send.__closure__
    place = next(cell.cell_contents for cell in send if hasattr(cell.cell_contents, "port"))
    return place.hostname, place.port


def test_an_announced_length_over_the_limit_is_refused_before_anything_comes(raw):
    for path in ("/api/v1/search", "/api/v1/similar", "/api/v1/roots"):
        kind = "multipart/form-data; boundary=x" if path.endswith("search") else "application/json"
        answer = raw(path, "POST", f"Content-Type: {kind}\r\nContent-Length: 99999999999\r\n")
        assert b" 413 " in answer.partition(b"\r\n")[0], answer[:300]
        assert b"application/problem+json" in answer


def test_an_error_can_repeat_what_is_no_text_and_stays_short():
    answer = problem(422, "\ud800" + "x" * 9999, "\udfff")
    assert answer.body.decode().count("\\\\ud") == 2
    assert len(answer.body) < 700


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"path": null}', b'{"path": 1}', b'{"path": ["/"]}',
     b'{"path": "/", "more": 1}', b'{"path": "\\ud800"}', b'{"\\ud800": 1}', b"[" * 60000, b'{"a":' * 9000, b"NaN",
     b'{"path": "' + b"/x" * 3000 + b'"}'],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/v1/roots", "/api/v1/jobs"])
def test_json_that_is_none_of_ours_is_a_problem(client, path, body):
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 2000


NONSENSE = [
    "q=%00",
    "q=%ed%a0%80",
    "q=%ff",
    "q=cat&camera=%00",
    "q=cat&camera=%ed%a0%80",
    "q=cat&cursor=%00",
    "q=cat&k=1e3",
    "q=cat&k=٣",
    "q=cat&sort=up",
    "q=cat&cursor=999999999999999999-999999999",
    "q=cat&near=nan,nan",
    "q=cat&size=>99999999999999999mp",
    "q=%22",
    "q=cat&after=0000",
    "q=cat&date=9999-12-31",
    "q=cat&root=%00",
    "q=cat&all=perhaps",
    "q=cat&%ed%a0%80=1",
    "q[]=cat",
]
LONG = ["q=cat&folder=" + "x" * 5000, "q=cat" + "&camera=x" * 40, "q=" + "%2B+" * 400]


@pytest.mark.parametrize("query", NONSENSE + LONG)
def test_parameters_that_make_no_sense_never_break_it(client, query):
    answer = client.get(f"/api/v1/search?{query}")
    assert answer.status_code in {200, 400, 422}, answer.text
    kind = "application/json" if answer.status_code == 200 else "application/problem+json"
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    "headers", [{}, {"Host": "evil.example"}, {"Host": "127.0.0.1:1", "Origin": "http://evil.example"}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "roots"), ("DELETE", "roots/1"), ("POST", "jobs"), ("DELETE", "jobs/current"), ("POST", "failures/retry"),
     ("PUT", "photos/1/favourite"), ("DELETE", "photos/1/favourite"), ("POST", "search"), ("GET", "folders"),
     ("POST", "photos/zip"), ("POST", "photos/favourites"), ("GET", "timeline"), ("GET", "map")],
)  # fmt: skip
def test_other_sites_and_rebound_names_reach_no_route(client, method, path, headers):
    sent = headers or {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.request(method, f"/api/v1/{path}", headers=sent).status_code == 403


def test_two_host_headers_are_refused(raw):
    answer = raw("/api/v1/status", headers="Host: evil.example\r\n")
    assert answer.split(b" ", 2)[1] in {b"400", b"403"}


def test_a_form_that_another_site_sends_by_navigating_writes_nothing(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.post("/api/v1/failures/retry", headers=headers).status_code == 403
    assert client.get("/api/v1/status", headers=headers).status_code == 200


def test_a_websocket_is_not_opened(client):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/gradio_api/queue/join"):
        pass


def test_a_web_address_in_a_query_is_not_fetched(client, serve_in_thread, monkeypatch):
    from polyglance.data.pictures import download

    def fetched(*_, **__):
        raise AssertionError("it was fetched")

    monkeypatch.setattr(download, "fetch", fetched)
    for query in ("http://127.0.0.1:1/x.jpg", "cat + http://127.0.0.1:1/x.jpg", "cat - https://evil.example/x.png"):
        assert client.get("/api/v1/search", params={"q": query}).status_code == 422
        files = {"q": (None, query), "k": (None, "1")}
        assert client.post("/api/v1/search", files=files).status_code == 422


def test_files_are_closed_when_the_client_goes_away(client, ids, library):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("open files are counted through /proc")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(30):
        client.get(f"/api/v1/photos/{ids['chelsea.png']}/original", headers={"Range": "bytes=0-9"})
        client.head(f"/api/v1/photos/{ids['chelsea.png']}/original")
        client.get(f"/api/v1/photos/{ids['chelsea.png']}/original", headers={"Range": "bytes=999999999-"})
    assert len(os.listdir("/proc/self/fd")) <= before + 5
