"""Distances on the Earth."""

from __future__ import annotations

import math

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


def distance_km(
    latitude: float, longitude: float, to_latitude: float | None, to_longitude: float | None
) -> float | None:
    """Great-circle distance in km of two places in decimal degrees, by the haversine formula; None without a place."""
    if to_latitude is None or to_longitude is None:
        return None
    start, end = math.radians(latitude), math.radians(to_latitude)
    turn = math.radians(to_longitude - longitude)
    half = math.sin((end - start) / 2) ** 2 + math.cos(start) * math.cos(end) * math.sin(turn / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))
