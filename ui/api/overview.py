"""What the library holds: status, what there is to filter by, copies, encoders."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ...answers.encoders import LibraryEncoders
from ...answers.facets import Facets
from ...answers.photos import DuplicateGroups, PhotoGroup
from ...answers.status import Status
from ...encoders import registry
from ...library import Library
from .parameters import Count, Position, SearchParameters
from .responses import respond

CACHED_FACETS = 32


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Library"])
    cached: dict[tuple[int, str, str], Facets] = {}  # by generation, query and filters, the oldest first

    @routes.get("/status", response_model=Status)
    def status() -> Response:
        """What the library holds."""
        return respond(Status.from_library(library.status()))

    @routes.get("/facets", response_model=Facets)
    def facets(parameters: Annotated[SearchParameters, Query()]) -> Response:
        """What there is to filter by, each with its number of photos: of all, or of those that a search would find.

        Counted are the photos that are relevant to `q` and pass the filters; each facet is counted without its own
        filters. Other parameters of a search are accepted and change nothing.
        """
        key = (library.generation(), parameters.q, str(parameters.filters))
        document = cached.get(key)
        if document is None:
            document = Facets.from_catalog(library.facets(parameters.q, filters=parameters.filters))
            while len(cached) >= CACHED_FACETS:
                cached.pop(next(iter(cached)), None)
            cached[key] = document
        return respond(document)

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
