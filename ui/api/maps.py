"""The library on a map."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ...answers.maps import Map
from ...library import Library
from .parameters import MapParameters
from .responses import respond


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Map"])

    @routes.get("/map", response_model=Map)
    def photo_map(parameters: Annotated[MapParameters, Query()]) -> Response:
        """Where the photos that pass the filters were taken, those near each other as one; `within` is the map's area.

        There are at most some hundred clusters, however large the area is and however far the map is zoomed in.
        """
        return respond(Map.from_clusters(library.clusters(parameters.zoom, filters=parameters.filters)))

    return routes
