"""Searching: by text, by a picture, by both, by a photo of the library."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ...answers.searching import MarkedAnswer
from ...library import Library
from ...search.answer import Answer
from ...search.query.sent import SentPicture
from ..web import media, observing, uploads
from ..web.limits import MAX_UPLOAD_PIXELS
from .openapi import JPEG, picture_body, picture_form
from .parameters import Count, PhotoId, PictureSearchForm, SearchParameters
from .responses import respond

Burst = Annotated[bool, Query(description="Whether near-duplicates of the photo itself may be among them.")]


def router(library: Library, pictures_at_once: int) -> APIRouter:
    """Return the routes over `library`; so many pictures are decoded and searched by at one time."""
    routes = APIRouter(tags=["Searching"])
    picture_slots = asyncio.Semaphore(pictures_at_once)

    @routes.get("/search", response_model=MarkedAnswer)
    def search(parameters: Annotated[SearchParameters, Query()]) -> Response:
        """Find the photos that show `q` and pass the filters.

        Pictures on this machine cannot be named in `q`, photos by id (`#12`) can. With filters alone, what passes is
        listed, the newest first.
        """
        return respond(_answer(library, parameters, None))

    @routes.post("/search", response_model=MarkedAnswer, openapi_extra=picture_form())
    async def search_with_picture(request: Request) -> Response:
        """Find the photos like the picture in the form's field `picture`, together with what `q` says."""
        form = await uploads.read_form(request, PictureSearchForm, "picture")
        sent = SentPicture(form.file, form.fields.weight, MAX_UPLOAD_PIXELS) if form.file is not None else None
        async with picture_slots:
            return respond(await run_in_threadpool(_answer, library, form.fields, sent))

    @routes.get("/similar/{photo_id}", response_model=MarkedAnswer)
    def similar(photo_id: PhotoId, k: Count = 20, burst: Burst = True) -> Response:
        """Find the photos like one of the library."""
        return respond(_with_favourites(library, library.similar(photo_id, k, burst=burst)))

    @routes.post("/similar", response_model=MarkedAnswer, openapi_extra=picture_body())
    async def similar_to_upload(request: Request, k: Count = 20) -> Response:
        """Find the photos like the picture whose file is the request's body."""
        sent = SentPicture(await uploads.read_body(request), 1.0, MAX_UPLOAD_PIXELS)
        async with picture_slots:
            return respond(await run_in_threadpool(_answer, library, SearchParameters(k=k, all=True), sent))

    @routes.post("/thumbnail", response_class=Response, responses=JPEG, openapi_extra=picture_body())
    async def thumbnail_of_upload(request: Request) -> Response:
        """The picture whose file is the request's body as a small JPEG, for browsers that cannot show its format."""
        sent = SentPicture(await uploads.read_body(request), 1.0, MAX_UPLOAD_PIXELS)
        async with picture_slots:
            jpeg = await run_in_threadpool(library.thumbnail_of, sent)
        return Response(jpeg, media_type="image/jpeg", headers={**media.HEADERS, "Cache-Control": "no-store"})

    return routes


def _answer(library: Library, parameters: SearchParameters, sent: SentPicture | None) -> MarkedAnswer:
    answer = library.search(
        parameters.q,
        parameters.k,
        filters=parameters.filters,
        files=False,
        cursor=parameters.cursor,
        sort=parameters.sort,
        collapse=not parameters.all,
        only_relevant=parameters.relevant,
        picture=sent,
    )
    return _with_favourites(library, answer)


def _with_favourites(library: Library, answer: Answer) -> MarkedAnswer:
    observing.note_search(answer.took.encode)
    favourites = library.favourites_among([result.photo.id for result in answer.results])
    return MarkedAnswer.with_favourites(answer, favourites)
