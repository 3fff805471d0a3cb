"""What the library holds: status, what there is to filter by, copies, encoders."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ... import documents
from ...data import copies
from ...data import facets as counting
from ...encoders import registry
from ...library import Library
from . import schemas
from .parameters import Count, Position


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Library"])
    kept: dict[int, documents.Document] = {}  # the newest generation's facets: counting takes time

    @routes.get("/status", response_model=schemas.Status)
    def status() -> JSONResponse:
        """What the library holds."""
        return JSONResponse(documents.status(library.status()))

    @routes.get("/facets", response_model=schemas.Facets)
    def facets() -> JSONResponse:
        """What there is to filter by: cameras, folders, kinds, dates, each with its number of photos."""
        generation = library.catalog.generation()
        if generation not in kept:
            counted = documents.facets(counting.read(library.catalog))
            kept.clear()
            kept[generation] = counted
        return JSONResponse(kept.get(generation) or documents.facets(counting.read(library.catalog)))

    @routes.get("/duplicates", response_model=schemas.Groups)
    def duplicates(k: Count = 20, cursor: Position = 0) -> JSONResponse:
        """Photos whose files are equal, byte for byte, in groups."""
        groups = copies.page(library.catalog, cursor, k + 1)
        more = groups[k - 1][0].id if len(groups) > k else None
        return JSONResponse({"groups": [documents.copies(group) for group in groups[:k]], "next": more})

    @routes.get("/encoders", response_model=list[schemas.Encoder])
    def encoders() -> JSONResponse:
        """The encoders there are. Switch with `polyglance reencode --encoder NAME`."""
        active = library.catalog.active_encoder()
        known = registry.listing(library.settings)
        return JSONResponse([documents.encoder(each, active.name if active else None) for each in known])

    return routes
