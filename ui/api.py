"""The HTTP API, version 1. Errors are problem documents: see `problems`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from .. import documents
from ..library import Library
from .handlers import MAX_COUNT, MAX_ID, similar_to_picture

MAX_UPLOAD_BYTES = 64 * 1024 * 1024
"""Largest picture that can be sent to search by; it is held in memory and never stored."""

Count = Annotated[int, Query(ge=1, le=MAX_COUNT, description="Most results to return.")]
EveryOne = Annotated[bool, Query(alias="all", description="Show near-duplicates one by one.")]
PhotoId = Annotated[int, Path(ge=1, le=MAX_ID)]


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/search")
    def search(
        q: str, k: Count = 20, cursor: str | None = None, sort: str = "relevance", every: EveryOne = False
    ) -> dict[str, Any]:
        """Find the photos that show `q`, in any of the nine languages; `cursor` is `next` of the page before.

        Pictures on this machine cannot be named in `q`, photos by id can.
        """
        found = library.search(q, k, files=False, cursor=cursor, sort=sort, collapse=not every)
        return documents.answer(found)

    @routes.get("/similar/{photo_id}")
    def similar(photo_id: PhotoId, k: Count = 20) -> dict[str, Any]:
        """Find the photos like one of the library."""
        return documents.answer(library.similar(photo_id, k))

    @routes.post("/similar")
    async def similar_to_upload(request: Request, k: Count = 20) -> dict[str, Any]:
        """Find the photos like the picture whose file is the request's body."""
        data = await _body(request)
        return await run_in_threadpool(similar_to_picture, library, data, k)

    @routes.get("/photos/{photo_id}")
    def photo(photo_id: PhotoId) -> dict[str, Any]:
        """What the library knows about one photo."""
        return documents.photo(library.photo(photo_id))

    @routes.get("/status")
    def status() -> dict[str, Any]:
        """What the library holds."""
        return documents.status(library.status())

    return routes


async def _body(request: Request) -> bytes:
    """Read the body, giving up as soon as it is too long, whatever its Content-Length says."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_UPLOAD_BYTES:
            limit = f"The picture is over the limit of {MAX_UPLOAD_BYTES // 2**20} MB."
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit)
    return bytes(data)
