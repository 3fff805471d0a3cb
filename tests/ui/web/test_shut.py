"""Of what Gradio serves, the page's own parts are open and nothing else is."""

import pytest


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
        "/simple/gradio_api/file=/etc/passwd",
        "/simple/gradio_api/file/etc/passwd",
        "/simple/gradio_api/proxy=http://example.com",
        "/simple/gradio_api/info",
        "/simple/gradio_api/call/search/x",
        "/simple/gradio_api/runs",
        "/simple/gradio_api/stream/x/y/z/p",
        "/simple/config",
        "/simple/monitoring",
        "/simple/static/../app.py",
        "/mcp",
        "/monitoring",
        "/config",
        "/static/../app.py",
        "/assets/%2e%2e/%2e%2e/index.html",
    ],
)
def test_gradio_serves_nothing_but_the_page(client, address):
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/gradio_api/component_server/",
        "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/gradio_api/vibe-edit",
        "/simple/",
        "/simple/gradio_api/run/search",
        "/simple/gradio_api/call/search",
        "/simple/gradio_api/vibe-edit",
        "/simple/gradio_api/component_server",
        "/mcp",
    ],
)
@pytest.mark.parametrize("sent", [{"files": {"files": b"x"}}, {"json": {"component_id": 1, "fn_name": "search"}}])
def test_gradio_takes_nothing(client, address, sent):
    assert client.post(address, **sent).status_code == 404


def test_the_page_is_in_gradio_s_document_and_has_no_functions_to_call(client):
    page = client.get("/").text
    assert "window.gradio_config" in page and page.count('<div class="pg"') == 1
    assert "server_fns" not in page
    assert page.index('<div class="pg"') < page.index("</gradio-app>")


def test_no_script_may_be_made_from_text(client):
    for address in ("/", "/simple/"):
        assert "unsafe-eval" not in client.get(address).headers["content-security-policy"]
