"""A model hub on 127.0.0.1 that serves directories as huggingface_hub expects it. A pytest plugin."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import children
import pytest

_ERROR_CODES = {403: {"X-Error-Code": "GatedRepo"}, 404: {"X-Error-Code": "RepoNotFound"}}
COMMIT = "c0ffee" * 6 + "c0ff"
LARGE = (".bin", ".safetensors", ".model")
RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/[^/]+/(?P<name>.+)")
API = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+?)(?P<rest>/.*)?")


@dataclass
class Hub:
    """What the server serves, how it misbehaves, and what it was asked for."""

    repos: dict[str, Path] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    """For each of the next downloads of weights: after how many bytes the connection breaks."""
    damaged: set[str] = field(default_factory=set)
    """Names of files of which the last byte is sent wrongly."""
    ignores_ranges: bool = False
    status: int = 200
    gated: bool = False
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """(method, path, Range header) of each request."""
    url: str = ""

    def environment(self, home: Path) -> dict[str, str]:
        """Variables for a process that takes this for the model hub, and keeps its caches in `home`."""
        keep = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"):
            keep.pop(key, None)
        places = {"HF_HOME": str(home / "hf"), "XDG_CACHE_HOME": str(home / "cache"), "NO_PROXY": "*"}
        return {**keep, **places, "HF_ENDPOINT": self.url, "OMP_NUM_THREADS": "1"}


def run_python(code: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own, because huggingface_hub reads its variables when it is imported.

    The process is forked from one that has polyglance imported, and neither huggingface_hub nor torch.
    """
    out, errors = folder / ".stdout", folder / ".stderr"
    process = children.start(_run_code, code, environment, folder, out, errors)
    process.join(120)
    assert process.exitcode is not None, "it did not end within two minutes"
    result = subprocess.CompletedProcess(code, process.exitcode, out.read_text(), errors.read_text())
    out.unlink()
    errors.unlink()
    return result


def _run_code(code: str, environment: dict[str, str], folder: Path, out: Path, errors: Path) -> None:
    assert not {"huggingface_hub", "torch", "transformers"} & set(sys.modules)
    children.print_into(out, errors)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    exec(compile(code, "<test>", "exec"), {"__name__": "__main__"})


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A running hub without repositories: put directories into `repos`."""
    state = Hub()

    class Handler(_Handler):
        hub = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
        """Keep the log out of the tests' output."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        api, resolve = API.fullmatch(path), RESOLVE.fullmatch(path)
        match = api or resolve
        folder = self.hub.repos.get(match["repo"]) if match else None
        if self.hub.status != 200 or match is None or folder is None:
            status = self.hub.status if self.hub.status != 200 else 404
            return self._send(status, b"{}", _ERROR_CODES.get(status, {}))
        if api:
            tree = (api["rest"] or "").startswith("/tree")
            return self._json(_tree(folder) if tree else _info(match["repo"], folder, self.hub.gated))
        return self._file(folder / match["name"])

    def _file(self, file: Path) -> None:
        data = file.read_bytes()
        checksum = _sha256(data) if file.suffix in LARGE else _git_sha1(data)
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{checksum}"', "Accept-Ranges": "bytes"}
        if file.suffix in LARGE:
            headers |= {"X-Linked-Etag": f'"{checksum}"', "X-Linked-Size": str(len(data))}
        if file.name in self.hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-")
        offset = 0 if self.hub.ignores_ranges else int(start)
        if offset:
            headers["Content-Range"] = f"bytes {offset}-{len(data) - 1}/{len(data)}"
        cut = None
        if self.command == "GET" and file.suffix in (".bin", ".safetensors") and self.hub.cuts:
            cut = self.hub.cuts.pop(0)
        self._send(206 if offset else 200, data[offset:], headers, cut)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True


def _info(repo: str, folder: Path, gated: bool) -> dict[str, object]:
    siblings = [
        {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
        | ({"lfs": {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": 130}} if lfs else {})
        for entry in _tree(folder)
        for lfs in [entry.get("lfs")]
    ]
    about = {"id": repo, "modelId": repo, "sha": COMMIT, "private": False, "gated": "auto" if gated else False}
    return {**about, "siblings": siblings}


def _tree(folder: Path) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        data = file.read_bytes()
        entry: dict[str, object] = {
            "type": "file",
            "path": file.name,
            "size": len(data),
            "oid": _git_sha1(data),
        }
        if file.suffix in LARGE:
            entry["lfs"] = {"oid": _sha256(data), "size": len(data), "pointerSize": 130}
        entries.append(entry)
    return entries


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
