"""What the library holds: status, what there is to filter by, copies, encoders."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ...answers.encoders import LibraryEncoders
from ...answers.facets import Facets
from ...answers.photos import DuplicateGroups, PhotoGroup
from ...answers.status import Status
from ...encoders import registry
from ...library import Library
from .parameters import Count, Position
from .responses import respond


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Library"])
    cached: dict[int, Facets] = {}  # generation -> facets, the newest only: counting takes time

    @routes.get("/status", response_model=Status)
    def status() -> Response:
        """What the library holds."""
        return respond(Status.from_library(library.status()))

    @routes.get("/facets", response_model=Facets)
    def facets() -> Response:
        """What there is to filter by: cameras, folders, kinds, dates, each with its number of photos."""
        generation = library.generation()
        if generation not in cached:
            counted = Facets.from_catalog(library.facets())
            cached.clear()
            cached[generation] = counted
        return respond(cached.get(generation) or Facets.from_catalog(library.facets()))

    @routes.get("/duplicates", response_model=DuplicateGroups)
    def duplicates(k: Count = 20, cursor: Position = 0) -> Response:
        """Photos whose files are equal, byte for byte, in groups."""
        groups = library.duplicates(cursor, k + 1)
        next_cursor = groups[k - 1][0].id if len(groups) > k else None
        return respond(
            DuplicateGroups(groups=[PhotoGroup.from_copies(group) for group in groups[:k]], next=next_cursor)
        )

    @routes.get("/encoders", response_model=LibraryEncoders)
    def encoders() -> Response:
        """The encoders there are. Switch with `polyglance reencode --encoder NAME`."""
        active = library.active_encoder()
        known = registry.listing(library.settings)
        return respond(LibraryEncoders.from_registry(known, active.name if active else None))

    return routes
