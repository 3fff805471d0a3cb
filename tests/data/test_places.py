"""Places of coordinates, and their names, from the table that comes with polyglance."""

import subprocess
import sys

import pytest
from polyglance.config import LANGUAGES
from polyglance.data.places import gazetteer, nearest


@pytest.mark.parametrize(
    ("coordinates", "name", "country"),
    [
        ((48.886, 2.343), "Paris", "FR"),  # Montmartre is no place of its own
        ((48.8049, 2.1204), "Versailles", "FR"),
        ((35.0116, 135.7681), "Kyoto", "JP"),
        ((40.678, -73.944), "New York", "US"),
        ((45.9764, 7.6586), "Zermatt", "CH"),
        ((-33.86, 151.2), "Sydney", "AU"),
    ],
)
def test_coordinates_are_in_a_city(coordinates, name, country):
    (key,) = nearest.places_at([coordinates])
    assert (gazetteer.place(key).name("en"), gazetteer.place(key).country) == (name, country)


def test_far_from_cities_there_is_only_a_country_or_nothing():
    assert nearest.places_at([(36.06, -112.11), (64.0, -19.0), (0.0, -30.0), (90.0, 0.0), (-90.0, 180.0)]) == [
        "US",
        "IS",
        None,
        None,
        None,
    ]


def test_names_are_in_the_language_asked_for_else_local():
    rome = gazetteer.place("3169070")
    assert [rome.name(language) for language in ("it", "zh", "ar", "xx")] == ["Roma", "罗马市", "روما", "Rome"]
    assert gazetteer.place("2657928").name("ja") == "Zermatt"
    assert gazetteer.place("JP").name("fr") == "Japon"
    assert gazetteer.place("nowhere") is None


def test_every_country_of_a_city_has_names_in_nine_languages():
    codes = {city.country for city in gazetteer.cities().values()}
    missing = [(code, language) for code in codes for language in LANGUAGES if not gazetteer.place(code)]
    assert not missing
    assert not [code for code in codes if not all(gazetteer.place(code).names)]


def test_no_import_reads_the_table():
    code = (
        "import polyglance.cli, polyglance.library.library, polyglance.data.catalog.catalog\n"
        "from polyglance.data.places import gazetteer, nearest\n"
        "print(gazetteer.cities.cache_info().currsize, nearest._table.cache_info().currsize)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["0", "0"]
