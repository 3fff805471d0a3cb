"""What photos must be like to be found at all: a frozen value, and the SQL conditions it means.

All filters that are set must hold. Those that take several values (`roots`, `inside`, `folders`, `cameras`,
`formats`) hold if one of the values does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, and_, cast, false, func, or_, select, text

from ...languages.fold import fold
from . import fulltext
from .models import Favourite, Photo
from .sphere import EARTH_KM

_SEPARATOR = os.fsencode(os.sep)

SQUARE = 1.02
"""A picture whose sides differ by less than this factor is square."""


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
class Inside:
    """A folder of a root, and all in it; `path` leads there from the root, as printable text, empty for the root."""

    root: bytes
    path: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What a photo must be like. Dates are `YYYY-MM-DD` of the camera's local time: `after` is included, `before` not.

    `aspect` is width / height, `pixels` width * height, `file_bytes` the file's size. A photo that does not say what
    a filter asks for (no date, no place) does not pass it.
    """

    after: str | None = None
    before: str | None = None
    roots: tuple[bytes, ...] = ()
    inside: tuple[Inside, ...] = ()
    folders: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    orientation: str | None = None
    """`landscape`, `portrait` or `square`."""
    aspect: Span | None = None
    pixels: Span | None = None
    file_bytes: Span | None = None
    near: Near | None = None
    with_place: bool = False
    favourite: bool = False

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != NOTHING


NOTHING = Filters()


def conditions(
    wanted: Filters, cameras: Sequence[str], root_ids: Sequence[int], places: Sequence[tuple[int, bytes]]
) -> list[Any]:
    """Conditions over `photo` that select what passes.

    `cameras` are those of the library that `wanted.cameras` mean, `root_ids` the roots that `wanted.roots` mean, and
    `places` (root's id, path from there) the folders that `wanted.inside` mean.
    """
    says = (wanted.after, wanted.before, wanted.orientation, wanted.aspect, wanted.pixels, wanted.near)
    # A file that failed says nothing of itself; not to ask whether it did lets SQLite count by an index alone.
    is_said = any(each is not None for each in says) or wanted.cameras or wanted.formats or wanted.with_place
    result: list[Any] = [] if is_said else [Photo.error.is_(None)]
    if wanted.after is not None:
        result.append(Photo.taken_at >= wanted.after)
    if wanted.before is not None:
        result.append(Photo.taken_at < wanted.before)
    if wanted.roots:
        result.append(Photo.root_id.in_(root_ids))
    if wanted.inside:
        result.append(or_(false(), *(_is_inside(root_id, path) for root_id, path in places)))
    if wanted.folders:
        result.append(or_(*(_in_folder(number, folder) for number, folder in enumerate(wanted.folders))))
    if wanted.cameras:
        result.append(Photo.camera.in_(cameras))
    if wanted.formats:
        result.append(Photo.format.in_(wanted.formats))
    if wanted.orientation is not None:
        result.append(_oriented(wanted.orientation))
    if wanted.with_place:
        result.append(Photo.latitude.is_not(None))
    if wanted.favourite:
        result.append(Photo.content_hash.in_(select(Favourite.content_hash)))
    for span, value in (
        (wanted.aspect, cast(Photo.width, Float) / Photo.height),
        (wanted.pixels, Photo.width * Photo.height),
        (wanted.file_bytes, Photo.size),
    ):
        result += _within(span, value)
    return result + (_close(wanted.near) if wanted.near else [])


def means_camera(wanted: str, camera: str) -> bool:
    """Whether a camera's name contains what was asked for, whatever the case."""
    return fold(wanted) in fold(camera)


def _within(span: Span | None, value: Any) -> list[Any]:
    if span is None:
        return []
    least = [value >= span.least] if span.least is not None else []
    return least + ([value <= span.most] if span.most is not None else [])


def _oriented(orientation: str) -> Any:
    if orientation == "landscape":
        return Photo.width >= Photo.height * SQUARE
    if orientation == "portrait":
        return Photo.height >= Photo.width * SQUARE
    return and_(Photo.width < Photo.height * SQUARE, Photo.height < Photo.width * SQUARE)


def _in_folder(number: int, folder: str) -> Any:
    """Photos with these words in the names of their folders; none if it holds no word."""
    expression = fulltext.match(folder, column="folder")
    name = f"folder_{number}"
    statement = text(f"SELECT rowid FROM words WHERE words MATCH :{name}")
    return Photo.id.in_(statement.bindparams(**{name: expression})) if expression else Photo.id.in_([])


def _is_inside(root_id: int, path: bytes) -> Any:
    """Photos in this folder or below it: a stretch of the index of paths."""
    if not path:
        return Photo.root_id == root_id
    after = bytes([_SEPARATOR[0] + 1])
    return and_(Photo.root_id == root_id, Photo.path >= path + _SEPARATOR, Photo.path < path + after)


def _close(near: Near) -> list[Any]:
    """A box that an index can serve, then the distance on the sphere (haversine)."""
    north = math.degrees(near.km / EARTH_KM)
    # The widest meridians of a circle on a sphere; over a pole it reaches all of them.
    ratio = math.sin(min(near.km / EARTH_KM, math.pi / 2)) / max(math.cos(math.radians(near.latitude)), 1e-12)
    east = math.degrees(math.asin(ratio)) if ratio < 1 and north < 90 else 180.0
    box: list[Any] = [Photo.latitude.between(near.latitude - north, near.latitude + north)]
    if east < 180:
        ranges = [
            Photo.longitude.between(near.longitude - east + turn, near.longitude + east + turn)
            for turn in (-360, 0, 360)
        ]
        box.append(or_(*ranges))
    return [*box, func.distance_km(near.latitude, near.longitude, Photo.latitude, Photo.longitude) <= near.km]
