"""Answers that are pictures: thumbnails and photos of the library, by id and never by path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ...data import paths
from ...errors import PhotoNotFound, PictureError, PictureUnreachable
from ...library import Library
from . import originals, ranges
from .archives import PhotoArchive
from .file_names import safe_name
from .problems import problem

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}
"""`no-cache`: the browser keeps a picture but asks each time whether it has changed, because a photo's file can."""


KEPT_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
"""The address has the version of the photo's bytes, so that other bytes have another address."""


def thumbnail(library: Library, photo_id: int, request: Request, version: str = "") -> Response:
    """Answer with the small JPEG of a photo. Under an address with its `version` browsers need not ask again."""
    record = library.photo(photo_id)
    etag = f'"{record.content_hash.hex() if record.content_hash else ""}"'
    if _is_cached(request, etag):
        return _not_modified(etag)
    try:
        data = library.thumbnail(photo_id).read_bytes()
    except (PictureError, OSError) as error:
        return not_found(error)
    kept = KEPT_FOR_GOOD if version and version == record.version else {}
    return _respond(data, "image/jpeg", {"ETag": etag, **kept}, request)


def original(library: Library, photo_id: int, request: Request, *, download: bool = False) -> Response:
    """Answer with the photo's file as it is, or a part of it, or as a JPEG if browsers do not show its format.

    With `download` the browser saves the file, whatever its format, as it is.
    """
    record = library.photo(photo_id)
    try:
        place = library.place_of(record)
        opened = originals.open_original(record, *place)
        if _is_cached(request, opened.etag):
            opened.file.close()
            return _not_modified(opened.etag)
        if download:
            return _send_file(opened, _attachment(safe_name(record.path)), request)
        if opened.is_sent_unchanged:
            return _send_file(opened, _disposition(record.path), request)
        headers = {"ETag": opened.etag, **_disposition(record.path, ".jpg")}
        opened.file.close()
        if request.method == "HEAD":  # its length is not known before the conversion
            return Response(None, headers={**HEADERS, **headers, "Content-Type": "image/jpeg"})
        return _respond(originals.convert(record, *place, library.settings), "image/jpeg", headers, request)
    except PictureError as error:
        return not_found(error)


def archive(library: Library, photo_ids: Sequence[int]) -> Response:
    """Answer with a zip of these photos, made while it is sent. Raises PhotoNotFound if no photo has one of the ids."""
    photos = library.photos(photo_ids)
    if not photos:
        raise PhotoNotFound("No photo has one of these ids.")
    chosen = [photos[photo_id] for photo_id in photo_ids if photo_id in photos]
    unknown = [photo_id for photo_id in photo_ids if photo_id not in photos]
    headers = {**HEADERS, **_attachment("photos.zip"), "Cache-Control": "no-store"}
    chunks = PhotoArchive(library, chosen, unknown).chunks()
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)


def _send_file(opened: originals.Original, disposition: dict[str, str], request: Request) -> Response:
    headers = {**HEADERS, **disposition, "ETag": opened.etag, "Accept-Ranges": "bytes"}
    try:
        span = ranges.parse(request.headers, opened.size, opened.etag)
    except ranges.Unsatisfiable:
        opened.file.close()
        refused = problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The file ends before that range.")
        refused.headers["Content-Range"] = f"bytes */{opened.size}"
        return refused
    headers["Content-Length"] = str(span.length if span else opened.size)
    if span:
        headers["Content-Range"] = span.content_range
    status = HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.OK
    if request.method == "HEAD":
        opened.file.close()
        return Response(None, status, headers={**headers, "Content-Type": opened.media_type})
    return _FileResponse(opened, span, status, headers)


class _FileResponse(StreamingResponse):
    """The bytes of an open file, which is closed at the end also if the client is gone before the first byte."""

    def __init__(
        self, opened: originals.Original, span: ranges.Span | None, status: HTTPStatus, headers: dict[str, str]
    ) -> None:
        chunks = opened.chunks(span.first, span.length) if span else opened.chunks()
        super().__init__(chunks, status, media_type=opened.media_type, headers=headers)
        self._file = opened.file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


def _respond(data: bytes, media_type: str, headers: dict[str, str], request: Request) -> Response:
    all_headers = {**HEADERS, **headers, "Content-Length": str(len(data))}
    return Response(None if request.method == "HEAD" else data, media_type=media_type, headers=all_headers)


def _disposition(path: bytes, ending: str = "") -> dict[str, str]:
    """Return the header with the name under which the browser saves the file."""
    return {"Content-Disposition": f"inline; filename*=UTF-8''{quote(paths.display(os.path.basename(path)) + ending)}"}


def _attachment(name: str) -> dict[str, str]:
    """Return the header with which the browser saves the answer under this name."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}


def _is_cached(request: Request, etag: str) -> bool:
    return etag in [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]


def _not_modified(etag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**HEADERS, "ETag": etag})


def not_found(error: PictureError | OSError) -> Response:
    """Answer that a photo's file is not there, not what was indexed, or in a storage that cannot be asked."""
    if isinstance(error, PictureUnreachable):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"The photo {error.message}.", error.hint)
    if isinstance(error, PictureError):
        return problem(HTTPStatus.NOT_FOUND, f"The photo {error.message}.", error.hint)
    if isinstance(error, FileNotFoundError):
        return problem(HTTPStatus.NOT_FOUND, "The photo is gone.", "Run 'polyglance index' again.")
    return problem(HTTPStatus.NOT_FOUND, f"The photo cannot be read: {error.strerror or error}.")
