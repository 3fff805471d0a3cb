"""Published figures, for comparison with ours."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..encoders.transformers.known import by_name

FILE = Path(__file__).parent / "published.toml"

TOLERANCE = 0.5
"""Largest difference, in points, that counts as agreement: published figures are rounded to 0.1 and half precision."""


@dataclass(frozen=True)
class Published:
    """One row of a published table. Figures are percent for retrieval, fractions for classification, as printed.

    `encoder` is the hub id of the same weights; empty if polyglance cannot load them. `pictures` is the size of the
    test set: figures for another number of pictures cannot be compared.
    """

    dataset: str
    method: str
    source: str
    pictures: int
    language: str = ""
    split: str = ""
    encoder: str = ""
    text_to_image: Mapping[str, float] = field(default_factory=dict)
    image_to_text: Mapping[str, float] = field(default_factory=dict)
    MR: float | None = None
    acc1: float | None = None
    acc5: float | None = None
    mean_per_class_recall: float | None = None

    def is_from(self, encoder: str) -> bool:
        """Whether these are figures of the encoder with this name."""
        model = by_name(encoder)
        return bool(self.encoder) and self.encoder in (encoder, model.repo if model else "")


@functools.cache
def retrieval() -> tuple[Published, ...]:
    """All published retrieval figures."""
    return tuple(_rows("retrieval"))


@functools.cache
def zeroshot() -> tuple[Published, ...]:
    """All published classification figures."""
    return tuple(_rows("zeroshot"))


def _rows(table: str) -> list[Published]:
    with FILE.open("rb") as file:
        document: dict[str, Any] = tomllib.load(file)
    sources = document["sources"]
    return [Published(**{**row, "source": sources[row["source"]]}) for row in document[table]]


def for_retrieval(dataset: str, language: str, pictures: int) -> list[Published]:
    """The rows of a data set and language that `pictures` pictures can be compared with."""
    return [row for row in retrieval() if (row.dataset, row.language, row.pictures) == (dataset, language, pictures)]


def for_zeroshot(dataset: str, split: str, pictures: int) -> list[Published]:
    """The rows of a data set and split that `pictures` pictures can be compared with."""
    return [row for row in zeroshot() if (row.dataset, row.split, row.pictures) == (dataset, split, pictures)]


def agreement(row: Published, ours: Mapping[str, Any]) -> float:
    """Largest difference, in points, between a row and our figures of the same measures."""
    differences = [
        abs(ours[way][name] - value)
        for way in ("text_to_image", "image_to_text")
        for name, value in getattr(row, way).items()
    ]
    if row.MR is not None:
        differences.append(abs(ours["MR"] - row.MR))
    differences += [
        100 * abs(ours[name] - getattr(row, name))
        for name in ("acc1", "acc5", "mean_per_class_recall")
        if getattr(row, name) is not None and ours.get(name) is not None
    ]
    return float(max(differences))
