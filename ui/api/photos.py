"""Photos by id, never by path: facts, pictures, files to save, favourite marks, near-duplicates."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ...answers.photos import Exif, FavouriteMark, FavouriteMarks, Photo, PhotoGroup, PhotoPaths
from ...answers.timeline import Neighbours
from ...errors import PhotoNotFound, PictureError
from ...library import Library
from ..web import media, uploads
from .openapi import JPEG_OR_FILE, PART, ZIP, json_or_form
from .parameters import ChosenMarks, ChosenPhotos, Language, PhotoId
from .responses import respond

Download = Annotated[bool, Query(description="Let the browser save the file, as it is, whatever its format.")]

Version = Annotated[
    str,
    Query(max_length=40, description="`version` of a photo, with which the answer may be kept until the file changes."),
]

NeighbourCount = Annotated[int, Query(ge=1, le=100, description="Most photos of each side.")]


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Photos"])
    routes.include_router(_routes_for_many(library), prefix="/photos")
    routes.include_router(_routes_for_one(library), prefix="/photos/{photo_id}")
    return routes


def _routes_for_many(library: Library) -> APIRouter:
    routes = APIRouter()

    @routes.post("/zip", response_class=Response, responses=ZIP, openapi_extra=json_or_form(ChosenPhotos))
    async def save(request: Request) -> Response:
        """The files of these photos, as they are, in one zip; of a form the field `ids` has ids with commas between.

        Files that cannot be read or have changed since they were indexed, and ids that no photo has, are listed in
        `left-out.txt` in it.
        """
        chosen = await uploads.read_fields(request, ChosenPhotos)
        return await run_in_threadpool(media.archive, library, chosen.ids)

    @routes.post("/paths", response_model=PhotoPaths)
    def paths_of_many(chosen: ChosenPhotos) -> Response:
        """Where the files of these photos are; ids that no photo has are left out."""
        existing = library.photos(chosen.ids)
        return respond(PhotoPaths.from_records(existing[number] for number in chosen.ids if number in existing))

    @routes.post("/favourites", response_model=FavouriteMarks)
    def mark_many(chosen: ChosenMarks) -> Response:
        """Make these photos favourites, or no favourites any more, with all photos with the same bytes: `ids`.

        Ids that no photo has are left out.
        """
        existing = library.photos(chosen.ids)
        if not existing:
            raise PhotoNotFound("No photo has one of these ids.")
        ids = library.mark(list(existing), favourite=chosen.favourite)
        return respond(FavouriteMarks(favourite=chosen.favourite, ids=ids))

    return routes


def _routes_for_one(library: Library) -> APIRouter:
    routes = APIRouter()

    @routes.get("", response_model=Photo)
    def photo(photo_id: PhotoId, language: Language = "en") -> Response:
        """What the library knows about one photo."""
        record = library.photo(photo_id)
        is_favourite = bool(library.favourites_among([photo_id]))
        place = library.place_name(record, language)
        return respond(Photo.from_record(record, favourite=is_favourite, place=place))

    @routes.put("/favourite", response_model=FavouriteMark)
    def mark(photo_id: PhotoId) -> Response:
        """Make the photo a favourite, and with it all photos with the same bytes: `ids`."""
        return respond(FavouriteMark(id=photo_id, favourite=True, ids=library.mark([photo_id])))

    @routes.delete("/favourite", response_model=FavouriteMark)
    def unmark(photo_id: PhotoId) -> Response:
        """Make the photo no favourite any more."""
        return respond(FavouriteMark(id=photo_id, favourite=False, ids=library.mark([photo_id], favourite=False)))

    @routes.get("/exif", response_model=Exif)
    def exif(photo_id: PhotoId) -> Response:
        """How the photo was taken: aperture, exposure time, ISO, focal length, lens, flash; read from its file."""
        lens = library.photo(photo_id).facts.lens
        try:
            return respond(Exif.from_exposure(library.exposure(photo_id), lens))
        except PictureError as error:
            return media.not_found(error)

    @routes.get("/neighbours", response_model=Neighbours)
    def neighbours(photo_id: PhotoId, count: NeighbourCount = 10) -> Response:
        """The photos taken before this one and after it; none if it has no date."""
        before, after = library.neighbours(photo_id, count)
        favourites = library.favourites_among([photo.id for photo in (*before, *after)])
        return respond(Neighbours.from_records(before, after, favourites))

    @routes.get("/duplicates", response_model=PhotoGroup)
    def near_duplicates(photo_id: PhotoId) -> Response:
        """The photos that are almost this one, itself first."""
        return respond(PhotoGroup.from_results(library.alike(photo_id)))

    @routes.head("/thumbnail", include_in_schema=False)
    @routes.get("/thumbnail", response_class=Response, responses=JPEG_OR_FILE)
    def thumbnail(photo_id: PhotoId, request: Request, version: Version = "") -> Response:
        """The photo as a small JPEG."""
        return media.thumbnail(library, photo_id, request, version)

    @routes.head("/original", include_in_schema=False)
    @routes.get("/original", response_class=Response, responses=JPEG_OR_FILE | PART)
    def original(photo_id: PhotoId, request: Request, download: Download = False) -> Response:
        """The photo's file as it is, or as a JPEG if browsers do not show its format.

        Parts of a file can be asked for with `Range`.
        """
        return media.original(library, photo_id, request, download=download)

    return routes
