"""The documentation shows what the server takes."""

import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote_plus, urlsplit
from urllib.request import urlopen

import pytest
from polyglance.config import Settings
from polyglance.library import Library
from polyglance.ui.api import PREFIX
from polyglance.ui.web import attempts, limits
from polyglance.ui.web.auth import Secret
from polyglance.ui.web.limits import LIMITS
from polyglance.ui.web.policy import THIS_MACHINE, policy_for

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/http.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CURL = re.compile(r"^ {4}(curl .*)$", re.MULTILINE)
LINES = [line for page in PAGES for line in CURL.findall(page.read_text(encoding="utf-8"))]
CURLS = [shlex.split(line) for line in CURL.findall(TEXT)]


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
        elif word == "--get":
            method = "GET"
        elif word in {"-o", "-u", "--data-urlencode"}:
            next(at)
        else:
            address = urlsplit(word)
    return method or ("POST" if body or files else "GET"), address, fields, files, headers, body


TOKEN = "a-token-of-this-test"
CURLRC = """\
connect-to = "::{server}"
noproxy = "*"
silent
show-error
dump-header = headers.txt
"""


@pytest.fixture(scope="module")
def curl():
    """The program, which scripts/install-chromium.sh installs where it can."""
    program = shutil.which("curl")
    if program is None:
        reason = "No curl here: install it with your system's package manager."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@pytest.fixture(scope="module")
def own(pictures, tmp_path_factory):
    """A library of its own, which is indexed, marked and searched as the lines say."""
    folder = tmp_path_factory.mktemp("few")
    for name in ("chelsea.png", "rocket.jpg", "moon.png"):
        shutil.copy(pictures / name, folder)
    with Library.open(tmp_path_factory.mktemp("library"), settings=Settings()) as opened:
        opened.index([folder], encoder="lite")
        yield opened


@pytest.fixture(scope="module")
def run_line(curl, own, pictures, serve_in_thread, tmp_path_factory):
    """Run a line in a shell as it is shown; only its connection goes to the server of this test.

    Returns (status, media type, body).
    """
    secrets = {"": None, "-u me:PASSWORD": "me:PASSWORD", "Bearer TOKEN": TOKEN}
    addresses = {
        words: serve_in_thread(own, policy=policy_for("0.0.0.0", Secret.from_text(text)) if text else THIS_MACHINE)
        for words, text in secrets.items()
    }
    place, added = tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("added")
    for name in ("beach.jpg", "holiday.jpg"):
        shutil.copy(pictures / "espresso.jpg", place / name)
    values = {"/home/me/Pictures": str(added), "TOKEN": TOKEN}

    def run(line):
        (server,) = [address for words, address in addresses.items() if words and words in line] or [addresses[""]]
        while (job := json.loads(urlopen(f"{addresses['']}{PREFIX}/jobs/current").read())["job"]) and job[
            "finished"
        ] is None:
            time.sleep(0.05)
        (place / ".curlrc").write_text(CURLRC.format(server=server.removeprefix("http://")))
        for placeholder, value in values.items():
            line = line.replace(placeholder, value)
        for root in own.catalog.roots.all(counted=False):
            if root.path == os.fsencode(added):  # the one that a line before has added
                line = re.sub(r"roots/\d+", f"roots/{root.id}", line)
        environment = os.environ | {"CURL_HOME": str(place)}
        done = subprocess.run(["sh", "-c", line], cwd=place, env=environment, capture_output=True, check=True)
        head = (place / "headers.txt").read_text().strip().lower().split("\n\n")[-1].splitlines()
        headers = dict(field.split(": ", 1) for field in head[1:])
        output = re.search(r" -o (\S+)", line)
        body = (place / output.group(1)).read_bytes() if output else done.stdout
        return int(head[0].split()[1]), headers["content-type"], body

    return run


@pytest.mark.parametrize("line", LINES)
def test_every_curl_line_is_answered_as_it_is_shown(run_line, line):
    status, kind, body = run_line(line)
    assert status in {200, 202, 206}, body
    if " -o photos.zip " in line:
        assert kind == "application/zip" and body.startswith(b"PK")
    elif " -o " in line:
        assert kind.startswith("image/") and body
    else:
        assert kind == "application/json"
        document = json.loads(body)
        if "/suggest?" not in line and (match := re.search(r"[?&]q=([^&']+)", line)):
            assert document["query"].startswith(unquote_plus(match.group(1)))


def test_every_curl_line_of_the_page_about_the_api_is_answered(run_line, client):
    page = client.get(f"{PREFIX}/docs").text
    lines = [html.unescape(line) for line in re.findall(r"<pre>(curl .*?)</pre>", page)]
    assert len(lines) > 20
    lines.sort(key=lambda line: "-X DELETE" in line and "/roots/" in line)  # after the line that adds it
    for line in lines:
        status, _, body = run_line(line)
        assert status in {200, 202}, (line, body)


def test_every_route_is_shown(client):
    shown = {(method, address.path) for method, address, *_ in map(request_of, CURLS)}
    for path, methods in client.get(f"{PREFIX}/openapi.json").json()["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
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
        f"`/photos/favourites`, `/photos/paths`): {limits.MAX_CHOSEN}",
        f"Connections: {LIMITS.connections}, {LIMITS.per_address} of them from one address",
    ):
        assert shown in TEXT
    assert attempts.Delay(free=5, longest=300) == attempts.CLIENT
    assert attempts.Delay(free=100, longest=10) == attempts.ACCOUNT
