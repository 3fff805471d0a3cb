"""Documents about photos on a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from ..data.catalog import records
from .base import Document


class Cluster(Document):
    """Photos that were taken near each other."""

    latitude: float = Field(description="Their mean place, decimal degrees.")
    longitude: float
    photos: int = Field(description="How many there are.")
    cover: int = Field(description="Id of the photo that represents them.")
    within: str = Field(description="The box around them, as the filter `within` takes it: it selects these photos.")


class Map(Document):
    """The photos of an area in clusters."""

    clusters: list[Cluster] = Field(description="The largest first.")
    photos: int = Field(description="All of them together.")

    @classmethod
    def from_clusters(cls, clusters: Sequence[records.Cluster]) -> Self:
        """Places get 6 decimals; boxes stay exact, so that they contain their photos."""
        return cls(
            clusters=[
                Cluster(
                    latitude=round(cluster.latitude, 6),
                    longitude=round(cluster.longitude, 6),
                    photos=cluster.photos,
                    cover=cluster.cover,
                    within=f"{cluster.south!r},{cluster.west!r},{cluster.north!r},{cluster.east!r}",
                )
                for cluster in clusters
            ],
            photos=sum(cluster.photos for cluster in clusters),
        )
