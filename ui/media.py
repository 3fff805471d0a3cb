"""Pictures for the page: thumbnails and photos of the library, by id and never by path."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from ..errors import PictureError
from ..library import Library
from . import originals
from .api.parameters import PhotoId
from .problems import problem

HEADERS = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "private, no-cache"}
"""`no-cache`: kept by the browser, but asked about again, because a photo's file can change under its id."""


def router(library: Library) -> APIRouter:
    """Return the page's older addresses of the pictures."""
    routes = APIRouter(prefix="/media", include_in_schema=False)

    @routes.get("/thumbnail/{photo_id}")
    def small(photo_id: PhotoId, request: Request) -> Response:
        return thumbnail(library, photo_id, request)

    @routes.get("/photo/{photo_id}")
    def photo(photo_id: PhotoId, request: Request) -> Response:
        return original(library, photo_id, request)

    return routes


def thumbnail(library: Library, photo_id: int, request: Request) -> Response:
    """Answer with the small JPEG of a photo."""
    record = library.photo(photo_id)
    etag = f'"{record.content_hash.hex() if record.content_hash else ""}"'
    if _is_known(request, etag):
        return _unchanged(etag)
    try:
        data = library.thumbnail(photo_id).read_bytes()
    except (PictureError, FileNotFoundError) as error:
        return _gone(error)
    return Response(data, media_type="image/jpeg", headers={**HEADERS, "ETag": etag})


def original(library: Library, photo_id: int, request: Request) -> Response:
    """Answer with the photo's file as it is, or as a JPEG if browsers do not show its format."""
    record = library.photo(photo_id)
    try:
        found = originals.opened(record, [root.path for root in library.catalog.roots(counted=False)])
        if _is_known(request, found.etag):
            found.file.close()
            return _unchanged(found.etag)
        headers = {**HEADERS, "ETag": found.etag}
        if not found.is_sent_as_it_is:
            converted = found.converted(library.settings)
            return Response(converted, media_type=found.media_type, headers=headers)
    except PictureError as error:
        return _gone(error)
    headers["Content-Length"] = str(found.size)
    return StreamingResponse(found.chunks(), media_type=found.media_type, headers=headers)


def _is_known(request: Request, etag: str) -> bool:
    return etag in [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]


def _unchanged(etag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**HEADERS, "ETag": etag})


def _gone(error: PictureError | FileNotFoundError) -> Response:
    if isinstance(error, PictureError):
        return problem(HTTPStatus.NOT_FOUND, f"The photo {error.message}.", error.hint)
    return problem(HTTPStatus.NOT_FOUND, "The photo is gone.", "Run 'polyglance index' again.")
