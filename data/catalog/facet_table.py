"""The facts that photos are counted by, of all readable photos in columns, so that each count takes a moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from ...arrays import Ids
from .conditions import SQUARE
from .constructs import Unindexed
from .database import fetch
from .labels import NOWHERE, Kind
from .models import Favourite, Label, Photo

Mask = npt.NDArray[np.bool_]
_MONTH_LENGTH = len("2024-05")


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of every photo: `codes` are indexes of `values`, -1 for none."""

    values: list[Any]
    codes: npt.NDArray[np.int64]

    @classmethod
    def from_values(cls, values: Iterable[Any]) -> Column:
        """The column with these values, None for none; `values` are sorted if all are texts."""
        listed = list(values)
        distinct = sorted({value for value in listed if value is not None})
        numbers: dict[Any, int] = {value: number for number, value in enumerate(distinct)} | {None: -1}
        return cls(distinct, np.array([numbers[value] for value in listed], np.int64))

    def count(self, mask: Mask) -> dict[Any, int]:
        """Value -> number of photos in `mask`, the most frequent first."""
        codes = self.codes[mask]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.values)).tolist()
        pairs = [(value, count) for value, count in zip(self.values, counts, strict=True) if count]
        return dict(sorted(pairs, key=lambda pair: -pair[1]))  # stable

    def ends(self, mask: Mask) -> tuple[Any, Any]:
        """The least and the greatest value in `mask`; None if there is none."""
        codes = self.codes[mask]
        codes = codes[codes >= 0]
        return (self.values[codes.min()], self.values[codes.max()]) if len(codes) else (None, None)


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """The labels of one kind: the photo in row `rows[n]` has the label `values[codes[n]]`."""

    values: list[str]
    codes: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    def count(self, mask: Mask) -> dict[str, int]:
        """Label -> number of photos in `mask`, the most frequent first."""
        return Column(self.values, self.codes).count(mask[self.rows])


@dataclass(frozen=True, slots=True)
class FacetTable:
    """All readable photos in order of their ids."""

    ids: Ids
    moments: Column
    months: Column
    cameras: Column
    lenses: Column
    formats: Column
    orientations: Column
    folders: Column
    """Each value is (id of the root, path of the folder from there)."""
    has_place: Mask
    is_favourite: Mask
    things: LabelColumn
    cities: LabelColumn

    def mask(self, ids: Ids) -> Mask:
        """The photos with these ids."""
        return np.isin(self.ids, ids)


@dataclass(frozen=True, slots=True)
class ContentLabels:
    """All labels of one kind: `hashes[n]` has the label `values[codes[n]]`."""

    values: list[str]
    codes: npt.NDArray[np.int64]
    hashes: list[bytes]

    def of_photos(self, content_hashes: Sequence[bytes]) -> LabelColumn:
        """The labels of photos with these contents, of which several may be the same."""
        numbers: dict[bytes, int] = {}
        contents = np.array([numbers.setdefault(each, len(numbers)) for each in content_hashes], np.int64)
        rows = np.argsort(contents, kind="stable")  # the photos of the first content, those of the second …
        photos = np.bincount(contents, minlength=len(numbers))
        labelled = np.array([numbers.get(each, -1) for each in self.hashes], np.int64)
        codes, labelled = self.codes[labelled >= 0], labelled[labelled >= 0]
        repeats = photos[labelled]
        first = np.repeat((np.cumsum(photos) - photos)[labelled], repeats)
        within = np.arange(len(first)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        return LabelColumn(self.values, np.repeat(codes, repeats), rows[first + within])


def read_labels(connection: Connection) -> dict[Kind, ContentLabels]:
    """Read all labels. Of three for each of 100,000 photos this takes longer than all else that is counted."""
    return {"thing": _read_labels(connection, "thing"), "place": _read_labels(connection, "place")}


def read_table(connection: Connection, labels: Mapping[Kind, ContentLabels]) -> FacetTable:
    """Read the facts of all readable photos, and put their labels beside them."""
    marked = Unindexed(Photo.content_hash).in_(select(Favourite.content_hash))
    statement = select(
        Photo.id, Photo.root_id, Photo.path, Photo.taken_at, Photo.camera, Photo.lens, Photo.format,
        Photo.width, Photo.height, Photo.latitude.is_not(None), marked, Photo.content_hash,
    ).where(Photo.error.is_(None)).order_by(Photo.id)  # fmt: skip
    rows = fetch(connection, statement)
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 12
    ids, root_ids, photo_paths, moments, cameras, lenses, formats, widths, heights, has_place, is_favourite, hashes = (
        columns
    )
    all_ids = np.array(ids, np.int64)
    return FacetTable(
        all_ids,
        Column.from_values(moments),
        Column.from_values(moment and moment[:_MONTH_LENGTH] for moment in moments),
        Column.from_values(cameras),
        Column.from_values(lenses),
        Column.from_values(formats),
        Column.from_values(map(_orientation, widths, heights)),
        Column.from_values(zip(root_ids, map(os.path.dirname, photo_paths), strict=True)),
        np.array(has_place, np.bool_),
        np.array(is_favourite, np.bool_),
        labels["thing"].of_photos(hashes),
        labels["place"].of_photos(hashes),
    )


def _read_labels(connection: Connection, kind: Kind) -> ContentLabels:
    statement = select(Label.key, Label.content_hash).where(Label.kind == kind, Label.key != NOWHERE)
    rows = fetch(connection, statement)
    column = Column.from_values(key for key, _ in rows)
    shared: dict[bytes, bytes] = {}  # a content has several labels, and one hash in memory
    return ContentLabels(column.values, column.codes, [shared.setdefault(each, each) for _, each in rows])


def _orientation(width: int, height: int) -> str:
    if width >= height * SQUARE:
        return "landscape"
    return "portrait" if height >= width * SQUARE else "square"
