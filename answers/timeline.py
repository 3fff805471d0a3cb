"""Documents about photos in order of time."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from typing import Self

from pydantic import Field

from ..data import paths
from ..data.catalog.records import DayInYear, PhotoRecord
from .base import CameraTime, Document


class TimelinePhoto(Document):
    """What a page needs to show a photo in a list."""

    id: int
    width: int = Field(description="Pixels, upright.")
    height: int = Field(description="Pixels, upright.")
    taken_at: CameraTime | None = Field(description="The camera's local time, ISO 8601.")
    name: str = Field(description="The file's name.")
    favourite: bool = Field(description="Whether it is a favourite.")
    version: str = Field(
        description="Changes with the file's bytes: `/photos/ID/thumbnail?version=…` may be kept for good."
    )


class MonthCount(Document):
    """One month, with its number of photos."""

    month: str | None = Field(description="As 2024-05; null for the photos without a date.")
    photos: int


class Timeline(Document):
    """The months with photos."""

    months: list[MonthCount] = Field(description="The newest first, photos without a date last.")
    photos: int = Field(description="All of them together.")
    first: list[TimelinePhoto] = Field(description="The first of them, as many as were asked for.")

    @classmethod
    def from_counts(
        cls,
        counts: Sequence[tuple[str | None, int]],
        first: Sequence[PhotoRecord] = (),
        favourites: Collection[int] = (),
    ) -> Self:
        """`counts` are (month, number of its photos); `favourites` the ids of the favourites among the first photos."""
        months = [{"month": month, "photos": count} for month, count in counts]
        photos = sum(count for _, count in counts)
        return cls.model_validate({"months": months, "photos": photos, "first": list_items(first, favourites)})


class Month(Document):
    """The photos of one month, or a part of them."""

    month: str | None = Field(description="As 2024-05; null for the photos without a date.")
    photos: list[TimelinePhoto] = Field(description="The newest first.")

    @classmethod
    def from_records(cls, month: str | None, photos: Sequence[PhotoRecord], favourites: Collection[int]) -> Self:
        """`favourites` are the ids of the favourites among the photos."""
        return cls.model_validate({"month": month, "photos": list_items(photos, favourites)})


class YearOfDay(Document):
    """The photos of one day of a year."""

    year: int
    photos: int = Field(description="How many there are.")
    first: list[TimelinePhoto] = Field(description="The first of them, in order of time.")


class OnThisDay(Document):
    """The years with photos of one day of the year."""

    years: list[YearOfDay] = Field(description="The newest first.")

    @classmethod
    def from_days(cls, days: Iterable[DayInYear], favourites: Collection[int]) -> Self:
        """`favourites` are the ids of the favourites among the photos."""
        years = [{"year": day.year, "photos": day.photos, "first": list_items(day.first, favourites)} for day in days]
        return cls.model_validate({"years": years})


class Neighbours(Document):
    """The photos next to one in time."""

    before: list[TimelinePhoto] = Field(description="Taken before it, the nearest first.")
    after: list[TimelinePhoto] = Field(description="Taken after it, the nearest first.")

    @classmethod
    def from_records(
        cls, before: Sequence[PhotoRecord], after: Sequence[PhotoRecord], favourites: Collection[int]
    ) -> Self:
        """`favourites` are the ids of the favourites among the photos."""
        return cls.model_validate({"before": list_items(before, favourites), "after": list_items(after, favourites)})


def list_items(photos: Iterable[PhotoRecord], favourites: Collection[int]) -> list[dict[str, object]]:
    """The fields of a `TimelinePhoto` for each photo."""
    return [
        {
            "id": photo.id,
            "width": photo.width,
            "height": photo.height,
            "taken_at": photo.facts.taken_at,
            "name": paths.display(os.path.basename(photo.path)),
            "favourite": photo.id in favourites,
            "version": photo.version,
        }
        for photo in photos
    ]
