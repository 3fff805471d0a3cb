"""What a library holds, in any language: groups of photos that have something in common, computed once a generation."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..data import paths
from ..data.catalog.browsing import Browsed
from ..data.catalog.labels import LabelledPhoto
from ..data.places import gazetteer
from ..languages.things import things
from ..search.ranking.calibrate import SURE
from .parts import Parts

MOST_THINGS, MOST_PLACES = 120, 200


CANDIDATES = 400
"""So many of the most frequent things are compared with each other."""

SAME_PHOTOS = 0.8
"""Two things whose photos overlap by this share (intersection over union) are shown as one."""

TOO_WIDE = frozenset(
    {
        "animal",
        "mammal",
        "baby animal",
        "wild animal",
        "sea creature",
        "container",
        "electronics",
        "tool",
        "nature",
        "equipment",
    }
)
"""Things that nobody looks for by that name: chosen by hand. They are suggested and filtered by, but have no tile."""


class Group(NamedTuple):
    """Photos that have something in common, with the photo that stands for them."""

    key: str
    photos: int
    cover: int


class FolderGroup(NamedTuple):
    """The photos in a folder and below it: `root` is its root's path, `path` leads from there."""

    root: bytes
    path: bytes
    photos: int
    cover: int

    @property
    def text(self) -> str:
        """The folder's whole path as printable text, which the filter `in:` takes."""
        return paths.display(paths.join(self.root, self.path) if self.path else self.root)

    @property
    def name(self) -> str:
        """The last part of its path, as printable text."""
        return paths.display(os.path.basename(self.path or self.root.rstrip(b"/")))


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """What a library holds, in any language. Groups with most photos come first."""

    all_things: dict[str, int]
    """Key -> number of photos, of every thing it holds."""
    things: list[Group]
    """Those that are shown."""
    places: list[Group]
    countries: list[Group]
    folders: list[FolderGroup]
    cameras: list[Group]
    lenses: list[Group]
    favourites: tuple[int, int | None]
    copies: int


def holdings(parts: Parts) -> Holdings:
    """What the library holds, now or a moment ago."""
    return parts.cache.get("holdings", parts.catalog.generation(), lambda: _compute(parts), may_lag=True)


def _compute(parts: Parts) -> Holdings:
    catalog = parts.catalog
    with catalog.read_snapshot():
        photos, roots = catalog.browsing.photos(), catalog.browsing.roots()
        labelled = _by_key(catalog.labels.photos("thing"))
        place_photos = {key: ids for key, (ids, _) in _by_key(catalog.labels.photos("place")).items()}
        favourites, copies = catalog.browsing.favourites(), catalog.browsing.copies()
    shown_things, covers = _choose_things(labelled)
    newest = {photo.id: photo.taken_at or "" for photo in photos}
    return Holdings(
        {key: len(ids) for key, (ids, _) in labelled.items()},
        shown_things,
        _newest_covers(place_photos, newest, covers)[:MOST_PLACES],
        _newest_covers(_by_country(place_photos), newest, covers),
        _folders(photos, roots),
        _by_column((photo.camera, photo.id) for photo in photos),
        _by_column((photo.lens, photo.id) for photo in photos),
        favourites,
        copies,
    )


Labelled = Mapping[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]
"""Key -> (ids of its photos, ascending, with their scores)."""


def _by_key(labels: Sequence[LabelledPhoto]) -> Labelled:
    known = things()
    result = {}
    start = 0
    for end in range(1, len(labels) + 1):
        if end == len(labels) or labels[end].key != labels[start].key:
            rows = labels[start:end]
            if rows[0].key in known or gazetteer.place(rows[0].key):
                ids = np.array([row.photo_id for row in rows], np.int64)
                result[rows[0].key] = ids, np.array([row.score for row in rows], np.float32)
            start = end
    return result


def _choose_things(labelled: Labelled) -> tuple[list[Group], set[int]]:
    """The things that are shown, and their covers: sure ones, the most frequent first, none with another's photos."""
    known = things()
    sure = [key for key, (_, scores) in labelled.items() if scores.max() >= SURE and key not in TOO_WIDE]
    order = {key: number for number, key in enumerate(known)}
    sure.sort(key=lambda key: (-len(labelled[key][0]), order[key]))
    candidates = sure[:CANDIDATES]
    # The name that people type goes first: an everyday word, and of two such words the narrower, "dog" before "pet".
    preferred = sorted(
        range(len(candidates)),
        key=lambda place: (not known[candidates[place]].is_everyday, len(labelled[candidates[place]][0]), place),
    )
    overlap = _overlaps([labelled[key][0] for key in candidates])
    kept: list[int] = []
    for place in preferred:
        if all(overlap[place, other] < SAME_PHOTOS for other in kept):
            kept.append(place)
    chosen = [candidates[place] for place in sorted(kept)][:MOST_THINGS]
    covers: dict[str, int] = {}
    used: set[int] = set()
    for key in reversed(chosen):  # the fewest photos leave the least choice
        ids, scores = labelled[key]
        best = [int(ids[row]) for row in np.argsort(-scores, kind="stable")[: len(used) + 1]]
        covers[key] = next((photo for photo in best if photo not in used), best[0])
        used.add(covers[key])
    return [Group(key, len(labelled[key][0]), covers[key]) for key in chosen], used


def _overlaps(sets: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
    """Intersection over union of each two sets."""
    if not sets:
        return np.zeros((0, 0), np.float32)
    members = np.unique(np.concatenate(sets))
    matrix = np.zeros((len(sets), len(members)), np.float32)
    for row, ids in zip(matrix, sets, strict=True):
        row[np.searchsorted(members, ids)] = 1
    common = matrix @ matrix.T
    sizes = common.diagonal()
    return np.asarray(common / (sizes[:, None] + sizes[None] - common), np.float32)


def _by_country(places: Mapping[str, npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[np.int64]]:
    by_country: dict[str, list[npt.NDArray[np.int64]]] = {}
    for key, ids in places.items():
        place = gazetteer.place(key)
        if place:
            by_country.setdefault(place.country, []).append(ids)
    return {country: np.concatenate(ids) for country, ids in by_country.items()}


def _newest_covers(
    groups: Mapping[str, npt.NDArray[np.int64]], taken_at: Mapping[int, str], used: set[int]
) -> list[Group]:
    """Groups whose cover is the newest photo that no other tile has."""
    result = []
    for key, ids in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        newest_first = sorted(ids.tolist(), key=lambda photo: (taken_at.get(photo, ""), -photo), reverse=True)
        cover = next((photo for photo in newest_first if photo not in used), newest_first[0])
        used.add(cover)
        result.append(Group(key, len(ids), cover))
    return result


def _folders(photos: Sequence[Browsed], roots: Mapping[int, bytes]) -> list[FolderGroup]:
    """The folders that photos are in; their numbers include the folders below, as the filter `in:` does."""
    direct: dict[tuple[int, bytes], list[int]] = {}
    for photo in photos:
        direct.setdefault((photo.root_id, os.path.dirname(photo.path)), []).append(photo.id)
    total: Counter[tuple[int, bytes]] = Counter()
    for (root_id, path), ids in direct.items():
        for folder in (b"", *paths.upwards(path)):
            total[root_id, folder] += len(ids)
    folders = [
        FolderGroup(roots[root_id], path, total[root_id, path], ids[-1])
        for (root_id, path), ids in direct.items()
        if root_id in roots
    ]
    return sorted(folders, key=lambda folder: (-folder.photos, folder.root, folder.path))


def _by_column(values: Iterable[tuple[str | None, int]]) -> list[Group]:
    groups: dict[str, list[int]] = {}
    for value, photo_id in values:
        if value:
            groups.setdefault(value, []).append(photo_id)
    counted = [Group(value, len(ids), ids[-1]) for value, ids in groups.items()]
    return sorted(counted, key=lambda group: (-group.photos, group.key))
