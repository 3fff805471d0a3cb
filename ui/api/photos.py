"""One photo, by id and never by path: its facts, its pictures, its favourite mark, its near-duplicates."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ...answers.photos import FavouriteMark, Photo, PhotoGroup
from ...library import Library
from ..web import media
from .openapi import JPEG_OR_FILE, PART
from .parameters import PhotoId
from .responses import respond


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(prefix="/photos/{photo_id}", tags=["Photos"])

    @routes.get("", response_model=Photo)
    def photo(photo_id: PhotoId) -> Response:
        """What the library knows about one photo."""
        record = library.photo(photo_id)
        is_favourite = bool(library.favourites_among([photo_id]))
        return respond(Photo.from_record(record, favourite=is_favourite))

    @routes.put("/favourite", response_model=FavouriteMark)
    def mark(photo_id: PhotoId) -> Response:
        """Make the photo a favourite, and with it all photos with the same bytes: `ids`."""
        return respond(FavouriteMark(id=photo_id, favourite=True, ids=library.mark([photo_id])))

    @routes.delete("/favourite", response_model=FavouriteMark)
    def unmark(photo_id: PhotoId) -> Response:
        """Make the photo no favourite any more."""
        return respond(FavouriteMark(id=photo_id, favourite=False, ids=library.mark([photo_id], favourite=False)))

    @routes.get("/duplicates", response_model=PhotoGroup)
    def near_duplicates(photo_id: PhotoId) -> Response:
        """The photos that are almost this one, itself first."""
        return respond(PhotoGroup.from_results(library.alike(photo_id)))

    @routes.head("/thumbnail", include_in_schema=False)
    @routes.get("/thumbnail", response_class=Response, responses=JPEG_OR_FILE)
    def thumbnail(photo_id: PhotoId, request: Request) -> Response:
        """The photo as a small JPEG."""
        return media.thumbnail(library, photo_id, request)

    @routes.head("/original", include_in_schema=False)
    @routes.get("/original", response_class=Response, responses=JPEG_OR_FILE | PART)
    def original(photo_id: PhotoId, request: Request) -> Response:
        """The photo's file as it is, or as a JPEG if browsers do not show its format.

        Parts of a file can be asked for with `Range`.
        """
        return media.original(library, photo_id, request)

    return routes
