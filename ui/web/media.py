"""Answers that are pictures: thumbnails and photos of the library, by id and never by path."""

from __future__ import annotations

import os
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from ...data import paths
from ...errors import PictureError
from ...library import Library
from . import originals, ranges
from .problems import problem

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}
"""`no-cache`: kept by the browser, but asked about again, because a photo's file can change under its id."""


def thumbnail(library: Library, photo_id: int, request: Request) -> Response:
    """Answer with the small JPEG of a photo."""
    record = library.photo(photo_id)
    etag = f'"{record.content_hash.hex() if record.content_hash else ""}"'
    if _is_known(request, etag):
        return _unchanged(etag)
    try:
        data = library.thumbnail(photo_id).read_bytes()
    except (PictureError, OSError) as error:
        return _gone(error)
    return _whole(data, "image/jpeg", {"ETag": etag}, request)


def original(library: Library, photo_id: int, request: Request) -> Response:
    """Answer with the photo's file as it is, or a part of it, or as a JPEG if browsers do not show its format."""
    record = library.photo(photo_id)
    try:
        place = library.place_of(record)
        found = originals.opened(record, *place)
        if _is_known(request, found.etag):
            found.file.close()
            return _unchanged(found.etag)
        if found.is_sent_as_it_is:
            return _file(found, record.path, request)
        headers = {"ETag": found.etag, **_named(record.path, ".jpg")}
        found.file.close()
        if request.method == "HEAD":  # its length is not known before it is made
            return Response(None, headers={**HEADERS, **headers, "Content-Type": found.media_type})
        return _whole(originals.converted(record, *place, library.settings), found.media_type, headers, request)
    except PictureError as error:
        return _gone(error)


def _file(found: originals.Original, path: bytes, request: Request) -> Response:
    headers = {**HEADERS, **_named(path), "ETag": found.etag, "Accept-Ranges": "bytes"}
    try:
        span = ranges.asked(request.headers, found.size, found.etag)
    except ranges.Unsatisfiable:
        found.file.close()
        refused = problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The file ends before that range.")
        refused.headers["Content-Range"] = f"bytes */{found.size}"
        return refused
    headers["Content-Length"] = str(span.length if span else found.size)
    if span:
        headers["Content-Range"] = span.content_range
    status = HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.OK
    if request.method == "HEAD":
        found.file.close()
        return Response(None, status, headers={**headers, "Content-Type": found.media_type})
    chunks = found.chunks(span.first, span.length) if span else found.chunks()
    return StreamingResponse(chunks, status, media_type=found.media_type, headers=headers)


def _whole(data: bytes, media_type: str, headers: dict[str, str], request: Request) -> Response:
    carried = {**HEADERS, **headers, "Content-Length": str(len(data))}
    return Response(None if request.method == "HEAD" else data, media_type=media_type, headers=carried)


def _named(path: bytes, ending: str = "") -> dict[str, str]:
    """What the browser calls the file when it is saved."""
    return {"Content-Disposition": f"inline; filename*=UTF-8''{quote(paths.display(os.path.basename(path)) + ending)}"}


def _is_known(request: Request, etag: str) -> bool:
    return etag in [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]


def _unchanged(etag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**HEADERS, "ETag": etag})


def _gone(error: PictureError | OSError) -> Response:
    if isinstance(error, PictureError):
        return problem(HTTPStatus.NOT_FOUND, f"The photo {error.message}.", error.hint)
    if isinstance(error, FileNotFoundError):
        return problem(HTTPStatus.NOT_FOUND, "The photo is gone.", "Run 'polyglance index' again.")
    return problem(HTTPStatus.NOT_FOUND, f"The photo cannot be read: {error.strerror or error}.")
