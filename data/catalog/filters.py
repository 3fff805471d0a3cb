"""What photos must be like to be searched at all: frozen values, no SQL. `conditions` compiles them.

All filters that are set must hold. Those that take several values (`roots`, `inside`, `folders`, `cameras`,
`lenses`, `formats`, `things`, `places`) hold if one of the values does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """From `least` to `most`, both included; None leaves that end open."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """Within `km` kilometres of a place in decimal degrees."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class Box:
    """Between two latitudes and two longitudes in decimal degrees; `west` above `east` crosses the date line."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True)
class Inside:
    """A folder of a root, and all in it; `path` leads there from the root, as printable text, empty for the root."""

    root: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What a photo must be like. Dates are `YYYY-MM-DD` of the camera's local time: `after` is included, `before` not.

    `aspect` is width / height, `pixels` width * height, `file_bytes` the file's size. A photo without the fact that
    a filter is about (no date, no place) does not pass it.
    """

    after: str | None = None
    before: str | None = None
    roots: tuple[bytes, ...] = ()
    inside: tuple[Inside, ...] = ()
    folders: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    lenses: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    orientation: str | None = None
    """`landscape`, `portrait` or `square`."""
    aspect: Span | None = None
    pixels: Span | None = None
    file_bytes: Span | None = None
    near: Near | None = None
    things: tuple[str, ...] = ()
    """Keys of things that the photo shows (`languages.things`)."""
    places: tuple[str, ...] = ()
    """Keys or names of cities and countries, in any language (`data.places`)."""
    within: tuple[Box, ...] = ()
    """A photo has to be in all of them."""
    with_place: bool = False
    favourite: bool = False
    undated: bool = False
    """Without a date."""

    def __bool__(self) -> bool:
        """Whether a filter is set."""
        return self != NOTHING


NOTHING = Filters()

_GROUPS = {
    "after": "date",
    "before": "date",
    "undated": "date",
    "cameras": "camera",
    "lenses": "lens",
    "formats": "type",
    "roots": "folder",
    "inside": "folder",
    "folders": "folder",
    "near": "place",
    "within": "place",
    "with_place": "place",
}
"""Field of `Filters` -> the facet it belongs to; other fields are facets of their own."""


def split(filters: Filters) -> dict[str, Filters]:
    """The filters that are set, by facet: a photo passes all filters if it passes each of the parts."""
    parts: dict[str, Filters] = {}
    for each in fields(Filters):
        value = getattr(filters, each.name)
        if value != getattr(NOTHING, each.name):
            name = _GROUPS.get(each.name, each.name)
            changed: dict[str, Any] = {each.name: value}
            parts[name] = replace(parts.get(name, NOTHING), **changed)
    return parts
