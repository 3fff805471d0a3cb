"""Photos in order of time: how many there are of each month, those of one day in each year, those next to a photo."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from .conditions import conditions
from .database import Database, fetch
from .filters import Filters
from .models import Photo
from .photo_rows import photo_of, photo_select
from .records import DayInYear, PhotoRecord

_MONTH_LENGTH = len("2024-05")
_YEAR_LENGTH = len("2024")


class Timeline:
    """Reads readable photos by the time they were taken: the cameras' local time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def months(self, filters: Filters) -> list[tuple[str | None, int]]:
        """(month as 2024-05, number of its photos that pass), the newest first; at the end None, without a date."""
        month = func.substr(Photo.taken_at, 1, _MONTH_LENGTH)
        with self._database.reading() as connection:
            if filters:
                counted = select(month, func.count()).where(*conditions(connection, filters)).group_by(month)
                counts = dict(fetch(connection, counted))
            else:
                # A failed file has neither a date nor a content: these two are counted in indexes alone.
                dated = select(month, func.count()).where(Photo.taken_at.is_not(None)).group_by(month)
                counts = dict(fetch(connection, dated))
                readable = connection.execute(select(func.count(Photo.content_hash))).scalar_one()
                counts[None] = int(readable) - sum(counts.values())
        undated = counts.pop(None, 0)
        newest_first: list[tuple[str | None, int]] = sorted(counts.items(), reverse=True)
        return newest_first + ([(None, undated)] if undated > 0 else [])

    def years_with(self, day: str, before_year: int | None, count: int) -> list[DayInYear]:
        """The years with photos of this `day` (05-31) before a year (None: the newest with a photo), newest first.

        Each with up to `count` of its photos, the earliest first.
        """
        with self._database.reading() as connection:
            oldest, newest = (_year(connection, edge(Photo.taken_at)) for edge in (func.min, func.max))
            if oldest is None or newest is None:
                return []
            last = newest if before_year is None else min(before_year, newest + 1)
            years = (self._day(connection, year, day, count) for year in range(last - 1, oldest - 1, -1))
            return [day_in_year for day_in_year in years if day_in_year.photos]

    def neighbours(self, photo: PhotoRecord, count: int) -> tuple[list[PhotoRecord], list[PhotoRecord]]:
        """Up to `count` photos taken before this one and after it, the nearest first; none if it has no date.

        The order is that of a list of all photos, the newest first: of photos of one moment the higher id is earlier.
        """
        moment = photo.facts.taken_at
        if moment is None:
            return [], []
        # The first condition of each leads through the index, the second excludes the photo itself.
        earlier = (Photo.taken_at <= moment, or_(Photo.taken_at < moment, Photo.id > photo.id))
        later = (Photo.taken_at >= moment, or_(Photo.taken_at > moment, Photo.id < photo.id))
        with self._database.reading() as connection:
            before = photo_select().where(*earlier).order_by(Photo.taken_at.desc(), Photo.id)
            after = photo_select().where(*later).order_by(Photo.taken_at, Photo.id.desc())
            return _photos(connection, before.limit(count)), _photos(connection, after.limit(count))

    def _day(self, connection: Connection, year: int, day: str, count: int) -> DayInYear:
        date = f"{year:04}-{day}"
        on_day = and_(Photo.taken_at >= date, Photo.taken_at < f"{date}U")  # "U" follows the "T" before the time
        total = int(connection.execute(select(func.count()).where(on_day)).scalar_one())
        if not total:
            return DayInYear(year, 0, [])
        first = photo_select().where(on_day).order_by(Photo.taken_at, Photo.id).limit(count)
        return DayInYear(year, total, _photos(connection, first))


def _year(connection: Connection, moment: Any) -> int | None:
    value = connection.execute(select(moment)).scalar()
    return None if value is None else int(value[:_YEAR_LENGTH])


def _photos(connection: Connection, statement: Any) -> list[PhotoRecord]:
    return [photo_of(row) for row in connection.execute(statement)]
