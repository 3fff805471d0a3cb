"""The table of places: 69,000 cities and towns by GeoNames, and countries, with names in the nine languages.

A place is known by its key: GeoNames' number of a city ("3169070"), or the code of a country ("IT").
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...config import LANGUAGES
from ...languages.fold import fold

FOLDER = Path(__file__).parent
CITIES, COUNTRIES = FOLDER / "cities.tsv.gz", FOLDER / "countries.tsv.gz"


@dataclass(frozen=True, slots=True)
class Place:
    """A city, or a country as a whole."""

    key: str
    country: str
    """ISO 3166 code."""
    latitude: float
    longitude: float
    population: int
    local_name: str
    """The name where no other is known; empty for a country."""
    names: tuple[str, ...]
    """By language, in the order of LANGUAGES; empty where it is `local_name` or not known."""

    @property
    def is_country(self) -> bool:
        """Whether it is a country as a whole."""
        return self.key == self.country

    def name(self, language: str) -> str:
        """The name in one of the nine languages, else the local name."""
        translated = self.names[LANGUAGES.index(language)] if language in LANGUAGES else ""
        return translated or self.local_name or self.key

    def all_names(self) -> Iterator[str]:
        """Every name it has, each once."""
        yield from dict.fromkeys(name for name in (self.local_name, *self.names) if name)


@functools.cache
def cities() -> Mapping[str, Place]:
    """All cities by key; a third of a second, once."""
    result = {}
    for key, country, latitude, longitude, population, local_name, *names in _rows(CITIES):
        result[key] = Place(key, country, float(latitude), float(longitude), int(population), local_name, tuple(names))
    return result


@functools.cache
def countries() -> Mapping[str, Place]:
    """All countries by code."""
    return {code: Place(code, code, 0.0, 0.0, 0, "", tuple(names)) for code, *names in _rows(COUNTRIES)}


def place(key: str) -> Place | None:
    """The place with this key; None if there is none."""
    return countries().get(key) or cities().get(key)


def matches(text: str, key: str) -> bool:
    """Whether a text means the place with this key: its key, one of its names, or the code or a name of its country."""
    known = place(key)
    if known is None:
        return False
    if text in {key, known.country, known.country.lower()}:
        return True
    folded = fold(text)
    country = countries().get(known.country)
    names = [*known.all_names(), *(country.all_names() if country else ())]
    return any(fold(name) == folded for name in names)


def _rows(file: Path) -> Iterator[list[str]]:
    for line in gzip.decompress(file.read_bytes()).decode("utf-8").splitlines():
        yield line.split("\t")
