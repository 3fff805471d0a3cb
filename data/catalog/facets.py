"""What the photos of a library have in common: cameras, formats, folders, the first and the last date."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection, select

from ...arrays import Ids
from .. import paths
from ..places import gazetteer
from .conditions import conditions
from .database import Database, fetch
from .facet_table import ContentLabels, FacetTable, Mask, read_labels, read_table
from .filters import NOTHING, Filters, split
from .labels import Kind
from .models import Photo, Root
from .settings import LibrarySettings, read_labels_generation

_SEPARATOR = os.fsencode(os.sep)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with photos in it or below it: `path` is relative to its root, empty for the root itself."""

    root: bytes
    path: bytes
    photos: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What a search can be narrowed by. Dates are the cameras' local time; None if no photo has one."""

    cameras: dict[str, int]
    formats: dict[str, int]
    """By name as `formats` has them."""
    folders: list[Folder]
    first: str | None
    last: str | None
    favourites: int
    places: int
    """Photos that have a place in their metadata."""
    lenses: dict[str, int] = field(default_factory=dict)
    months: dict[str, int] = field(default_factory=dict)
    """By month as 2024-05, the newest first."""
    undated: int = 0
    orientations: dict[str, int] = field(default_factory=dict)
    photos: int = 0
    """Photos that pass all filters."""
    things: dict[str, int] = field(default_factory=dict)
    """By the keys of `languages.things`."""
    cities: dict[str, int] = field(default_factory=dict)
    """By the keys of `data.places`; countries by their codes, with the photos of their cities."""


class FacetCounts:
    """Counts over the readable photos."""

    def __init__(self, database: Database, settings: LibrarySettings) -> None:
        self._database = database
        self._settings = settings
        self._table: tuple[int, FacetTable] | None = None
        """The generation of the library, and the facts of its photos then."""
        self._labels: tuple[str, dict[Kind, ContentLabels]] | None = None
        """The generation of the labels, and the labels then: a mark or a moved photo changes only the rest."""

    def count(self, filters: Filters = NOTHING, among: Ids | None = None) -> Facets:
        """Count the photos that pass the filters; only those with the ids `among`, if it is not None.

        Each facet is counted without its own filters, so that it shows what else there is to choose.
        """
        with self._database.read_snapshot(), self._database.reading() as connection:
            table = self._read_table(connection)
            base = np.ones(len(table.ids), np.bool_) if among is None else table.mask(among)
            masks = {name: table.mask(_passing(connection, part)) for name, part in split(filters).items()}
            root_paths = {row.id: row.path for row in connection.execute(select(Root.id, Root.path))}

        def without(name: str) -> Mask:
            others = [mask for other, mask in masks.items() if other != name]
            return np.asarray(np.logical_and.reduce([base, *others]), np.bool_)

        dated, oriented = without("date"), table.orientations.count(without("orientation"))
        first, last = table.moments.ends(dated)
        return Facets(
            table.cameras.count(without("camera")),
            table.formats.count(without("type")),
            _folders(table.folders.count(without("folder")), root_paths),
            first,
            last,
            int(np.count_nonzero(without("favourite") & table.is_favourite)),
            int(np.count_nonzero(without("place") & table.has_place)),
            lenses=table.lenses.count(without("lens")),
            months=dict(sorted(table.months.count(dated).items(), reverse=True)),
            undated=int(np.count_nonzero(dated & (table.moments.codes < 0))),
            orientations=oriented,
            photos=int(np.count_nonzero(without(""))),
            things=table.things.count(without("things")),
            cities=_with_countries(table.cities.count(without("places"))),
        )

    def _read_table(self, connection: Connection) -> FacetTable:
        generation = self._settings.generation()
        if self._table is None or self._table[0] != generation:
            self._table = (generation, read_table(connection, self._read_labels(connection)))
        return self._table[1]

    def _read_labels(self, connection: Connection) -> dict[Kind, ContentLabels]:
        generation = read_labels_generation(connection)
        if self._labels is None or self._labels[0] != generation:
            self._labels = (generation, read_labels(connection))
        return self._labels[1]


def _passing(connection: Connection, filters: Filters) -> Ids:
    statement = select(Photo.id).where(*conditions(connection, filters))
    return np.array(fetch(connection, statement), np.int64).reshape(-1)


def _with_countries(counts: Mapping[str, int]) -> dict[str, int]:
    """The same counts of cities, and those of their countries; the most frequent first."""
    total = Counter(counts)
    for key, count in counts.items():
        place = gazetteer.place(key)
        if place and place.country != key:
            total[place.country] += count
    return dict(total.most_common())


def _folders(direct: Mapping[tuple[int, bytes], int], root_paths: Mapping[int, bytes]) -> list[Folder]:
    """Every folder with photos, and the folders above it, with all photos below; in order of root and path."""
    total: Counter[tuple[int, bytes]] = Counter()
    for (root_id, folder), count in direct.items():
        for ancestor in (b"", *paths.upwards(folder)):
            total[root_id, ancestor] += count
    folders = [
        Folder(root_paths[root_id], path, count) for (root_id, path), count in total.items() if root_id in root_paths
    ]
    return sorted(folders, key=lambda folder: (folder.root, folder.path.split(_SEPARATOR)))


def shown(folder: Folder) -> tuple[str, str]:
    """(root, path below it) as printable text."""
    return paths.display(folder.root), paths.display(folder.path)
