"""What a picture says about itself: date, camera, place, caption, keywords, from EXIF, IPTC and XMP."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from xml.etree import ElementTree

from PIL import ExifTags, Image, IptcImagePlugin

MAX_TEXT = 2000
"""Longest caption kept, in characters; a camera, a lens and a keyword get `MAX_NAME`."""
MAX_NAME = 128
MAX_KEYWORDS = 64
MAX_XMP_BYTES = 1 << 20

_EARLIEST_YEAR = 1826  # the oldest photograph that survives: whatever is older is a clock that was never set

_DATE = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")

_CAMERA_DEFAULT = re.compile(
    r"(?:[\w ]*digital (?:still )?camera|sony dsc|dsc\w*|exif[ _]jpeg[ _]picture|samsung(?: camera pictures)?"
    r"|image description|default|untitled|dcim|<digimax.*>|ascii|camera)",
    re.IGNORECASE,
)

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_DECLARATION = re.compile(r"<!(?!--|\[CDATA\[)")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\\s]+")

_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9E
_IPTC_CHARSET, _IPTC_KEYWORDS, _IPTC_CAPTION = (1, 90), (2, 25), (2, 120)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Facts:
    """What the picture's metadata says; None or empty where it says nothing usable.

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


def read(image: Image.Image) -> Facts:
    """Return the facts of a decoded picture. Never raises: damaged metadata gives what can be had."""
    main: Mapping[int, Any] = _attempt(lambda: image.getexif(), {})
    shot: Mapping[int, Any] = _attempt(lambda: image.getexif().get_ifd(ExifTags.IFD.Exif), {})
    place: Mapping[int, Any] = _attempt(lambda: image.getexif().get_ifd(ExifTags.IFD.GPSInfo), {})
    iptc: Mapping[tuple[int, int], Any] = _attempt(lambda: _iptc(image), {})
    xmp = _attempt(lambda: _xmp(image), None)
    nowhere: tuple[float | None, float | None] = (None, None)
    latitude, longitude = _attempt(lambda: _position(place), nowhere)
    return Facts(
        taken_at=_attempt(lambda: _taken_at(main, shot), None),
        camera=_attempt(lambda: _camera(main), None),
        lens=_attempt(lambda: _text(shot.get(ExifTags.Base.LensModel), MAX_NAME), None),
        latitude=latitude,
        longitude=longitude,
        caption=_attempt(lambda: _caption(main, iptc, xmp), None),
        keywords=_attempt(lambda: _keywords(main, iptc, xmp), ()),
    )


def _attempt(part: Callable[[], _T], otherwise: _T) -> _T:
    try:
        return part()
    except Exception:  # noqa: BLE001 - bytes from anywhere through Pillow's parsers: no list of exceptions is complete
        return otherwise


def _clean(text: str, limit: int) -> str | None:
    return _UNPRINTABLE.sub(" ", text)[: limit * 4].strip()[:limit].strip() or None


def _text(value: object, limit: int) -> str | None:
    """Clean an EXIF text: bytes, or the Latin-1 reading Pillow makes of them, up to the first NUL."""
    if isinstance(value, str):
        narrow = all(character < "\u0100" for character in value)
        value = value.encode("latin-1" if narrow else "utf-8", "replace")
    return _clean(_decoded(value.split(b"\0")[0]), limit) if isinstance(value, bytes) else None


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _utf16(value: object, limit: int) -> str | None:
    """Clean a Windows `XP…` text: UTF-16 little endian, as bytes or as a tuple of byte values."""
    if not isinstance(value, (bytes, tuple)):
        return None
    return _clean(bytes(value).decode("utf-16-le", "ignore").split("\0")[0], limit)


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
    # Cameras without a fix write 0, 0; nobody stands on that point of the Gulf of Guinea.
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


def _caption(
    main: Mapping[int, Any], iptc: Mapping[tuple[int, int], Any], xmp: ElementTree.Element | None
) -> str | None:
    description = _text(main.get(ExifTags.Base.ImageDescription), MAX_TEXT)
    if description and not _CAMERA_DEFAULT.fullmatch(description):
        return description
    return (
        _utf16(main.get(_XP_TITLE), MAX_TEXT)
        or _utf16(main.get(_XP_COMMENT), MAX_TEXT)
        or next(_iptc_texts(iptc, _IPTC_CAPTION, MAX_TEXT), None)
        or _xmp_description(xmp)
    )


def _keywords(
    main: Mapping[int, Any], iptc: Mapping[tuple[int, int], Any], xmp: ElementTree.Element | None
) -> tuple[str, ...]:
    found = [
        *_iptc_texts(iptc, _IPTC_KEYWORDS, MAX_NAME),
        *(_clean(item.text or "", MAX_NAME) for item in _xmp_items(xmp, "subject")),
        *(_clean(word, MAX_NAME) for word in (_utf16(main.get(_XP_KEYWORDS), MAX_TEXT * 4) or "").split(";")),
    ]
    return tuple(dict.fromkeys(word for word in found if word))[:MAX_KEYWORDS]


def _iptc(image: Image.Image) -> Mapping[tuple[int, int], Any]:
    return IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]


def _iptc_texts(iptc: Mapping[tuple[int, int], Any], key: tuple[int, int], limit: int) -> Iterator[str]:
    values = iptc.get(key, [])
    for raw in values if isinstance(values, list) else [values]:
        # Latin-1 unless declared as UTF-8 is the rule, UTF-8 without declaring it the practice.
        text = raw.decode("utf-8", "replace") if iptc.get(_IPTC_CHARSET) == b"\x1b%G" else _decoded(raw)
        if cleaned := _clean(text.replace("\0", " "), limit):
            yield cleaned


def _xmp(image: Image.Image) -> ElementTree.Element | None:
    """Return the XMP document, unless it is missing, too long, or declares a document type (entity bombs)."""
    raw = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if not raw or len(raw) > MAX_XMP_BYTES:
        return None
    if isinstance(raw, bytes):
        raw = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    text = raw.strip("\0 \r\n\t")
    return None if _DECLARATION.search(text) else ElementTree.fromstring(text)


def _xmp_items(xmp: ElementTree.Element | None, name: str) -> list[ElementTree.Element]:
    return [] if xmp is None else [item for each in xmp.iter(_DC + name) for item in each.iter(_RDF + "li")]


def _xmp_description(xmp: ElementTree.Element | None) -> str | None:
    items = _xmp_items(xmp, "description")
    items.sort(key=lambda item: item.get(_XML_LANG) != "x-default")
    return next(filter(None, (_clean(item.text or "", MAX_TEXT) for item in items)), None)
