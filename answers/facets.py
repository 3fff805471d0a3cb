"""Documents about facets: the values that filters can have, with numbers of photos."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from ..data import paths
from ..data.catalog import facets
from ..search.query import filter_values
from .base import CameraTime, Document


class NamedCount(Document):
    """A camera or a kind of file, with its number of photos."""

    name: str = Field(description="As filters take it.")
    photos: int


class PhotoFolder(Document):
    """A folder with photos in it or below it."""

    root: str = Field(description="The root it is in, as printable text.")
    path: str = Field(description="Relative to the root, empty for the root itself; printable text.")
    photos: int = Field(description="In it and below it.")


class Facets(Document):
    """What there is to filter by, each with its number of photos."""

    cameras: list[NamedCount] = Field(description="The most frequent first.")
    folders: list[PhotoFolder] = Field(description="In order of root and path.")
    types: list[NamedCount] = Field(description="Kinds of file, as the filter `type` takes them.")
    first: CameraTime | None = Field(description="When the oldest photo was taken: the camera's local time, ISO 8601.")
    last: CameraTime | None = Field(description="When the newest photo was taken.")
    favourites: int
    places: int = Field(description="Photos that say where they were taken.")
    lenses: list[NamedCount] = Field(default=[], description="The most frequent first.")
    years: list[NamedCount] = Field(default=[], description="The newest first, as the filter `date` takes them.")
    months: list[NamedCount] = Field(default=[], description="The same for months, as 2024-05.")
    undated: int = Field(default=0, description="Photos without a date.")
    orientations: list[NamedCount] = Field(default=[], description="The most frequent first.")
    photos: int = Field(default=0, description="Photos that pass all filters.")
    things: list[NamedCount] = Field(default=[], description="By key, as `/explore` has it; the most frequent first.")
    cities: list[NamedCount] = Field(default=[], description="The same for cities and countries.")

    @classmethod
    def from_catalog(cls, counted: facets.Facets) -> Self:
        """Make the document. Formats with the same value of the filter `type` are counted together."""
        types: dict[str, int] = {}
        for name, count in counted.formats.items():
            short = filter_values.type_of(name)
            if short:
                types[short] = types.get(short, 0) + count
        years: dict[str, int] = {}
        for month, count in counted.months.items():
            years[month[:4]] = years.get(month[:4], 0) + count
        return cls(
            cameras=_named(counted.cameras),
            folders=[
                PhotoFolder(root=paths.display(folder.root), path=paths.display(folder.path), photos=folder.photos)
                for folder in counted.folders
            ],
            types=_named(types),
            first=counted.first,
            last=counted.last,
            favourites=counted.favourites,
            places=counted.places,
            lenses=_named(counted.lenses),
            years=_named(years),
            months=_named(counted.months),
            undated=counted.undated,
            orientations=_named(counted.orientations),
            photos=counted.photos,
            things=_named(counted.things),
            cities=_named(counted.cities),
        )


def _named(counts: dict[str, int]) -> list[NamedCount]:
    return [NamedCount(name=name, photos=count) for name, count in counts.items()]
