"""The page's own files: read once at start, served with fixed content types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from . import bundle

# Not from `mimetypes`: on Windows the registry decides there, and often says that a script is plain text.
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}

FOLDER = resources.files(__package__) / "static"


def text(name: str) -> str:
    """Return one of the page's files."""
    return (FOLDER / name).read_text(encoding="utf-8")


def names(suffix: str) -> list[str]:
    """Return the names of the page's files that end with `suffix`."""
    return sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(suffix))


@cache
def contents() -> dict[str, bytes]:
    """All files that are served, by path: the page's own, words (words/CODE.json), others' scripts (vendor/), pwa/.

    `page.mjs` and `page.css` are the page's scripts and style sheets joined.
    """
    modules = {name: text(name) for name in names(".js")}
    sheets = [text(name) for name in names(".css")]
    joined = {"page.mjs": bundle.scripts(modules, "start.js"), "page.css": "\n".join(sheets)}
    return dict(_read(FOLDER)) | {name: content.encode() for name, content in joined.items()}


@cache
def version() -> str:
    """A text that changes with every change of a file: under `/ui/VERSION/` browsers need not ask again."""
    digest = hashlib.sha256()
    for name, content in sorted(contents().items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def router() -> APIRouter:
    """Return the routes `/ui/VERSION/PATH`, which browsers keep for good, and `/ui/PATH`."""
    routes = APIRouter()
    files = contents()
    etags = {name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, content in files.items()}

    @routes.get(f"/ui/{version()}/{{name:path}}", include_in_schema=False)
    def kept_asset(name: str, request: Request) -> Response:
        answer = asset(name, request)
        answer.headers["Cache-Control"] = "max-age=31536000, immutable"
        return answer

    @routes.get("/ui/{name:path}", include_in_schema=False)
    def asset(name: str, request: Request) -> Response:
        if name not in files:
            raise HTTPException(404, "The page has no such file.")
        headers = {"Cache-Control": "no-cache", "ETag": etags[name]}
        if request.headers.get("if-none-match") == etags[name]:
            return Response(status_code=304, headers=headers)
        suffix = name[name.rindex(".") :]
        return Response(files[name], media_type=TYPES[suffix], headers=headers)

    @routes.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return Response(files["icon.svg"], media_type=TYPES[".svg"])

    return routes


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """The files in `folder` and below it that are served, by their path."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(tuple(TYPES)):
            yield prefix + entry.name, entry.read_bytes()
