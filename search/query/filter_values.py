"""Values of filters: for each filter a function that reads its value and adds the filter to `Filters`.

All raise QueryError if the value means nothing.
"""

from __future__ import annotations

import calendar
import math
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from ...data.catalog.filters import Box, Filters, Near, Span
from ...errors import QueryError
from ...languages import things
from ...languages.tokens import units

DEFAULT_KM = 5.0
MAX_KM = 20_040.0
"""Half of the Earth's circumference."""

ASPECT_TOLERANCE = 0.02
"""Relative: `aspect:16:9` includes 1366 x 768."""

SIZE_TOLERANCE = 0.05
"""Relative: cameras of "12 megapixels" have 11.9 or 12.2."""

FORMATS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), ("JPEG",)),
    **dict.fromkeys(("png", "apng"), ("PNG",)),
    **dict.fromkeys(("heic", "heif", "hif"), ("HEIF",)),
    **dict.fromkeys(("tif", "tiff"), ("TIFF",)),
    **dict.fromkeys(("raw", "dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2", "pef", "srw"), ("RAW",)),
    **{name: (name.upper(),) for name in ("webp", "gif", "avif", "dib")},
    "bmp": ("BMP", "DIB"),
}
"""Value of `type:` -> the formats it means, as `data.pictures.formats` names them."""

_ALIASES = {"tif"}
"""Values that stand before the usual name of their format in FORMATS."""

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_SIZE = re.compile(rf"(<=|>=|<|>|=)?({_NUMBER})(?:\.\.({_NUMBER}))?(mp|px|kb|mb|gb)", re.IGNORECASE)
_ASPECT = re.compile(rf"(<=|>=|<|>|=)?({_NUMBER})(?:[:/x]({_NUMBER}))?", re.IGNORECASE)
_UNITS = {"px": 1.0, "mp": 1e6, "kb": 1e3, "mb": 1e6, "gb": 1e9}
_PIXELS = ("px", "mp")


def type_of(name: str) -> str | None:
    """The usual value of `type:` for a format; None if there is none."""
    return next((short for short, names in FORMATS.items() if short not in _ALIASES and names[0] == name), None)


def add_after(filters: Filters, value: str) -> Filters:
    """`after:2024-05`: that day, month or year, and later."""
    start = _days("after", value)[0]
    return replace(filters, after=max(filters.after or start, start))


def add_before(filters: Filters, value: str) -> Filters:
    """`before:2024-05`: earlier than the first day of it."""
    start = _days("before", value)[0]
    return replace(filters, before=min(filters.before or start, start))


def add_date(filters: Filters, value: str) -> Filters:
    """`date:2024-05` or `date:2024-05..2024-07`, both ends included."""
    first, _, last = value.partition("..")
    start, end = _days("date", first)[0], _days("date", last or first)[1]
    if start >= end:
        raise QueryError(f"date:{value} ends before it begins.", "For example: date:2024-05..2024-07")
    return replace(filters, after=max(filters.after or start, start), before=min(filters.before or end, end))


def _days(name: str, value: str) -> tuple[str, str]:
    """First day of a year, month or day, and the first day after it."""
    match = _DATE.fullmatch(value.strip())
    try:
        if not match:
            raise ValueError
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None
        start = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
        return start.isoformat(), (last + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        example = f"For example: {name}:2024, {name}:2024-05 or {name}:2024-05-31"
        raise QueryError(f"{name}:{value[:40]} is no date.", example) from None


def add_folder(filters: Filters, value: str) -> Filters:
    """`folder:旅行`: words in the names of the folders a photo is in."""
    if not units(value):
        raise QueryError(f"folder:{value[:40]} holds no word.", 'For example: folder:旅行 or folder:"New York"')
    return replace(filters, folders=(*filters.folders, value))


def add_camera(filters: Filters, value: str) -> Filters:
    """`camera:"X100V"`: words of maker and model."""
    return replace(filters, cameras=(*filters.cameras, value))


def add_lens(filters: Filters, value: str) -> Filters:
    """`lens:"35mm"`: words of the lens's name."""
    return replace(filters, lenses=(*filters.lenses, value))


def add_type(filters: Filters, value: str) -> Filters:
    """`type:heic`: a kind of file, a key of FORMATS."""
    formats = FORMATS.get(value.strip().lstrip(".").lower())
    if formats is None:
        raise QueryError(f"type:{value[:20]} is no kind of picture.", f"There are {', '.join(sorted(FORMATS))}.")
    return replace(filters, formats=(*filters.formats, *formats))


def add_is(filters: Filters, value: str) -> Filters:
    """`is:favourite`, `is:undated`."""
    if value.lower() in {"favourite", "favorite"}:
        return replace(filters, favourite=True)
    if value.lower() == "undated":
        return replace(filters, undated=True)
    raise QueryError(f"is:{value[:20]} is not known.", "There are is:favourite and is:undated")


def add_has(filters: Filters, value: str) -> Filters:
    """`has:place`: the file says where it was taken."""
    if value.lower() not in {"place", "gps"}:
        raise QueryError(f"has:{value[:20]} is not known.", "There is has:place")
    return replace(filters, with_place=True)


def add_orientation(filters: Filters, value: str) -> Filters:
    """`orientation:portrait`."""
    orientation = value.lower()
    if orientation not in {"landscape", "portrait", "square"}:
        raise QueryError(f"orientation:{value[:20]} is none.", "There are landscape, portrait and square.")
    return replace(filters, orientation=orientation)


def add_near(filters: Filters, value: str) -> Filters:
    """`near:48.85,2.35,5`: within 5 km (default: DEFAULT_KM) of a latitude and longitude in decimal degrees."""
    parts = value.lower().removesuffix("km").split(",")
    try:
        numbers = [float(part) for part in parts]
        if len(numbers) not in {2, 3} or not all(map(math.isfinite, numbers)):
            raise ValueError
        latitude, longitude, km = (*numbers, DEFAULT_KM)[:3]
        if abs(latitude) > 90 or abs(longitude) > 180 or not 0 < km <= MAX_KM:
            raise ValueError
    except ValueError:
        hint = "Latitude, longitude and kilometres, for example: near:48.85,2.35,5"
        raise QueryError(f"near:{value[:40]} is no place.", hint) from None
    return replace(filters, near=Near(latitude, longitude, km))


def add_thing(filters: Filters, value: str) -> Filters:
    """`thing:dog`: the photo shows that thing; by its key, or by its name in any of the nine languages."""
    keys = things.keys_of(value)
    if not keys:
        raise QueryError(f"thing:{value[:40]} is no known thing.", "'polyglance explore' lists those of this library.")
    return replace(filters, things=(*filters.things, *keys))


def add_place(filters: Filters, value: str) -> Filters:
    """`place:Kyoto`, `place:日本`, `place:JP`: taken in that city or country."""
    return replace(filters, places=(*filters.places, value.strip()))


def add_within(filters: Filters, value: str) -> Filters:
    """`within:48.8,2.2,48.9,2.5`: south, west, north and east in decimal degrees; of several, a photo is in all."""
    try:
        south, west, north, east = (float(part) for part in value.split(","))
        if not (-90 <= south <= north <= 90 and abs(west) <= 180 and abs(east) <= 180):  # also refuses NaN
            raise ValueError
    except ValueError:
        hint = "South, west, north and east in degrees, for example: within:48.8,2.2,48.9,2.5"
        raise QueryError(f"within:{value[:40]} is no area.", hint) from None
    return replace(filters, within=(*filters.within, Box(south, west, north, east)))


def add_size(filters: Filters, value: str) -> Filters:
    """`size:>4mp`, `size:2..8mp`, `size:<500kb`: pixels, or bytes of the file."""
    match = _SIZE.fullmatch(value.strip())
    if not match or (match[1] and match[3]):
        raise QueryError(f"size:{value[:20]} is no size.", "For example: size:>4mp, size:2..8mp or size:<500kb")
    unit = match[4].lower()
    low, high = (float(part) * _UNITS[unit] if part else None for part in match.group(2, 3))
    assert low is not None
    span = Span(low, high) if high is not None else _compare(match[1], low, low * SIZE_TOLERANCE)
    if span.least is not None and span.most is not None and span.least > span.most:
        raise QueryError(f"size:{value[:20]} ends before it begins.", "For example: size:2..8mp")
    name = "pixels" if unit in _PIXELS else "file_bytes"
    return _narrow(filters, name, span)


def add_aspect(filters: Filters, value: str) -> Filters:
    """`aspect:16:9`, `aspect:>1.5`: width divided by height."""
    match = _ASPECT.fullmatch(value.strip())
    ratio = float(match[2]) / float(match[3] or 1) if match and float(match[3] or 1) else 0.0
    if not match or not ratio:
        raise QueryError(f"aspect:{value[:20]} is none.", "Width to height, for example: aspect:16:9 or aspect:>1.5")
    return _narrow(filters, "aspect", _compare(match[1], ratio, ratio * ASPECT_TOLERANCE))


def _compare(sign: str | None, value: float, tolerance: float) -> Span:
    """The span that `<`, `<=`, `>` or `>=` means; without such a sign, `value` with a tolerance."""
    if sign in {"<", "<="}:
        return Span(None, value if sign == "<=" else math.nextafter(value, -math.inf))
    if sign in {">", ">="}:
        return Span(value if sign == ">=" else math.nextafter(value, math.inf), None)
    return Span(value - tolerance, value + tolerance)


def _narrow(filters: Filters, name: str, span: Span) -> Filters:
    """The filters with the field `name` narrowed to what it shares with `span`."""
    previous: Span = getattr(filters, name) or Span()
    least = [value for value in (previous.least, span.least) if value is not None]
    most = [value for value in (previous.most, span.most) if value is not None]
    changed: dict[str, Any] = {name: Span(max(least, default=None), min(most, default=None))}
    return replace(filters, **changed)
