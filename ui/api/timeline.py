"""The library in order of time: months, one month's photos, this day in other years."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ...answers.timeline import Month, OnThisDay, Timeline
from ...library import Library
from ...library.timeline import UNDATED
from .parameters import MonthParameters, TimelineParameters
from .responses import respond

SHOWN_OF_A_DAY = 12

MonthName = Annotated[
    str, Path(max_length=20, description="As 2024-05; `undated` for the photos without a date.", examples=["2024-05"])
]
Day = Annotated[
    str,
    Query(
        max_length=20,
        description="The day: 11-26, or 2026-11-26 for the years before that one. Without a year: the years before"
        " the newest of the library.",
        examples=["11-26"],
    ),
]


def router(library: Library) -> APIRouter:
    """Return the routes over `library`."""
    routes = APIRouter(tags=["Timeline"])

    @routes.get("/timeline", response_model=Timeline)
    def timeline(parameters: Annotated[TimelineParameters, Query()]) -> Response:
        """The months with photos that pass the filters, each with their number, and the first photos of them."""
        months = library.months(parameters.filters)
        photos = library.newest(parameters.first, filters=parameters.filters) if parameters.first else []
        favourites = library.favourites_among([photo.id for photo in photos])
        return respond(Timeline.from_counts(months, photos, favourites))

    @routes.get("/timeline/{month}", response_model=Month)
    def timeline_month(month: MonthName, parameters: Annotated[MonthParameters, Query()]) -> Response:
        """The photos of one month that pass the filters, in the order of a search by filters alone."""
        photos = library.month(month, parameters.offset, parameters.count, filters=parameters.filters)
        favourites = library.favourites_among([photo.id for photo in photos])
        return respond(Month.from_records(None if month == UNDATED else month, photos, favourites))

    @routes.get("/on-this-day", response_model=OnThisDay)
    def on_this_day(day: Day) -> Response:
        """The earlier years with photos of this day, and the first photos of each."""
        days = library.on_this_day(day, SHOWN_OF_A_DAY)
        favourites = library.favourites_among([photo.id for day_in_year in days for photo in day_in_year.first])
        return respond(OnThisDay.from_days(days, favourites))

    return routes
