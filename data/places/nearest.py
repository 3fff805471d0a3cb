"""Which place coordinates are at: the nearest city, where a large city reaches further than a small one."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import gazetteer

EARTH_KM = 6371.0
CITY_KM = 50.0
"""A photo further than this from every city is in no city."""

COUNTRY_KM = 150.0
"""A photo further than this from every city is in no country."""

COUNTRY_VOTES = 5
"""So many cities next to a photo that is in no city have to be of one country for the photo to be in it."""

KM_PER_ROOT_OF_PEOPLE = 0.006
"""A city reaches this many kilometres times the root of its inhabitants: 8.8 km for Paris, 0.4 km for a town of 5000.
So a photo in a quarter or a suburb, which the table has as places of their own, is in the city."""


class _Table(NamedTuple):
    """All cities, from south to north: shapes (n,), `points` (n, 3) on the unit sphere."""

    keys: list[str]
    countries: list[str]
    latitudes: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    reaches: npt.NDArray[np.float64]
    """In km."""


def places_at(coordinates: Sequence[tuple[float, float]]) -> list[str | None]:
    """The keys of the places at (latitude, longitude) in decimal degrees: a city, else a country, else None.

    Photos of one spot are looked up once, 0.01 degrees being one spot.
    """
    spots = [(round(latitude, 2), round(longitude, 2)) for latitude, longitude in coordinates]
    keys = {spot: _place_at(spot) for spot in dict.fromkeys(spots)}
    return [keys[spot] for spot in spots]


def _place_at(spot: tuple[float, float]) -> str | None:
    table = _table()
    latitude, reach = spot[0], math.degrees(COUNTRY_KM / EARTH_KM)
    first, last = np.searchsorted(table.latitudes, [latitude - reach, latitude + reach])
    cosines = table.points[first:last] @ _points(np.array([spot]))[0]
    distances = np.arccos(np.clip(cosines, -1, 1)) * EARTH_KM
    near = np.flatnonzero(distances <= CITY_KM)
    if len(near):
        return table.keys[int(first + near[np.argmin(distances[near] - table.reaches[first + near])])]
    nearest = np.argsort(distances)[:COUNTRY_VOTES]
    codes = {table.countries[first + city] for city in nearest}
    return codes.pop() if len(codes) == 1 and distances[nearest[0]] <= COUNTRY_KM else None


@functools.cache
def _table() -> _Table:
    cities = sorted(gazetteer.cities().values(), key=lambda city: city.latitude)
    degrees = np.array([(city.latitude, city.longitude) for city in cities])
    return _Table(
        [city.key for city in cities],
        [city.country for city in cities],
        degrees[:, 0],
        _points(degrees),
        KM_PER_ROOT_OF_PEOPLE * np.sqrt([city.population for city in cities]),
    )


def _points(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points (n, 3) on the unit sphere."""
    latitude, longitude = np.radians(degrees).T
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )
