"""Searching: by text, by a picture, by both, by a photo of the library."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ...answers.searching import MarkedAnswer
from ...library import Library
from ...search.answer import Answer
from ...search.query.sent import SentPicture
from ..web import uploads
from ..web.limits import MAX_UPLOAD_PIXELS
from .openapi import picture_body, picture_form
from .parameters import Count, PhotoId, Wanted, WantedWithPicture
from .responses import respond


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Searching"])

    @routes.get("/search", response_model=MarkedAnswer)
    def search(wanted: Annotated[Wanted, Query()]) -> Response:
        """Find the photos that show `q` and pass the filters.

        Pictures on this machine cannot be named in `q`, photos by id (`#12`) can. With filters alone, what passes is
        listed, the newest first.
        """
        return respond(_answer(library, wanted, None))

    @routes.post("/search", response_model=MarkedAnswer, openapi_extra=picture_form())
    async def search_with_picture(request: Request) -> Response:
        """Find the photos like the picture in the form's field `picture`, together with what `q` says."""
        form = await uploads.form(request, WantedWithPicture, "picture")
        sent = SentPicture(form.file, form.fields.weight, MAX_UPLOAD_PIXELS) if form.file is not None else None
        async with uploads.few_at_once():
            return respond(await run_in_threadpool(_answer, library, form.fields, sent))

    @routes.get("/similar/{photo_id}", response_model=MarkedAnswer)
    def similar(photo_id: PhotoId, k: Count = 20) -> Response:
        """Find the photos like one of the library."""
        return respond(_marked(library, library.similar(photo_id, k)))

    @routes.post("/similar", response_model=MarkedAnswer, openapi_extra=picture_body())
    async def similar_to_upload(request: Request, k: Count = 20) -> Response:
        """Find the photos like the picture whose file is the request's body."""
        sent = SentPicture(await uploads.body(request), 1.0, MAX_UPLOAD_PIXELS)
        async with uploads.few_at_once():
            return respond(await run_in_threadpool(_answer, library, Wanted(k=k, all=True), sent))

    return routes


def _answer(library: Library, wanted: Wanted, sent: SentPicture | None) -> MarkedAnswer:
    answer = library.search(
        wanted.q,
        wanted.k,
        filters=wanted.filters,
        files=False,
        cursor=wanted.cursor,
        sort=wanted.sort,
        collapse=not wanted.all,
        only_relevant=wanted.relevant,
        picture=sent,
    )
    return _marked(library, answer)


def _marked(library: Library, answer: Answer) -> MarkedAnswer:
    favourites = library.favourites_among([result.photo.id for result in answer.results])
    return MarkedAnswer.with_favourites(answer, favourites)
