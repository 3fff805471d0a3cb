"""Documents about what a library holds to wander through, and about suggestions while typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field

from ..library import exploring, suggesting
from .base import Document, vocabulary

Cover = Annotated[int, Field(description="Id of the photo that stands for them.")]
Query = Annotated[str, Field(description="The query that shows them.")]


class ThingTile(Document):
    """A thing that photos show."""

    key: str = Field(description="As the filter `thing` takes it.")
    name: str = Field(description="In the language asked for.")
    photos: int
    cover: Cover
    q: str = Field(description="The query that shows it: its name, or a filter if that name finds other photos.")


class PlaceTile(Document):
    """A city, or a country as a whole, where photos were taken."""

    key: str = Field(description="As the filter `place` takes it.")
    name: str = Field(description="In the language asked for if it is known, else its local name.")
    country: str = Field(description="ISO 3166 code.")
    latitude: float | None = Field(description="Of the city's middle, in decimal degrees; null for a country.")
    longitude: float | None
    photos: int
    cover: Cover
    q: Query


class FolderTile(Document):
    """A folder that photos are in."""

    name: str
    path: str = Field(description="The whole path as printable text, which the filter `in` takes.")
    photos: int = Field(description="In it and below it.")
    cover: Cover
    q: Query


class CameraTile(Document):
    """A camera."""

    name: str = Field(description="As the filter `camera` takes it.")
    photos: int
    cover: Cover
    q: Query


class FavouritesTile(Document):
    """The favourites."""

    photos: int
    cover: int | None = Field(description="Id of the newest; null if there is none.")


class CopiesTile(Document):
    """The photos whose files are equal to another."""

    photos: int


class Example(Document):
    """A search that finds something relevant in this library."""

    language: str = Field(description="ISO 639-1.")
    text: str


class Explore(Document):
    """What a library holds. Those with most photos come first."""

    things: list[ThingTile]
    places: list[PlaceTile] = Field(description="Cities, and countries for photos that are in none.")
    countries: list[PlaceTile]
    folders: list[FolderTile]
    cameras: list[CameraTile]
    favourites: FavouritesTile
    duplicates: CopiesTile
    examples: list[Example] = Field(description="One in each of the nine languages; none in an empty library.")

    @classmethod
    def from_library(cls, explored: exploring.Explored) -> Self:
        """Make the document."""
        return cls(
            things=[
                ThingTile(key=tile.key, name=tile.name, photos=tile.photos, cover=tile.cover, q=tile.query)
                for tile in explored.things
            ],
            places=_places(explored.places),
            countries=_places(explored.countries),
            folders=[
                FolderTile(path=tile.key, name=tile.name, photos=tile.photos, cover=tile.cover, q=tile.query)
                for tile in explored.folders
            ],
            cameras=[
                CameraTile(name=tile.name, photos=tile.photos, cover=tile.cover, q=tile.query)
                for tile in explored.cameras
            ],
            favourites=FavouritesTile(photos=explored.favourites, cover=explored.newest_favourite),
            duplicates=CopiesTile(photos=explored.copies),
            examples=[Example(language=each.language, text=each.text) for each in explored.examples],
        )


class SuggestedFilter(Document):
    """A filter with its value."""

    name: str
    value: str


class Suggestion(Document):
    """A search that leads to at least one photo: either `q` is its text, or `filter` narrows to it."""

    kind: Annotated[str, vocabulary(*suggesting.KINDS)]
    text: str = Field(description="What to show: a name in the language asked for if that matches.")
    photos: int
    q: str | None
    filter: SuggestedFilter | None


class Suggestions(Document):
    """Suggestions for what was typed so far: by kind, then by number of photos."""

    suggestions: list[Suggestion]

    @classmethod
    def from_library(cls, suggestions: Sequence[suggesting.Suggestion]) -> Self:
        """Make the document."""
        return cls(
            suggestions=[
                Suggestion(
                    kind=each.kind,
                    text=each.text,
                    photos=each.photos,
                    q=each.query,
                    filter=SuggestedFilter(name=each.filter.name, value=each.filter.value) if each.filter else None,
                )
                for each in suggestions
            ]
        )


def _places(tiles: Sequence[exploring.Tile]) -> list[PlaceTile]:
    return [
        PlaceTile(
            key=tile.key,
            name=tile.name,
            country=tile.country,
            latitude=tile.latitude,
            longitude=tile.longitude,
            photos=tile.photos,
            cover=tile.cover,
            q=tile.query,
        )
        for tile in tiles
    ]
