"""Documents about single photos, groups of photos, and favourites."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Self

from pydantic import Field

from ..data import paths
from ..data.catalog.records import PhotoRecord
from ..data.pictures.exif import Exposure
from ..search import answer as searches
from .base import CameraTime, Document
from .searching import Result, result_fields


class Place(Document):
    """Where a photo was taken."""

    name: str | None = Field(description="The city, in the language asked for if known; null if it is in none.")
    country: str = Field(description="ISO 3166 code.")


class Photo(Document):
    """Everything the library knows about one photo."""

    id: int
    path: str = Field(description="Printable text; not for opening files.")
    folder: str = Field(description="The folder of `path`.")
    name: str = Field(description="The file's name.")
    width: int | None = Field(description="Pixels, upright.")
    height: int | None = Field(description="Pixels, upright.")
    format: str | None = Field(description="As JPEG, PNG, HEIF.")
    size: int = Field(description="Bytes.")
    taken_at: CameraTime | None = Field(description="The camera's local time, ISO 8601.")
    camera: str | None = Field(description="Maker and model.")
    lens: str | None
    latitude: float | None = Field(description="Decimal degrees, north is positive.")
    longitude: float | None = Field(description="Decimal degrees, east is positive.")
    caption: str | None = Field(description="The description in the file.")
    keywords: list[str] = Field(description="The keywords in the file.")
    favourite: bool = Field(description="Whether it is a favourite.")
    place: Place | None = Field(default=None, description="The city or country it was taken in, where known.")

    @classmethod
    def from_record(cls, photo: PhotoRecord, *, favourite: bool, place: tuple[str | None, str] | None = None) -> Self:
        """Make the document from the catalog's record of `photo`; `place` is (name of the city, country)."""
        facts = photo.facts
        folder, name = os.path.split(photo.path)
        return cls(
            id=photo.id,
            path=paths.display(photo.path),
            folder=paths.display(folder),
            name=paths.display(name),
            width=photo.width,
            height=photo.height,
            format=photo.format,
            size=photo.size,
            taken_at=facts.taken_at,
            camera=facts.camera,
            lens=facts.lens,
            latitude=facts.latitude,
            longitude=facts.longitude,
            caption=facts.caption,
            keywords=list(facts.keywords),
            favourite=favourite,
            place=Place(name=place[0], country=place[1]) if place else None,
        )


class Exif(Document):
    """How a photo was taken, as its file says; null where it says nothing."""

    f_number: float | None = Field(description="Aperture: focal length divided by its diameter.")
    exposure: float | None = Field(description="Seconds.")
    iso: int | None
    focal_length: float | None = Field(description="Millimetres.")
    focal_length_35: float | None = Field(description="With the same angle of view on 35 mm film, millimetres.")
    exposure_bias: float | None = Field(description="EV.")
    flash: bool | None = Field(description="Whether it fired.")
    lens: str | None

    @classmethod
    def from_exposure(cls, exposure: Exposure, lens: str | None) -> Self:
        """`lens` is that of the photo's facts."""
        return cls(**asdict(exposure), lens=lens)


class FavouriteMark(Document):
    """Whether one photo is a favourite now."""

    id: int = Field(description="Id of the photo.")
    favourite: bool
    ids: list[int] = Field(description="All photos with the same bytes, which share the mark.")


class FavouriteMarks(Document):
    """What was done to several photos."""

    favourite: bool = Field(description="Whether they are favourites now.")
    ids: list[int] = Field(description="Ids of the photos.")


class PhotoPath(Document):
    """Where a photo's file is."""

    id: int
    path: str = Field(description="Printable text; not for opening files.")


class PhotoPaths(Document):
    """Where the files of several photos are."""

    photos: list[PhotoPath] = Field(description="In the order of the ids; ids that no photo has are left out.")

    @classmethod
    def from_records(cls, records: Iterable[PhotoRecord]) -> Self:
        """The printable path of each photo."""
        return cls(photos=[PhotoPath(id=photo.id, path=paths.display(photo.path)) for photo in records])


class PhotoGroup(Document):
    """Photos that belong together: near-duplicates of one another, or copies."""

    photos: list[Result]

    @classmethod
    def from_results(cls, results: Sequence[searches.Result]) -> Self:
        """The photos in the order of `results`."""
        return cls.model_validate({"photos": [result_fields(result) for result in results]})

    @classmethod
    def from_copies(cls, photos: Sequence[PhotoRecord]) -> Self:
        """Photos with equal bytes: score and relevance are 1."""
        results = [searches.Result(rank, photo, 1.0, 1.0, ("same bytes",)) for rank, photo in enumerate(photos, 1)]
        return cls.from_results(results)


class DuplicateGroups(Document):
    """A page of groups of photos whose files are equal, byte for byte."""

    groups: list[PhotoGroup]
    next: int | None = Field(description="`cursor` of the next page; null if this is the last.")
