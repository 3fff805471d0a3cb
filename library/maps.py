"""The library on a map."""

from __future__ import annotations

from ..data.catalog.filters import Filters
from ..data.catalog.records import Cluster
from ..search.query.filters import FilterValues
from .parts import Parts
from .timeline import make_filters

WIDEST_CELL = 90.0
"""Degrees of a cell at zoom 0. A map of the world is 256 pixels wide there, so a cell has 64 pixels at every zoom."""

CELLS_ACROSS = 16
"""Most cells that fit into the width, and into the height, of the area that is asked for."""


def clusters(parts: Parts, filters: FilterValues, zoom: float) -> list[Cluster]:
    """The clusters of the photos that pass. See `Library.clusters`."""
    passing = make_filters(parts, filters)
    return parts.catalog.maps.clusters(passing, choose_cell(passing, zoom))


def choose_cell(filters: Filters, zoom: float) -> float:
    """The side of a cell in degrees: that of the zoom, or as much larger as the area needs for few clusters.

    It is halved from zoom to zoom, so the cells of one zoom lie in those of the zoom before.
    """
    width, height = 360.0, 180.0
    for box in filters.within:
        width = min(width, box.east - box.west + (360 if box.west > box.east else 0))
        height = min(height, box.north - box.south)
    cell: float = WIDEST_CELL / 2 ** int(zoom)
    while cell * CELLS_ACROSS < max(width, height):
        cell *= 2
    return cell
