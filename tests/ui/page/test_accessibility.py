"""axe-core finds nothing serious in the main states, light and dark, and in Arabic from right to left.

Colours do not depend on the language: the Arabic page is looked at in light only.
"""

import pytest
from colour_encoder import ColourEncoder
from PIL import Image
from playwright.sync_api import expect
from polyglance.config import Settings
from polyglance.library import Library

from ..conftest import exif_of_a_phone

FEW = "cat after:2024-07 before:2024-09"
"""Some twenty photos, near-duplicates among them: axe-core looks at each tile."""


@pytest.fixture(scope="module", params=["en-GB", pytest.param("ar-EG", marks=pytest.mark.slow)])
def window(request, browser):
    """A window in one language, without transitions: half-way colours have less contrast."""
    with browser.new_context(locale=request.param, reduced_motion="reduce") as context:
        yield context.new_page()


@pytest.fixture
def page(window, album_address):
    window.goto(album_address)
    window.wait_for_selector(".pg-library button", state="attached")
    return window


@pytest.fixture
def both(axe):
    """Ask axe about a page in light, and about an English one in dark."""

    def check(page):
        is_english = page.evaluate("document.documentElement.lang") == "en"
        for scheme in ("dark", "light") if is_english else ("light",):
            page.emulate_media(color_scheme=scheme)
            axe(page)

    return check


def test_the_start(page, both):
    both(page)


def test_explore(page, both):
    page.click(".pg-nav [data-view=explore]")
    page.wait_for_function("document.querySelector('.pg-card img')?.naturalWidth > 0")
    both(page)


@pytest.fixture(scope="module")
def located_address(tmp_path_factory, serve_in_thread):
    """Address of a library with a photo that knows where it was taken; other tests do not change it."""
    place = tmp_path_factory.mktemp("located")
    (place / "photos").mkdir()
    Image.radial_gradient("L").save(place / "photos" / "paris.jpg", exif=exif_of_a_phone())
    with Library.open(place / "library", settings=Settings(encoder="lite"), encoder=ColourEncoder("lite")) as opened:
        opened.index([place / "photos"])
        yield serve_in_thread(opened)


def test_the_map(page, located_address, both):
    page.goto(f"{located_address}/?view=map")
    page.wait_for_function("document.querySelector('.pg-cluster img')?.naturalWidth > 0")
    both(page)
    page.click(".pg-map-area")
    both(page)


def test_a_selection(page, both):
    page.wait_for_function("document.querySelector('.pg-timeline .pg-tile img')?.naturalWidth > 0")
    for number in (0, 2):
        page.locator(".pg-timeline .pg-tile a").nth(number).focus()
        page.keyboard.press("x")
    expect(page.locator(".pg-select")).to_be_visible()
    both(page)
    page.keyboard.press("Escape")


def test_results_and_filters(page, both):
    page.fill(".pg-query", FEW)
    page.press(".pg-query", "Enter")
    page.wait_for_function("document.querySelector('.pg-tile img')?.naturalWidth > 0")
    both(page)
    page.click(".pg-filter-button")
    page.wait_for_selector(".pg-filters [role=treeitem], .pg-filters select")
    both(page)


def test_details(page, both):
    page.fill(".pg-query", FEW)
    page.press(".pg-query", "Enter")
    page.click(".pg-tile a >> nth=0")
    page.wait_for_selector(".pg-details .pg-path")
    page.wait_for_function("document.querySelector('.pg-large').naturalWidth > 0")
    both(page)


def test_suggestions_and_earlier_searches(page, both):
    page.fill(".pg-query", "montm")
    expect(page.locator(".pg-suggest [role=option]").first).to_be_visible()
    page.press(".pg-query", "ArrowDown")
    both(page)
    page.evaluate("localStorage.setItem('polyglance.history', JSON.stringify(['cat', 'قطة']))")
    page.fill(".pg-query", "")
    expect(page.locator(".pg-forget").first).to_be_visible()
    page.press(".pg-query", "ArrowDown")
    both(page)
    page.evaluate("localStorage.removeItem('polyglance.history')")


def test_a_zoomed_photo(page, both):
    page.fill(".pg-query", "rocket")
    page.press(".pg-query", "Enter")
    page.click(".pg-tile a >> nth=0")
    page.wait_for_selector(".pg-details .pg-path")
    page.keyboard.press("+")
    expect(page.locator(".pg-zoom-level")).to_contain_text("٪" if page.evaluate("document.dir") == "rtl" else "%")
    both(page)


def test_the_list_of_keys(page, both):
    page.locator(".pg-filter-button").press("?")
    expect(page.locator(".pg-help dl")).to_be_visible()
    both(page)


def test_the_library_panel(page, both):
    page.click(".pg-to-library")
    page.wait_for_selector(".pg-panel .pg-in-use")
    both(page)
    page.click(".pg-panel .pg-add button >> nth=0")
    page.wait_for_selector(".pg-chooser li")
    both(page)


def test_an_empty_library(window, empty_address, both):
    window.goto(empty_address)
    expect(window.locator(".pg-empty h2")).to_be_visible()
    both(window)


def test_a_refused_search(page, both):
    page.fill(".pg-query", "colour:red")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-error")).to_be_visible()
    both(page)


def test_axe_is_really_asked(page, axe):
    page.evaluate("document.querySelector('.pg-go').removeAttribute('aria-label')")
    with pytest.raises(AssertionError, match="button-name"):
        axe(page)
