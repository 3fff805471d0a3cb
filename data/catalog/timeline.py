"""Photos in order of time: how many there are of each month, those of one day in each year, those next to a photo."""

from __future__ import annotations

import functools
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, text

from .conditions import conditions
from .constructs import Unindexed
from .database import Database, fetch
from .filters import Filters
from .models import Photo
from .photo_rows import photos_by_ids, photos_in_order
from .records import DayInYear, PhotoRecord
from .selection import FEW, count_up_to

_MONTH_LENGTH = len("2024-05")
_YEAR_LENGTH = len("2024")


# One seek and one range of the index for each month, whatever the number of photos: GROUP BY would sort all dates.
_MONTHS = text(
    "WITH RECURSIVE known(month) AS (SELECT substr(max(taken_at), 1, 7) FROM photo UNION ALL"
    " SELECT (SELECT substr(max(taken_at), 1, 7) FROM photo WHERE taken_at < known.month)"
    " FROM known WHERE known.month IS NOT NULL)"
    " SELECT month, (SELECT count(*) FROM photo WHERE taken_at >= known.month AND taken_at < known.month || '-32')"
    " FROM known WHERE month IS NOT NULL"
)


class Timeline:
    """Reads readable photos by the time they were taken: the cameras' local time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def months(self, filters: Filters) -> list[tuple[str | None, int]]:
        """(month as 2024-05, number of its photos that pass), the newest first; at the end None, without a date."""
        with self._database.reading() as connection:
            if filters:
                counts = dict(fetch(connection, _months_of(connection, filters)))
            else:
                # A failed file has neither a date nor a content: these two are counted in indexes alone.
                counts = dict(fetch(connection, _MONTHS))
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
            return [
                DayInYear(year, len(ids), photos_by_ids(connection, ids[:count]))
                for year in range(last - 1, oldest - 1, -1)
                if (ids := _ids_of_day(connection, f"{year:04}-{day}"))
            ]

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
            before = select(Photo.id).where(*earlier).order_by(Photo.taken_at.desc(), Photo.id)
            after = select(Photo.id).where(*later).order_by(Photo.taken_at, Photo.id.desc())
            return photos_in_order(connection, before.limit(count)), photos_in_order(connection, after.limit(count))


def _months_of(connection: Connection, filters: Filters) -> Any:
    """The statement that counts the photos of each month that pass."""
    passing = conditions(connection, filters)
    if count_up_to(connection, select(Photo.id).where(*passing), FEW + 1) > FEW:
        # To fetch so many rows in an index's order takes several times as long as to read the table through.
        passing = [Unindexed(condition) for condition in passing]
    month = func.substr(Photo.taken_at, 1, _MONTH_LENGTH).label("month")
    return select(month, func.count()).where(*passing).group_by(text("month"))


def _ids_of_day(connection: Connection, date: str) -> list[int]:
    """Ids of the photos of this day (2024-05-31), the earliest first."""
    end = date + chr(ord("T") + 1)  # a "T" stands before the time
    return [photo_id for (photo_id,) in fetch(connection, _of_day(), {"date": date, "end": end})]


@functools.cache
def _of_day() -> Any:
    on_day = (Photo.taken_at >= bindparam("date"), Photo.taken_at < bindparam("end"))
    return select(Photo.id).where(*on_day).order_by(Photo.taken_at, Photo.id)


def _year(connection: Connection, moment: Any) -> int | None:
    value = connection.execute(select(moment)).scalar()
    return None if value is None else int(value[:_YEAR_LENGTH])
