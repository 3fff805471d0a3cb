"""The facts that photos are counted by, of all readable photos in columns, so that each count takes a moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from ...arrays import Ids
from .conditions import SQUARE
from .database import fetch
from .dialect import dialect
from .labels import Kind, labelled_photos
from .models import Favourite, Photo

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


def read_table(connection: Connection) -> FacetTable:
    """Read the facts of all readable photos, and their labels: about a second for 20,000, most of it for labels."""
    marked = dialect.unindexed(Photo.content_hash).in_(select(Favourite.content_hash))
    statement = select(
        Photo.id, Photo.root_id, Photo.path, Photo.taken_at, Photo.camera, Photo.lens, Photo.format,
        Photo.width, Photo.height, Photo.latitude.is_not(None), marked,
    ).where(Photo.error.is_(None)).order_by(Photo.id)  # fmt: skip
    rows = fetch(connection, statement)
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 11
    ids, root_ids, photo_paths, moments, cameras, lenses, formats, widths, heights, has_place, is_favourite = columns
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
        _read_labels(connection, "thing", all_ids),
        _read_labels(connection, "place", all_ids),
    )


def _read_labels(connection: Connection, kind: Kind, ids: Ids) -> LabelColumn:
    rows = fetch(connection, labelled_photos(kind))
    column = Column.from_values(key for key, _, _ in rows)
    photo_ids = np.array([photo_id for _, photo_id, _ in rows], np.int64)
    return LabelColumn(column.values, column.codes, np.searchsorted(ids, photo_ids))


def _orientation(width: int, height: int) -> str:
    if width >= height * SQUARE:
        return "landscape"
    return "portrait" if height >= width * SQUARE else "square"
