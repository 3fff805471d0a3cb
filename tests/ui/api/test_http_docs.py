"""docs/http.md shows what the server takes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from polyglance.config import Settings
from polyglance.library import Library
from polyglance.ui.api import PREFIX
from polyglance.ui.web import attempts, limits
from polyglance.ui.web.limits import LIMITS
from polyglance.ui.web.server import build
from starlette.testclient import TestClient

TEXT = (Path(__file__).parents[3] / "docs/http.md").read_text(encoding="utf-8")
CURLS = [shlex.split(line) for line in re.findall(r"^ {4}(curl .*)$", TEXT, re.MULTILINE)]


def request_of(words):
    """(method, address, fields, files, headers, body) of a curl line."""
    method, fields, files, headers, body, address = None, {}, {}, {}, None, None
    at = iter(words[1:])
    for word in at:
        if word == "-F":
            name, _, value = next(at).partition("=")
            (files if value.startswith("@") else fields)[name] = value
        elif word == "-X":
            method = next(at)
        elif word == "-H":
            name, _, value = next(at).partition(": ")
            headers[name] = value
        elif word in {"-d", "--data-binary"}:
            body = next(at)
        elif word == "-r":
            headers["Range"] = f"bytes={next(at)}"
        elif word in {"-o", "-u"}:
            next(at)
        else:
            address = urlsplit(word)
    return method or ("POST" if body or files else "GET"), address, fields, files, headers, body


@pytest.fixture(scope="module")
def api(pictures, tmp_path_factory):
    """Over a library of its own, which is indexed, marked and searched as the lines say."""
    folder = tmp_path_factory.mktemp("few")
    for name in ("chelsea.png", "rocket.jpg", "moon.png"):
        shutil.copy(pictures / name, folder)
    with Library.open(tmp_path_factory.mktemp("library"), settings=Settings()) as own:
        own.index([folder], encoder="lite")
        with TestClient(build(own), base_url="http://127.0.0.1:7860") as opened:
            yield opened


@pytest.mark.parametrize("words", CURLS, ids=lambda words: " ".join(words[-2:]))
def test_every_curl_line_is_taken(api, pictures, words):
    while (job := api.get(f"{PREFIX}/jobs/current").json()["job"]) and job["state"] == "running":
        time.sleep(0.05)
    method, address, fields, files, headers, body = request_of(words)
    picture = (pictures / "chelsea.png").read_bytes()
    options = {"headers": headers}
    if files:
        options |= {"data": fields, "files": dict.fromkeys(files, ("x", picture))}
    elif body:
        options["content"] = picture if body.startswith("@") else body
    answer = api.request(method, f"{address.path}?{address.query}", **options)
    # A folder that is not on this machine, and a root that is not in this library, are refused as such.
    unknown = {422} if "/me/" in (body or "") else {404} if "roots/7" in address.path else set()
    assert answer.status_code in {200, 202, 206} | unknown, answer.text


def test_every_route_is_shown(client):
    shown = {(method, address.path) for method, address, *_ in map(request_of, CURLS)}
    for path, methods in client.get(f"{PREFIX}/openapi.json").json()["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", r"\\d+", path))
        for method in methods:
            assert any(method.upper() == one and pattern.fullmatch(other) for one, other in shown), (method, path)


def test_the_python_example_runs(serve_in_thread, library, pictures, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    address = serve_in_thread(library)
    (tmp_path / "beach.jpg").write_bytes((pictures / "chelsea.png").read_bytes())
    (tmp_path / "example.py").write_text(code.replace("http://127.0.0.1:7860", address), encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "no_proxy": "*"}
    said = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "chelsea.png" in said.splitlines()[0]
    assert re.search(r"^\[\d+, \d+, \d+\]$", said, re.MULTILINE)


def test_the_limits_are_those_of_the_code():
    for shown in (
        f"{limits.MAX_UPLOAD_BYTES // 2**20} MB and {limits.MAX_UPLOAD_PIXELS // 10**6} megapixels",
        f"Any other body: {limits.MAX_BODY_BYTES // 2**10} KB",
        f"{LIMITS.body.memory_bytes // 2**20} MB of pictures together",
        f"{LIMITS.body.piece_seconds:.0f} seconds for each piece of it",
        f"{LIMITS.body.bytes_a_second // 2**10} KB a second on average",
        f"{LIMITS.body.total_seconds / 60:.0f} minutes in all",
        f"{LIMITS.header_seconds:.0f} seconds to the end of its headers",
        f"{LIMITS.write_bytes // 2**10} KB in {LIMITS.write_seconds:.0f} seconds",
        f"{LIMITS.idle_seconds} seconds after an answer",
        f"Any other text: {limits.MAX_TEXT} characters. A filter: {limits.MAX_VALUES} values",
        f"Results: {limits.MAX_COUNT} a page",
        f"Connections: {LIMITS.connections}, {LIMITS.per_address} of them from one address",
    ):
        assert shown in TEXT
    assert attempts.Delay(free=5, longest=300) == attempts.CLIENT
    assert attempts.Delay(free=100, longest=10) == attempts.ACCOUNT
