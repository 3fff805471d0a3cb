"""The HTTP API, version 1: docs/http.md. Errors are problem documents: see `problems`."""

from __future__ import annotations

from fastapi import APIRouter

from ...library import Library
from ..jobs import Jobs
from . import indexing, overview, photos, searching


def router(library: Library, jobs: Jobs) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(prefix="/api/v1")
    for part in (searching.router(library), photos.router(library), overview.router(library)):
        routes.include_router(part)
    routes.include_router(indexing.router(library, jobs))
    return routes
