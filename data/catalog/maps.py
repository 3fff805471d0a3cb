"""Photos on the map: clusters on a grid, counted in the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from .conditions import conditions
from .constructs import Floor
from .database import Database, fetch
from .filters import Filters
from .models import Photo
from .records import Cluster


class PhotoMap:
    """Reads where readable photos were taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clusters(self, filters: Filters, cell: float) -> list[Cluster]:
        """The photos that pass, those of one square of `cell` x `cell` degrees as one cluster.

        Squares begin at the South Pole and at the date line, so a cluster stays the same when the map is moved. The
        photo with the highest id, the one that was added last, represents a cluster.
        """
        row, column = Floor((Photo.latitude + 90) / cell), Floor((Photo.longitude + 180) / cell)
        edges = [edge(value) for value in (Photo.latitude, Photo.longitude) for edge in (func.min, func.max)]
        means = [func.avg(Photo.latitude), func.avg(Photo.longitude)]
        columns: list[Any] = [func.count(), func.max(Photo.id), *means, *edges]
        with self._database.reading() as connection:
            # No failed file has a place, so that without other filters the index of places alone answers.
            passing = conditions(connection, replace(filters, with_place=True))
            rows = fetch(connection, select(*columns).where(*passing).group_by(row, column))
        clusters = [
            Cluster(count, cover, latitude, longitude, south, west, north, east)
            for count, cover, latitude, longitude, south, north, west, east in rows
        ]
        return sorted(clusters, key=lambda cluster: -cluster.photos)
