"""The HTTP API, version 1: docs/http.md. Errors are problem documents: see `problems`."""

from __future__ import annotations

import re

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from ...library import Library
from ..web.auth import Secret
from ..web.jobs import Jobs
from ..web.limits import LIMITS, Limits
from . import exploring, indexing, maps, openapi, overview, page, photos, searching, timeline

PREFIX = "/api/v1"
_PARAMETER = re.compile(r"\{\w+\}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def install(app: FastAPI, library: Library, jobs: Jobs, secret: Secret | None = None, limits: Limits = LIMITS) -> None:
    """Add the routes for `library`, the documentation page, and the answers to unknown addresses."""
    openapi.install(app, secret)
    by_text_or_picture = searching.router(library, limits.pictures_at_once)
    app.include_router(by_text_or_picture, prefix=PREFIX, responses=openapi.ERRORS)
    for part in (timeline, maps, photos, overview, exploring):
        app.include_router(part.router(library), prefix=PREFIX, responses=openapi.ERRORS)
    app.include_router(indexing.router(library, jobs), prefix=PREFIX, responses=openapi.ERRORS)
    app.include_router(_fallbacks(app), prefix=PREFIX)


def _fallbacks(app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    def docs(request: Request) -> HTMLResponse:
        """What the API offers, for people."""
        return HTMLResponse(page.html(app.openapi(), f"{request.url.scheme}://{request.headers['host']}"))

    @routes.api_route("/{rest:path}", methods=list(METHODS))
    def not_found(request: Request) -> Response:
        """405 with the methods of a known address, else 404."""
        for path, methods in app.openapi()["paths"].items():
            if re.fullmatch(_PARAMETER.sub("[^/]+", path), request.scope["path"]):
                allowed = ", ".join(sorted(method.upper() for method in methods))
                raise HTTPException(405, f"This address takes {allowed} only.", {"Allow": allowed})
        raise HTTPException(404, "There is nothing at this address.")

    return routes
