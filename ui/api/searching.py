"""Searching: by text, by a picture, by both, by a photo of the library."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from ... import documents
from ...data import copies
from ...library import Library
from ...search import engine
from ...search.sent import Sent
from .. import uploads
from ..limits import MAX_UPLOAD_PIXELS
from .openapi import picture_body, picture_form
from .parameters import Count, PhotoId, Wanted, WantedWithPicture
from .schemas import Answer


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Searching"])

    @routes.get("/search", response_model=Answer)
    def search(wanted: Annotated[Wanted, Query()]) -> JSONResponse:
        """Find the photos that show `q` and pass the filters.

        Pictures on this machine cannot be named in `q`, photos by id (`#12`) can. With filters alone, what passes is
        listed, the newest first.
        """
        return JSONResponse(_answer(library, wanted, None))

    @routes.post("/search", response_model=Answer, openapi_extra=picture_form())
    async def search_with_picture(request: Request) -> JSONResponse:
        """Find the photos like the picture in the form's field `picture`, together with what `q` says."""
        form = await uploads.form(request, WantedWithPicture, "picture")
        sent = Sent(form.file, form.fields.weight, MAX_UPLOAD_PIXELS) if form.file is not None else None
        async with uploads.few_at_once():
            return JSONResponse(await run_in_threadpool(_answer, library, form.fields, sent))

    @routes.get("/similar/{photo_id}", response_model=Answer)
    def similar(photo_id: PhotoId, k: Count = 20) -> JSONResponse:
        """Find the photos like one of the library."""
        return JSONResponse(_document(library, library.similar(photo_id, k)))

    @routes.post("/similar", response_model=Answer, openapi_extra=picture_body())
    async def similar_to_upload(request: Request, k: Count = 20) -> JSONResponse:
        """Find the photos like the picture whose file is the request's body."""
        sent = Sent(await uploads.body(request), 1.0, MAX_UPLOAD_PIXELS)
        async with uploads.few_at_once():
            return JSONResponse(await run_in_threadpool(_answer, library, Wanted(k=k, all=True), sent))

    return routes


def _answer(library: Library, wanted: Wanted, sent: Sent | None) -> documents.Document:
    found = library.search(
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
    return _document(library, found)


def _document(library: Library, found: engine.Answer) -> documents.Document:
    """The answer, where each result also says whether it is a favourite."""
    document = documents.answer(found)
    marked = copies.favourites(library.catalog, [result["id"] for result in document["results"]])
    for result in document["results"]:
        result["favourite"] = result["id"] in marked
    return document
