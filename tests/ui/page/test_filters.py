"""The filter panel in the running page: its numbers are those of the search; year and month; lists of values."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from ..conftest import EACH_LANGUAGE, LOCALES, Words

expect.set_options(timeout=20_000)


def open_filters(visit, address, language="en", **parameters):
    """The panel, filled, for the search with these parameters."""
    page = visit(f"{address}/?{urlencode(parameters)}", locale=LOCALES[language])
    page.click(".pg-filter-button")
    page.wait_for_selector(".pg-filters [role=treeitem]")
    return page


def tick(page, name):
    """A tick of the panel; tiles have ticks as well."""
    return page.locator(".pg-filters").get_by_role("checkbox", name=name)


def amount(page, name):
    """The number beside a tick."""
    return page.locator(".pg-tick", has_text=name).locator(".pg-amount")


def test_numbers_are_those_of_the_search(visit, album_address):
    page = open_filters(visit, album_address, folder="Montmartre")
    facets = page.request.get(f"{album_address}/api/v1/facets", params={"folder": "Montmartre"}).json()
    counted = {camera["name"]: camera["photos"] for camera in facets["cameras"]}
    assert sum(counted.values()) == 22
    expect(amount(page, "Canon EOS R6")).to_have_text(str(counted["Canon EOS R6"]))
    canon = tick(page, "Canon EOS R6")
    canon.check()
    expect(page.locator(".pg-tile")).to_have_count(counted["Canon EOS R6"])
    expect(amount(page, "FUJIFILM X100V")).to_have_text(str(counted["FUJIFILM X100V"]))  # may be ticked as well


def test_what_gives_nothing_is_grey_and_comes_back(visit, album_address):
    page = open_filters(visit, album_address, type="png")
    canon = tick(page, "Canon EOS R6")
    expect(tick(page, "JPG")).to_be_enabled()
    tick(page, "JPG").check()
    tick(page, "PNG").uncheck()
    expect(canon).to_be_enabled()
    tick(page, "PNG").check()
    tick(page, "JPG").uncheck()
    expect(canon).to_be_disabled()
    expect(amount(page, "Canon EOS R6")).to_have_text("0")


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_a_year_and_then_a_month_are_chosen(visit, album_address, language):
    words = Words(language)
    page = open_filters(visit, album_address, language)
    panel = page.locator(".pg-filters")
    year, month = panel.get_by_label(words.say("filter.year")), panel.get_by_label(words.say("filter.month"))
    expect(month).to_be_disabled()
    year.select_option("2024")
    page.wait_for_url("**date=2024")
    expect(month).to_be_enabled()
    month.select_option("05")
    page.wait_for_url("**date=2024-05")
    chip = {"en": "May 2024", "zh": "2024年5月", "ar": "مايو ٢٠٢٤"}[language]
    expect(page.locator(".pg-chip span").first).to_have_text(chip)
    page.get_by_label(words.say("filter.from"), exact=True).fill("2024-01-01")
    page.wait_for_url("**after=2024-01-01")
    assert "date=" not in page.url
    expect(year).to_have_value("")
