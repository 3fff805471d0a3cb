"""Pictures for the page: thumbnails and photos of the library, by id and never by path."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from ..errors import PictureError
from ..library import Library
from . import originals
from .api import PhotoId
from .problems import problem

HEADERS = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "private, no-cache"}
"""`no-cache`: kept by the browser, but asked about again, because a photo's file can change under its id."""


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(prefix="/media")

    @routes.get("/thumbnail/{photo_id}")
    def thumbnail(photo_id: PhotoId, request: Request) -> Response:
        """Return the small JPEG of a photo."""
        record = library.photo(photo_id)
        etag = f'"{record.content_hash.hex() if record.content_hash else ""}"'
        if _is_known(request, etag):
            return _unchanged(etag)
        try:
            data = library.thumbnail(photo_id).read_bytes()
        except (PictureError, FileNotFoundError) as error:
            return _gone(error)
        return Response(data, media_type="image/jpeg", headers={**HEADERS, "ETag": etag})

    @routes.get("/photo/{photo_id}")
    def photo(photo_id: PhotoId, request: Request) -> Response:
        """Return the photo's file as it is, or as a JPEG if browsers do not show its format."""
        record = library.photo(photo_id)
        try:
            original = originals.opened(record, [root.path for root in library.catalog.roots(counted=False)])
            if _is_known(request, original.etag):
                original.file.close()
                return _unchanged(original.etag)
            headers = {**HEADERS, "ETag": original.etag}
            if not original.is_sent_as_it_is:
                converted = original.converted(library.settings)
                return Response(converted, media_type=original.media_type, headers=headers)
        except PictureError as error:
            return _gone(error)
        headers["Content-Length"] = str(original.size)
        return StreamingResponse(original.chunks(), media_type=original.media_type, headers=headers)

    return routes


def _is_known(request: Request, etag: str) -> bool:
    return etag in [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]


def _unchanged(etag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**HEADERS, "ETag": etag})


def _gone(error: PictureError | FileNotFoundError) -> Response:
    if isinstance(error, PictureError):
        return problem(HTTPStatus.NOT_FOUND, f"The photo {error.message}.", error.hint)
    return problem(HTTPStatus.NOT_FOUND, "The photo is gone.", "Run 'polyglance index' again.")
