"""`name:value` as people write it -> `data.filters.Filters`."""

from __future__ import annotations

import calendar
import difflib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeAlias

from ...data.catalog.filters import Filters, Inside, Near, Span
from ...data.catalog.records import RootRecord
from ...data.paths import display
from ...errors import QueryError
from ...languages.fold import fold
from ...languages.tokens import units

Given: TypeAlias = Mapping[str, str | Sequence[str]]
"""Filter name -> value, or several values, as text."""

DEFAULT_KM = 5.0
MAX_KM = 20_040.0
"""Half way round the Earth."""

LIKE_ASPECT = 0.02
"""An `aspect:16:9` is this close to it: 1366 x 768 is meant too."""

FORMATS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), ("JPEG",)),
    **dict.fromkeys(("png", "apng"), ("PNG",)),
    **dict.fromkeys(("heic", "heif", "hif"), ("HEIF",)),
    **dict.fromkeys(("tif", "tiff"), ("TIFF",)),
    **dict.fromkeys(("raw", "dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2", "pef", "srw"), ("RAW",)),
    **{name: (name.upper(),) for name in ("webp", "gif", "avif", "dib")},
    "bmp": ("BMP", "DIB"),
}
"""What `type:` takes -> the formats it means, as `data.formats` names them."""
_SELDOM = {"tif"}
"""Other names of a kind, which come before its usual one."""


def type_of(name: str) -> str | None:
    """What `type:` takes for a format; None if it takes nothing that means it."""
    return next((short for short, names in FORMATS.items() if short not in _SELDOM and names[0] == name), None)


_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_SIZE = re.compile(rf"(<=|>=|<|>|=)?({_NUMBER})(?:\.\.({_NUMBER}))?(mp|px|kb|mb|gb)", re.IGNORECASE)
_ASPECT = re.compile(rf"(<=|>=|<|>|=)?({_NUMBER})(?:[:/x]({_NUMBER}))?", re.IGNORECASE)
_UNITS = {"px": 1.0, "mp": 1e6, "kb": 1e3, "mb": 1e6, "gb": 1e9}
_PIXELS = ("px", "mp")


@dataclass(frozen=True, slots=True)
class Filter:
    """One `name:value` of a query, as it was written; the name in lower case."""

    name: str
    value: str


def make(asked: Iterable[Filter], roots: Sequence[RootRecord] = ()) -> Filters:
    """The filters that the `asked` ones mean together; `root:` and `in:` go by `roots`. Raises QueryError."""
    result = Filters()
    for one in asked:
        if one.name == "root":
            result = replace(result, roots=(*result.roots, *_roots(one.value, roots)))
        elif one.name == "in":
            result = replace(result, inside=(*result.inside, *_inside(one.value, roots)))
        else:
            result = check(one)(result, one.value)
    if result.after is not None and result.before is not None and result.after >= result.before:
        raise QueryError(f"No day is after {result.after} and before {result.before}.", "Check the two dates.")
    return result


def check(one: Filter) -> Callable[[Filters, str], Filters]:
    """What adds this filter to others. Raises QueryError if there is none of that name or its value is none."""
    if one.name not in _MEANINGS:
        near = difflib.get_close_matches(one.name, _MEANINGS, 1)
        guess = f"Did you mean {near[0]}:? " if near else ""
        raise QueryError(
            f"There is no filter {one.name}:.",
            f"{guess}The filters are {' '.join(name + ':' for name in NAMES)}; "
            f'put text in quotes: "{one.name}:{one.value[:20]}"',
        )
    if not one.value.strip():
        raise QueryError(f"The filter {one.name}: has no value.", f"For example: {_EXAMPLES[one.name]}")
    add = _MEANINGS[one.name]
    add(Filters(), one.value)
    return add


def given(filters: Given) -> tuple[Filter, ...]:
    """Filters given as a mapping, in Python or as options. Raises QueryError."""
    result = tuple(
        Filter(name.lower(), value)
        for name, values in filters.items()
        for value in ([values] if isinstance(values, str) else values)
    )
    for one in result:
        check(one)
    return result


def _after(into: Filters, value: str) -> Filters:
    start = _days("after", value)[0]
    return replace(into, after=max(into.after or start, start))


def _before(into: Filters, value: str) -> Filters:
    start = _days("before", value)[0]
    return replace(into, before=min(into.before or start, start))


def _date(into: Filters, value: str) -> Filters:
    first, _, last = value.partition("..")
    start, end = _days("date", first)[0], _days("date", last or first)[1]
    if start >= end:
        raise QueryError(f"date:{value} ends before it begins.", "For example: date:2024-05..2024-07")
    return replace(into, after=max(into.after or start, start), before=min(into.before or end, end))


def _days(name: str, value: str) -> tuple[str, str]:
    """First day of a year, month or day, and the first day after it."""
    found = _DATE.fullmatch(value.strip())
    try:
        if not found:
            raise ValueError
        year, month, day = (int(part) if part else None for part in found.groups())
        assert year is not None
        start = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
        return start.isoformat(), (last + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        example = f"For example: {name}:2024, {name}:2024-05 or {name}:2024-05-31"
        raise QueryError(f"{name}:{value[:40]} is no date.", example) from None


def _roots(value: str, roots: Sequence[RootRecord]) -> tuple[bytes, ...]:
    """Roots by their path, or by the words at its end."""
    wanted = fold(value).rstrip("/\\")
    found = tuple(
        root.path
        for root in roots
        if fold(display(root.path)) == wanted
        or fold(display(root.path)).replace("\\", "/").endswith("/" + wanted.lstrip("/"))
    )
    if not found:
        raise QueryError(f"root:{value[:60]} is no folder of this library.", "'polyglance status' lists them.")
    return found


def _inside(value: str, roots: Sequence[RootRecord]) -> tuple[Inside, ...]:
    """The folder with this path; the path may begin with the name of the root alone."""
    wanted = value.replace(os.altsep, os.sep) if os.altsep else value
    wanted = wanted.rstrip(os.sep) + os.sep
    found = [
        Inside(root.path, wanted[len(start) :].rstrip(os.sep))
        for root in roots
        for start in _beginnings(display(root.path))
        if wanted.startswith(start)
    ]
    if not found:
        hint = "Give a whole path, or one from the name of a folder that 'polyglance status' lists."
        raise QueryError(f"in:{value[:60]} is in no folder of this library.", hint)
    return tuple(found)


def _beginnings(root: str) -> set[str]:
    """How paths in this root may begin: with its own path, or with its name."""
    return {part + os.sep for part in (root.rstrip(os.sep), os.path.basename(root))}


def _by_roots(into: Filters, value: str) -> Filters:
    return into  # needs the library: `make` sees to it


def _folder(into: Filters, value: str) -> Filters:
    if not units(value):
        raise QueryError(f"folder:{value[:40]} holds no word.", 'For example: folder:旅行 or folder:"New York"')
    return replace(into, folders=(*into.folders, value))


def _camera(into: Filters, value: str) -> Filters:
    return replace(into, cameras=(*into.cameras, value))


def _type(into: Filters, value: str) -> Filters:
    formats = FORMATS.get(value.strip().lstrip(".").lower())
    if formats is None:
        raise QueryError(f"type:{value[:20]} is no kind of picture.", f"There are {', '.join(sorted(FORMATS))}.")
    return replace(into, formats=(*into.formats, *formats))


def _is(into: Filters, value: str) -> Filters:
    if value.lower() not in {"favourite", "favorite"}:
        raise QueryError(f"is:{value[:20]} is not known.", "There is is:favourite")
    return replace(into, favourite=True)


def _has(into: Filters, value: str) -> Filters:
    if value.lower() not in {"place", "gps"}:
        raise QueryError(f"has:{value[:20]} is not known.", "There is has:place")
    return replace(into, with_place=True)


def _orientation(into: Filters, value: str) -> Filters:
    wanted = value.lower()
    if wanted not in {"landscape", "portrait", "square"}:
        raise QueryError(f"orientation:{value[:20]} is none.", "There are landscape, portrait and square.")
    return replace(into, orientation=wanted)


def _near(into: Filters, value: str) -> Filters:
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
    return replace(into, near=Near(latitude, longitude, km))


def _size(into: Filters, value: str) -> Filters:
    found = _SIZE.fullmatch(value.strip())
    if not found or (found[1] and found[3]):
        raise QueryError(f"size:{value[:20]} is no size.", "For example: size:>4mp, size:2..8mp or size:<500kb")
    unit = found[4].lower()
    low, high = (float(part) * _UNITS[unit] if part else None for part in found.group(2, 3))
    assert low is not None
    # Cameras of "12 megapixels" have 11.9 or 12.2: a bare size means what would be called so.
    close = Span(low, high) if high is not None else _compared(found[1], low, low * 0.05)
    if close.least is not None and close.most is not None and close.least > close.most:
        raise QueryError(f"size:{value[:20]} ends before it begins.", "For example: size:2..8mp")
    name = "pixels" if unit in _PIXELS else "file_bytes"
    return _narrowed(into, name, close)


def _aspect(into: Filters, value: str) -> Filters:
    found = _ASPECT.fullmatch(value.strip())
    ratio = float(found[2]) / float(found[3] or 1) if found and float(found[3] or 1) else 0.0
    if not found or not ratio:
        raise QueryError(f"aspect:{value[:20]} is none.", "Width to height, for example: aspect:16:9 or aspect:>1.5")
    return _narrowed(into, "aspect", _compared(found[1], ratio, ratio * LIKE_ASPECT))


def _compared(sign: str | None, value: float, tolerance: float) -> Span:
    if sign in {"<", "<="}:
        return Span(None, value if sign == "<=" else math.nextafter(value, -math.inf))
    if sign in {">", ">="}:
        return Span(value if sign == ">=" else math.nextafter(value, math.inf), None)
    return Span(value - tolerance, value + tolerance)


def _narrowed(into: Filters, name: str, span: Span) -> Filters:
    before: Span = getattr(into, name) or Span()
    least = [value for value in (before.least, span.least) if value is not None]
    most = [value for value in (before.most, span.most) if value is not None]
    changed: dict[str, Any] = {name: Span(max(least, default=None), min(most, default=None))}
    return replace(into, **changed)


_MEANINGS: dict[str, Callable[[Filters, str], Filters]] = {
    "after": _after,
    "before": _before,
    "date": _date,
    "root": _by_roots,
    "in": _by_roots,
    "folder": _folder,
    "camera": _camera,
    "type": _type,
    "is": _is,
    "has": _has,
    "orientation": _orientation,
    "aspect": _aspect,
    "size": _size,
    "near": _near,
}
NAMES = tuple(_MEANINGS)
"""The filters there are."""

_EXAMPLES = {
    "after": "after:2024-05",
    "before": "before:2024-06-15",
    "date": "date:2024",
    "root": "root:Pictures",
    "in": "in:Pictures/2024",
    "folder": "folder:旅行",
    "camera": 'camera:"X100V"',
    "type": "type:heic",
    "is": "is:favourite",
    "has": "has:place",
    "orientation": "orientation:portrait",
    "aspect": "aspect:16:9",
    "size": "size:>4mp",
    "near": "near:48.85,2.35,5",
}
