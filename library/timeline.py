"""The library in order of time: its months, one month's photos, this day in other years, the neighbours of a photo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from ..data.catalog.filters import Filters
from ..data.catalog.records import DayInYear, PhotoRecord
from ..errors import QueryError
from ..search.query import filters as filter_texts
from ..search.query.filters import FilterValues
from . import photos
from .parts import Parts

UNDATED = "undated"
"""The name of the photos without a date, in the place of a month."""

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_DAY = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
_LEAP_YEAR = 2000


def months(parts: Parts, filters: FilterValues) -> list[tuple[str | None, int]]:
    """(month, number of photos). See `Library.months`."""
    return parts.catalog.timeline.months(make_filters(parts, filters))


def month(parts: Parts, name: str, filters: FilterValues, offset: int, count: int) -> list[PhotoRecord]:
    """The photos of one month. See `Library.month`."""
    passing = make_filters(parts, filters)
    if name == UNDATED:
        passing = replace(passing, undated=True)
    elif _MONTH.fullmatch(name):
        first, end = f"{name}-01", f"{name}-32"  # later than any day of it, and before any day of the next
        passing = replace(passing, after=max(passing.after or first, first), before=min(passing.before or end, end))
    else:
        raise QueryError(f"{name[:20]} is no month.", f"For example: 2024-05, or {UNDATED}.")
    return parts.catalog.selection.newest(passing, offset, count)


def newest(parts: Parts, filters: FilterValues, count: int) -> list[PhotoRecord]:
    """The newest photos. See `Library.newest`."""
    return parts.catalog.selection.newest(make_filters(parts, filters), 0, count)


def on_this_day(parts: Parts, day: str, count: int) -> list[DayInYear]:
    """The photos of a day in other years. See `Library.on_this_day`."""
    match = _DAY.fullmatch(day)
    try:
        if not match:
            raise ValueError
        year = int(match[1]) if match[1] else None
        date(_LEAP_YEAR if year is None else year, int(match[2]), int(match[3]))
    except ValueError:
        raise QueryError(f"{day[:20]} is no day.", "For example: 11-26 or 2024-11-26.") from None
    return parts.catalog.timeline.years_with(f"{match[2]}-{match[3]}", year, count)


def neighbours(parts: Parts, photo_id: int, count: int) -> tuple[Sequence[PhotoRecord], Sequence[PhotoRecord]]:
    """The photos before and after one in time. See `Library.neighbours`."""
    return parts.catalog.timeline.neighbours(photos.photo(parts, photo_id), count)


def make_filters(parts: Parts, filters: FilterValues) -> Filters:
    """The filters that these values by name mean in this library. Raises QueryError."""
    checked = filter_texts.from_mapping(filters)
    return filter_texts.make(checked, parts.catalog.roots.all(counted=False) if checked else ())
