"""Facts in a picture's metadata: date, camera, place, caption, keywords, from EXIF, IPTC and XMP."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

from PIL import ExifTags, Image, IptcImagePlugin

from . import xmp

MAX_TEXT = 2000
"""Longest caption kept, in characters; a camera, a lens and a keyword get `MAX_NAME`."""
MAX_NAME = 128
MAX_KEYWORDS = 64
_SLACK = 16
"""Bytes or characters read for each one that is kept: a text may start with blanks and NULs."""

_EARLIEST_YEAR = 1826  # of the oldest photograph that survives: an older date is that of a clock that was never set

_DATE = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")

_CAMERA_DEFAULT = re.compile(
    r"(?:[\w ]*digital (?:still )?camera|sony dsc|dsc\w*|exif[ _]jpeg[ _]picture|samsung(?: camera pictures)?"
    r"|image description|default|untitled|dcim|<digimax.*>|ascii|camera)",
    re.IGNORECASE,
)

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\\s]+")

_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9E
_IPTC_CHARSET, _IPTC_KEYWORDS, _IPTC_CAPTION = (1, 90), (2, 25), (2, 120)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Facts:
    """The facts in a picture's metadata; None or empty where there is nothing usable.

    `taken_at` is ISO 8601 local time (`2024-05-01T12:34:56`), with its offset (`+02:00`) where the camera
    wrote one. Latitude and longitude are decimal degrees, north and east positive, both or neither.
    """

    taken_at: str | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exposure:
    """How a picture was taken; None where the metadata say nothing usable. Lengths are in millimetres.

    `exposure` is in seconds, `exposure_bias` in EV. `focal_length_35` gives the same angle of view on 35 mm film.
    `flash` is whether it fired.
    """

    f_number: float | None = None
    exposure: float | None = None
    iso: int | None = None
    focal_length: float | None = None
    focal_length_35: float | None = None
    exposure_bias: float | None = None
    flash: bool | None = None


_BOUNDS = {
    "f_number": (ExifTags.Base.FNumber, 0.1, 1000.0),
    "exposure": (ExifTags.Base.ExposureTime, 1e-7, 1e6),
    "focal_length": (ExifTags.Base.FocalLength, 0.1, 1e5),
    "focal_length_35": (ExifTags.Base.FocalLengthIn35mmFilm, 0.1, 1e5),
    "exposure_bias": (ExifTags.Base.ExposureBiasValue, -100.0, 100.0),
}
"""Field of `Exposure` -> its tag, and the least and the most that a camera can mean."""


def read_exposure(image: Image.Image) -> Exposure:
    """Return how a decoded picture was taken. Never raises: damaged metadata gives what can be had."""
    shot: Mapping[int, Any] = _attempt(lambda: image.getexif().get_ifd(ExifTags.IFD.Exif), {})
    values = {
        name: _attempt(partial(_number, shot, tag, least, most), None) for name, (tag, least, most) in _BOUNDS.items()
    }
    iso = _attempt(lambda: _number(shot, ExifTags.Base.ISOSpeedRatings, 1, 1e8), None)
    flash = _attempt(lambda: shot.get(ExifTags.Base.Flash), None)
    return Exposure(
        **values, iso=None if iso is None else int(iso), flash=bool(flash & 1) if isinstance(flash, int) else None
    )


def _number(tags: Mapping[int, Any], tag: int, least: float, most: float) -> float | None:
    """The value of a tag, or the first of several, if it is between the two."""
    value: Any = tags[tag]
    number = float(value[0] if isinstance(value, tuple) else value)
    return round(number, 9) if least <= number <= most else None  # NaN is not between them


def read(image: Image.Image) -> Facts:
    """Return the facts of a decoded picture. Never raises: damaged metadata gives what can be had."""
    main: Mapping[int, Any] = _attempt(lambda: image.getexif(), {})
    shot: Mapping[int, Any] = _attempt(lambda: image.getexif().get_ifd(ExifTags.IFD.Exif), {})
    place: Mapping[int, Any] = _attempt(lambda: image.getexif().get_ifd(ExifTags.IFD.GPSInfo), {})
    iptc: Mapping[tuple[int, int], Any] = _attempt(lambda: _iptc(image), {})
    packet = _attempt(lambda: _xmp(image), xmp.Texts())
    nowhere: tuple[float | None, float | None] = (None, None)
    latitude, longitude = _attempt(lambda: _position(place), nowhere)
    return Facts(
        taken_at=_attempt(lambda: _taken_at(main, shot), None),
        camera=_attempt(lambda: _camera(main), None),
        lens=_attempt(lambda: _text(shot.get(ExifTags.Base.LensModel), MAX_NAME), None),
        latitude=latitude,
        longitude=longitude,
        caption=_attempt(lambda: _caption(main, iptc, packet), None),
        keywords=_attempt(lambda: _keywords(main, iptc, packet), ()),
    )


def _attempt(read_part: Callable[[], _T], default: _T) -> _T:
    try:
        return read_part()
    except Exception:  # noqa: BLE001 - bytes from anywhere through Pillow's parsers: no list of exceptions is complete
        return default


def _clean(text: str, limit: int) -> str | None:
    return _UNPRINTABLE.sub(" ", text[: limit * _SLACK])[: limit * 4].strip()[:limit].strip() or None


def _text(value: object, limit: int) -> str | None:
    """Clean an EXIF text: bytes, or the Latin-1 reading Pillow makes of them, up to the first NUL."""
    if isinstance(value, str):
        value = value[: limit * _SLACK + 1]
        narrow = all(character < "\u0100" for character in value)
        value = value.encode("latin-1" if narrow else "utf-8", "replace")
    return _clean(_decoded(value, limit), limit) if isinstance(value, bytes) else None


def _decoded(raw: bytes, limit: int) -> str:
    """Read the start of a text, up to the first NUL, as UTF-8 or else Latin-1; a cut in a character is no damage."""
    start = raw[: limit * _SLACK].split(b"\0")[0]
    try:
        return codecs.utf_8_decode(start, "strict", len(start) < limit * _SLACK)[0]
    except UnicodeDecodeError:
        return start.decode("latin-1")


def _utf16(value: object, limit: int) -> str | None:
    """Clean a Windows `XP…` text: UTF-16 little endian, as bytes or as a tuple of byte values."""
    if not isinstance(value, (bytes, tuple)):
        return None
    return _clean(bytes(value[: limit * _SLACK]).decode("utf-16-le", "ignore").split("\0")[0], limit)


def _taken_at(main: Mapping[int, Any], shot: Mapping[int, Any]) -> str | None:
    base = ExifTags.Base
    candidates = (
        (shot.get(base.DateTimeOriginal), shot.get(base.OffsetTimeOriginal)),
        (shot.get(base.DateTimeDigitized), shot.get(base.OffsetTimeDigitized)),
        (main.get(base.DateTime), shot.get(base.OffsetTime)),
    )
    moments = (_timestamp(_text(date, 40), _text(zone, 40)) for date, zone in candidates)
    return next(filter(None, moments), None)


def _timestamp(date: str | None, offset: str | None) -> str | None:
    match = _DATE.match(date or "")
    if not match:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    if moment.year < _EARLIEST_YEAR:
        return None
    return moment.isoformat() + (offset if offset and _OFFSET.fullmatch(offset) else "")


def _camera(main: Mapping[int, Any]) -> str | None:
    make = _text(main.get(ExifTags.Base.Make), MAX_NAME)
    model = _text(main.get(ExifTags.Base.Model), MAX_NAME)
    if not make or not model:
        return make or model
    # "NIKON CORPORATION" + "NIKON D90": the model repeats the first word of the make.
    if model.casefold().startswith(make.split()[0].casefold()):
        return model
    return f"{make} {model}"


def _position(place: Mapping[int, Any]) -> tuple[float | None, float | None]:
    gps = ExifTags.GPS
    latitude = _degrees(place.get(gps.GPSLatitude), place.get(gps.GPSLatitudeRef), "NS", 90)
    longitude = _degrees(place.get(gps.GPSLongitude), place.get(gps.GPSLongitudeRef), "EW", 180)
    # Cameras without a position write 0, 0, a point in the sea.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(value: Any, reference: object, letters: str, limit: int) -> float | None:
    letter = (_text(reference, 2) or "")[:1].upper()
    if letter not in letters or not letter or not isinstance(value, tuple):
        return None
    degrees = math.fsum(float(part) / 60**power for power, part in enumerate(value[:3]))
    if not math.isfinite(degrees) or not 0 <= degrees <= limit:
        return None
    return round(-degrees if letter == letters[1] else degrees, 7)


def _caption(main: Mapping[int, Any], iptc: Mapping[tuple[int, int], Any], packet: xmp.Texts) -> str | None:
    description = _text(main.get(ExifTags.Base.ImageDescription), MAX_TEXT)
    if description and not _CAMERA_DEFAULT.fullmatch(description):
        return description
    return (
        _utf16(main.get(_XP_TITLE), MAX_TEXT)
        or _utf16(main.get(_XP_COMMENT), MAX_TEXT)
        or next(_iptc_texts(iptc, _IPTC_CAPTION, MAX_TEXT), None)
        or next(filter(None, (_clean(text, MAX_TEXT) for text in packet.descriptions)), None)
    )


def _keywords(main: Mapping[int, Any], iptc: Mapping[tuple[int, int], Any], packet: xmp.Texts) -> tuple[str, ...]:
    words = chain(
        _iptc_texts(iptc, _IPTC_KEYWORDS, MAX_NAME),
        (_clean(word, MAX_NAME) for word in packet.subjects),
        (_clean(word, MAX_NAME) for word in (_utf16(main.get(_XP_KEYWORDS), MAX_TEXT * 4) or "").split(";")),
    )
    return tuple(dict.fromkeys(word for word in islice(words, MAX_KEYWORDS * 16) if word))[:MAX_KEYWORDS]


def _iptc(image: Image.Image) -> Mapping[tuple[int, int], Any]:
    return IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]


def _iptc_texts(iptc: Mapping[tuple[int, int], Any], key: tuple[int, int], limit: int) -> Iterator[str]:
    values = iptc.get(key, [])
    for raw in values if isinstance(values, list) else [values]:
        # The standard says Latin-1 unless UTF-8 is declared; programs write UTF-8 without declaring it.
        raw = raw[: limit * _SLACK].replace(b"\0", b" ")
        text = raw.decode("utf-8", "replace") if iptc.get(_IPTC_CHARSET) == b"\x1b%G" else _decoded(raw, limit)
        if cleaned := _clean(text, limit):
            yield cleaned


def _xmp(image: Image.Image) -> xmp.Texts:
    return xmp.read(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
