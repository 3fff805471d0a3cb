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
    ["/", "/gradio_api/component_server/", "/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/vibe-edit"],
)
@pytest.mark.parametrize("sent", [{"files": {"files": b"x"}}, {"json": {"component_id": 1, "fn_name": "search"}}])
def test_gradio_takes_nothing(client, address, sent):
    assert client.post(address, **sent).status_code == 404


def test_the_page_has_no_functions_of_ours_to_call(client):
    page = client.get("/").text
    assert "js_on_load" in page, "it holds the component's properties"
    assert "server_fns" not in page
