"""Distances on the Earth."""

from __future__ import annotations

import math

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


def distance_km(
    latitude: float, longitude: float, to_latitude: float | None, to_longitude: float | None
) -> float | None:
    """Great-circle distance of two places in decimal degrees, by the haversine formula; None if one is nowhere."""
    if to_latitude is None or to_longitude is None:
        return None
    one, other = math.radians(latitude), math.radians(to_latitude)
    turned = math.radians(to_longitude - longitude)
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(turned / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))
