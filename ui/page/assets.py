"""The page's own files: read once at start, served with fixed content types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

# Not from `mimetypes`: on Windows the registry decides there, and often says that a script is plain text.
TYPES = {".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml"}

FOLDER = files(__package__) / "static"


def text(name: str) -> str:
    """Return one of the page's files."""
    return (FOLDER / name).read_text(encoding="utf-8")


def names(suffix: str) -> list[str]:
    """Return the names of the page's files that end with `suffix`."""
    return sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(suffix))


def router() -> APIRouter:
    """Return the route `/ui/PATH` to the page's files, its words and the scripts of others (vendor)."""
    routes = APIRouter()
    contents = dict(_read(FOLDER))
    etags = {name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, content in contents.items()}

    @routes.get("/ui/{name:path}", include_in_schema=False)
    def asset(name: str, request: Request) -> Response:
        if name not in contents:
            raise HTTPException(404, "The page has no such file.")
        headers = {"Cache-Control": "no-cache", "ETag": etags[name]}
        if request.headers.get("if-none-match") == etags[name]:
            return Response(status_code=304, headers=headers)
        suffix = name[name.rindex(".") :]
        return Response(contents[name], media_type=TYPES[suffix], headers=headers)

    @routes.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return Response(contents["icon.svg"], media_type=TYPES[".svg"])

    return routes


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """The files in `folder` and below it that are served, by their path."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(tuple(TYPES)):
            yield prefix + entry.name, entry.read_bytes()
