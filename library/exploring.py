"""What a library holds, to wander through, with names in one language, and searches to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..config import LANGUAGES
from ..data.places import gazetteer
from ..encoders.base import Encoder, KnowsThings
from ..errors import PolyglanceError
from ..languages.things import Thing, things
from ..search.answer import View
from ..search.query.filters import Filter
from ..search.query.parse import Query
from . import encoders, searches
from .holdings import Group, Holdings, holdings
from .parts import Parts

MOST_FOLDERS, MOST_CAMERAS = 60, 60

TRIES = 4
"""So many things are tried as the example of a language."""


class Example(NamedTuple):
    """A search to try, in one of the nine languages."""

    language: str
    text: str
    key: str


class Tile(NamedTuple):
    """A group as people see it: a thing, a city, a country, a folder or a camera."""

    key: str
    """What the filter of its kind takes."""
    name: str
    photos: int
    cover: int
    """Id of the photo that stands for the group."""
    query: str
    """The query that shows it."""
    country: str = ""
    """ISO 3166 code, of a place."""
    latitude: float | None = None
    """Of a city's middle, in decimal degrees."""
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Explored:
    """What a library holds, with names in one language. Tiles with most photos come first."""

    things: list[Tile]
    places: list[Tile]
    """Cities, and countries for the photos that are in none."""
    countries: list[Tile]
    folders: list[Tile]
    cameras: list[Tile]
    favourites: int
    newest_favourite: int | None
    """Id of a photo."""
    copies: int
    """Photos that have the bytes of another."""
    examples: list[Example]


def explore(parts: Parts, language: str) -> Explored:
    """What the library holds, now or a moment ago. See `Library.explore`."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    held = holdings(parts)
    return parts.cache.get(f"explored {language}", held, lambda: _explore(parts, held, language))


def _explore(parts: Parts, held: Holdings, language: str) -> Explored:
    known, encoder = things(), _encoder(parts)
    favourites, newest_favourite = held.favourites
    return Explored(
        [
            Tile(
                group.key,
                known[group.key].name(language),
                group.photos,
                group.cover,
                _query_of_thing(encoder, known[group.key], language),
            )
            for group in held.things
        ],
        _place_tiles(held.places, language),
        _place_tiles(held.countries, language),
        [
            Tile(folder.text, folder.name, folder.photos, folder.cover, _query("in", folder.text))
            for folder in held.folders[:MOST_FOLDERS]
        ],
        [
            Tile(group.key, group.key, group.photos, group.cover, _query("camera", group.key))
            for group in held.cameras[:MOST_CAMERAS]
        ],
        favourites,
        newest_favourite,
        held.copies,
        parts.cache.get("examples", held, lambda: _choose_examples(parts, held, encoder)),
    )


def _query_of_thing(encoder: Encoder | None, thing: Thing, language: str) -> str:
    """A thing's name in a language, or the filter if the encoder does not know that name."""
    return thing.name(language) if _knows(encoder, thing, language) else _query("thing", thing.key)


def _query(filter_name: str, value: str) -> str:
    return str(Query((), (Filter(filter_name, value),)))


def _place_tiles(groups: Sequence[Group], language: str) -> list[Tile]:
    return [
        Tile(group.key, place.name(language), *group[1:], _query("place", group.key), place.country, *_middle(place))
        for group in groups
        if (place := gazetteer.place(group.key))
    ]


def _middle(place: gazetteer.Place) -> tuple[float, float] | tuple[()]:
    return () if place.is_country else (place.latitude, place.longitude)


def _encoder(parts: Parts) -> Encoder | None:
    record = parts.catalog.encoders.active()
    return encoders.load(parts, record) if record else None


def _knows(encoder: object, thing: Thing, language: str) -> bool:
    """Whether the thing's name in a language finds what its English name finds."""
    return not isinstance(encoder, KnowsThings) or encoder.has_thing(thing.name("en"), language)


def _choose_examples(parts: Parts, held: Holdings, encoder: Encoder | None) -> list[Example]:
    """A search for each of the nine languages that finds something relevant; none if there is no such thing."""
    chosen: list[Example] = []
    known = things()
    ordered = sorted(held.things, key=lambda group: not known[group.key].is_everyday)  # stable: by number of photos
    for language in LANGUAGES:
        taken = {example.key for example in chosen}
        fitting = [group.key for group in ordered if _knows(encoder, known[group.key], language)]
        fresh_first = sorted(fitting, key=lambda key: key in taken)  # stable
        texts = {key: known[key].name(language) for key in fresh_first[:TRIES]}
        key = next((key for key, text in texts.items() if _finds(parts, text)), None)
        if key is not None:
            chosen.append(Example(language, texts[key], key))
    return chosen


def _finds(parts: Parts, text: str) -> bool:
    """Whether a search for a text finds something relevant."""
    try:
        view = View(1, None, "relevance", True, True)
        return bool(searches.search(parts, text, view, filters={}, plain=True, files=False, picture=None).results)
    except PolyglanceError:
        return False
