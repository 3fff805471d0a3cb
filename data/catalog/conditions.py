"""Filters compiled to SQL: the only place that knows how `Filters` are asked of the table of photos."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Float, and_, cast, false, or_, select, text

from ...languages.fold import fold
from .. import paths
from ..places import gazetteer
from . import expression
from .constructs import WORDS_ID, DistanceKm, IsMatch
from .filters import Box, Filters, Inside, Near, Span
from .models import Favourite, Label, Photo, Root
from .sphere import EARTH_KM
from .word_query import WordQuery

SQUARE = 1.02
"""A picture whose sides differ by less than this factor is square."""

_SEPARATOR = os.fsencode(os.sep)

# One seek a camera, whatever the number of photos: SELECT DISTINCT would read the index through.
_CAMERAS = text(
    "WITH RECURSIVE known(camera) AS (SELECT min(camera) FROM photo UNION ALL"
    " SELECT (SELECT min(camera) FROM photo WHERE camera > known.camera) FROM known WHERE known.camera IS NOT NULL)"
    " SELECT camera FROM known WHERE camera IS NOT NULL"
)

_PLACES = text(
    "WITH RECURSIVE known(key) AS (SELECT min(key) FROM label WHERE kind = 'place' AND key > '' UNION ALL"
    " SELECT (SELECT min(key) FROM label WHERE kind = 'place' AND key > known.key) FROM known WHERE known.key IS NOT"
    " NULL) SELECT key FROM known WHERE key IS NOT NULL"
)
_LENSES = text("SELECT DISTINCT lens FROM photo WHERE lens IS NOT NULL")  # no index: few searches ask for a lens


def conditions(connection: Connection, filters: Filters) -> list[Any]:
    """Conditions over `photo` that select the readable photos that pass `filters`."""
    cameras = _named(connection, _CAMERAS, filters.cameras)
    lenses = _named(connection, _LENSES, filters.lenses)
    root_ids: Sequence[int] = ()
    if filters.roots:
        root_ids = connection.execute(select(Root.id).where(Root.path.in_(filters.roots))).scalars().all()
    folders = [folder for inside in filters.inside for folder in _folders(connection, inside)]
    labels = [_has_label("thing", filters.things)] if filters.things else []
    if filters.places:
        labels.append(_has_label("place", _place_keys(connection, filters.places)))
    return compile_filters(filters, cameras, root_ids, folders, lenses) + labels


def compile_filters(
    filters: Filters,
    cameras: Sequence[str],
    root_ids: Sequence[int],
    folders: Sequence[tuple[int, bytes]],
    lenses: Sequence[str] = (),
) -> list[Any]:
    """The same, given what the catalog has: the names of `cameras` that `filters.cameras` mean, the ids of the roots
    that `filters.roots` mean, the `folders` (root's id, path from there) that `filters.inside` mean, and the names of
    `lenses` that `filters.lenses` mean.
    """
    facts = (filters.after, filters.before, filters.orientation, filters.aspect, filters.pixels, filters.near)
    # A failed file has no facts, so a filter by facts excludes it. Without `error IS NULL` an index alone can count.
    several = (filters.cameras, filters.lenses, filters.formats, filters.within)
    excludes_failed = any(fact is not None for fact in facts) or any(several)
    result: list[Any] = [] if excludes_failed or filters.with_place else [Photo.error.is_(None)]
    if filters.after is not None:
        result.append(Photo.taken_at >= filters.after)
    if filters.before is not None:
        result.append(Photo.taken_at < filters.before)
    if filters.undated:
        result.append(Photo.taken_at.is_(None))
    if filters.roots:
        result.append(Photo.root_id.in_(root_ids))
    if filters.inside:
        result.append(or_(false(), *(_is_inside(root_id, path) for root_id, path in folders)))
    if filters.folders:
        result.append(or_(*(_has_folder_words(number, words) for number, words in enumerate(filters.folders))))
    if filters.cameras:
        result.append(Photo.camera.in_(cameras))
    if filters.lenses:
        result.append(Photo.lens.in_(lenses))
    if filters.formats:
        result.append(Photo.format.in_(filters.formats))
    if filters.orientation is not None:
        result.append(_is_oriented(filters.orientation))
    if filters.with_place:
        result.append(Photo.latitude.is_not(None))
    for box in filters.within:
        result += _is_in_box(box)
    if filters.favourite:
        result.append(Photo.content_hash.in_(select(Favourite.content_hash)))
    for span, value in (
        (filters.aspect, cast(Photo.width, Float) / Photo.height),
        (filters.pixels, Photo.width * Photo.height),
        (filters.file_bytes, Photo.size),
    ):
        result += _is_within(span, value)
    return result + (_is_near(filters.near) if filters.near else [])


def _named(connection: Connection, existing: Any, names: Sequence[str]) -> list[str]:
    """The existing cameras or lenses that are meant by names: a part of their own, whatever the case."""
    if not names:
        return []
    folded = [fold(name) for name in names]
    stored = [str(value) for value in connection.execute(existing).scalars()]
    return [value for value in stored if any(name in fold(value) for name in folded)]


def _folders(connection: Connection, inside: Inside) -> list[tuple[int, bytes]]:
    r"""(root's id, exact path from there) of the folder, or of several whose printable text is the same.

    The text is the path itself, unless there is a backslash in it: then `\xNN` may stand for a byte that is no text.
    """
    root_id = connection.execute(select(Root.id).where(Root.path == inside.root)).scalar()
    if root_id is None:
        return []
    if "\\" not in inside.path:
        return [(root_id, inside.path.encode("utf-8", "surrogateescape"))]
    photo_paths = connection.execute(select(Photo.path).where(Photo.root_id == root_id)).scalars()
    parents = {os.path.dirname(path) for path in photo_paths}
    folders = {folder for parent in parents for folder in paths.upwards(parent)}
    return [(root_id, folder) for folder in sorted(folders) if paths.display(folder) == inside.path]


def _place_keys(connection: Connection, texts: Sequence[str]) -> list[str]:
    """The keys of the library's places that one of the texts means."""
    keys = [str(key) for key in connection.execute(_PLACES).scalars()]
    return [key for key in keys if any(gazetteer.matches(text, key) for text in texts)]


def _has_label(kind: str, keys: Sequence[str]) -> Any:
    """Photos whose content has a label of this kind with one of the keys."""
    return Photo.content_hash.in_(select(Label.content_hash).where(Label.kind == kind, Label.key.in_(keys)))


def _is_within(span: Span | None, value: Any) -> list[Any]:
    if span is None:
        return []
    least = [value >= span.least] if span.least is not None else []
    return least + ([value <= span.most] if span.most is not None else [])


def _is_oriented(orientation: str) -> Any:
    if orientation == "landscape":
        return Photo.width >= Photo.height * SQUARE
    if orientation == "portrait":
        return Photo.height >= Photo.width * SQUARE
    return and_(Photo.width < Photo.height * SQUARE, Photo.height < Photo.width * SQUARE)


def _has_folder_words(number: int, folder: str) -> Any:
    """Photos with these words in the names of their folders; none if `folder` has no word."""
    asked = expression.of_words(WordQuery.from_texts([folder]), column="folder")
    parameter = f"folder_{number}"
    matching = select(WORDS_ID).where(IsMatch(parameter)).params({parameter: asked})
    return Photo.id.in_(matching) if asked else Photo.id.in_([])


def _is_inside(root_id: int, path: bytes) -> Any:
    """Photos in this folder or below it: a range of the index of paths."""
    if not path:
        return Photo.root_id == root_id
    after = bytes([_SEPARATOR[0] + 1])
    return and_(Photo.root_id == root_id, Photo.path >= path + _SEPARATOR, Photo.path < path + after)


def _is_in_box(box: Box) -> list[Any]:
    if box.west <= box.east:
        across: Any = Photo.longitude.between(box.west, box.east)
    else:
        across = or_(Photo.longitude >= box.west, Photo.longitude <= box.east)
    return [Photo.latitude.between(box.south, box.north), across]


def _is_near(near: Near) -> list[Any]:
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
    return [*box, DistanceKm(near.latitude, near.longitude, Photo.latitude, Photo.longitude) <= near.km]
