"""Exploring what the library holds, and suggestions while typing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ...answers.exploring import Explore, Suggestions
from ...library import Library
from ..web.limits import MAX_COUNT
from .parameters import Language, Text
from .responses import respond


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Exploring"])

    @routes.get("/explore", response_model=Explore)
    def explore(language: Language = "en") -> Response:
        """What the library holds: things, places, folders, cameras, and a search to try in each language."""
        return respond(Explore.from_library(library.explore(language)))

    @routes.get("/suggest", response_model=Suggestions)
    def suggest(
        q: Annotated[Text, Query(description="What was typed so far.")] = "",
        language: Language = "en",
        k: Annotated[int, Query(ge=1, le=MAX_COUNT, description="Most suggestions to return.")] = 8,
    ) -> Response:
        """Things, places, folders, cameras, lenses and files of this library whose names begin like `q`."""
        return respond(Suggestions.from_library(library.suggest(q, language, k)))

    return routes
