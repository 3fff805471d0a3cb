"""The start page by month, and selecting, in a real Chromium: in English, and in Chinese and Arabic what differs."""

import datetime
import re
import zipfile

import pytest
from compare import until
from PIL import Image
from playwright.sync_api import expect

from ..conftest import LOCALES, Words, exif_of
from .conftest import draw

IN_SIGHT = """() => [...document.querySelectorAll('.pg-timeline .pg-tile')]
    .map((tile) => ({ id: tile.querySelector('a').dataset.id, box: tile.getBoundingClientRect() }))
    .filter(({ box }) => box.top > 80 && box.bottom < innerHeight)
    .map(({ id, box }) => [id, Math.round(box.top)])"""
ALL = "[...document.querySelectorAll('.pg-timeline .pg-tile a')].map((link) => Number(link.dataset.id))"


def newest(page):
    """Wait until the start page shows photos."""
    page.wait_for_function("document.querySelector('.pg-timeline .pg-tile img')?.naturalWidth > 0")


def scroll_to(page, top):
    page.evaluate("(top) => scrollTo({ top, behavior: 'instant' })", top)
    page.wait_for_function("!document.querySelector('.pg-waiting')")


def settled(page):
    page.wait_for_selector(".pg:not(.pg-busy) :is(.pg-tile, .pg-none)")


@pytest.fixture
def page(visit, album_address):
    opened = visit(album_address)
    newest(opened)
    return opened


def origin(page):
    """The address of the API."""
    return page.evaluate("new URL('api/v1/', location).href")


def tile(page, number):
    return page.locator(".pg-timeline .pg-tile").nth(number)


def select(page, *numbers):
    for number in numbers:
        tile(page, number).locator("a").focus()
        page.keyboard.press("x")


def count(page, number, words=None):
    expect(page.locator(".pg-selected-count")).to_have_text((words or Words("en")).says("select.count", count=number))


# --- by month -------------------------------------------------------------------------------------


LOADED = """performance.getEntriesByType('resource')
    .map(({ name, transferSize }) => [name.slice(new URL('.', location).href.length), transferSize])"""


def test_the_first_photos_come_with_few_requests(page):
    paths = [path for path, _ in page.evaluate(LOADED)]
    assert [path.rpartition("/")[2] for path in paths if re.fullmatch(r"ui/.*\.(m?js|css)", path)] == [
        "page.css",
        "page.mjs",
    ]
    assert [path for path in paths if "timeline" in path] == ["api/v1/timeline?first=160"]


def test_thumbnails_of_the_start_are_not_asked_for_again(page):
    page.reload()
    newest(page)
    again = [size for path, size in page.evaluate(LOADED) if "thumbnail" in path]
    assert len(again) > 2
    assert not any(again)  # the browser has kept them


def test_the_start_shows_the_newest_photos_and_only_those_near_the_window_are_in_the_document(page, album_library):
    expect(page.locator(".pg-month h2").first).to_have_text("December 2024")
    total, seen = album_library.status().photos, set()
    height = page.evaluate("document.documentElement.scrollHeight")

    def all_were_seen():  # a month may come after the window has moved on
        for top in range(0, height, 500):
            scroll_to(page, top)
            shown = page.evaluate(ALL)
            seen.update(shown)
            assert len(shown) < total
        return len(seen) == total

    until(all_were_seen, 60)
    assert page.evaluate("document.documentElement.scrollHeight") == pytest.approx(height, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "month"), [("zh", "2024年12月"), ("ar", "ديسمبر ٢٠٢٤")])
def test_months_are_named_in_the_language_of_the_page(visit, album_address, language, month):
    page = visit(album_address, locale=LOCALES[language])
    newest(page)
    expect(page.locator(".pg-month h2").first).to_have_text(month)
    page.focus(".pg-handle")
    page.keyboard.press("End")
    expect(page.locator(".pg-handle")).to_have_attribute("aria-valuetext", Words(language).say("month.none"))


def test_back_leads_to_the_photos_that_were_in_sight(page):
    scroll_to(page, 2000)
    before = page.evaluate(IN_SIGHT)
    assert before
    page.fill(".pg-query", "rocket")
    page.press(".pg-query", "Enter")
    page.wait_for_selector(".pg-results .pg-tile")
    assert page.locator(".pg-timeline .pg-tile").count() == 0
    page.go_back()
    newest(page)
    page.wait_for_function("(top) => scrollY === top", arg=2000)
    assert page.evaluate(IN_SIGHT) == before


def test_a_photo_opens_steps_beyond_what_was_loaded_and_returns_to_its_tile(page):
    tile(page, 0).locator("a").click()
    heading = page.locator(".pg-details h2")
    names = set()
    for _ in range(40):
        names.add(heading.text_content())
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(30)
    assert len(names) == 40
    last = page.evaluate("Number(new URLSearchParams(location.search).get('photo'))")
    page.keyboard.press("Escape")
    expect(page.locator(f".pg-timeline [data-id='{last}']")).to_be_focused()


def test_the_scrubber_leads_to_a_year_by_pointer_and_by_keys(page):
    handle = page.get_by_role("slider", name=Words("en").say("scrubber.label"))
    handle.focus()
    page.keyboard.press("PageDown")
    expect(handle).to_have_attribute("aria-valuetext", "October 2023")
    page.keyboard.press("ArrowUp")
    expect(handle).not_to_have_attribute("aria-valuetext", "October 2023")
    page.keyboard.press("End")
    expect(handle).to_have_attribute("aria-valuetext", "No date")
    box = page.locator(".pg-scrubber").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 0.95 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 0.3 * box["height"], steps=4)
    expect(page.locator(".pg-handle-label")).to_have_css("opacity", "1")
    page.mouse.up()
    expect(handle).to_have_attribute("aria-valuetext", page.locator(".pg-handle-label").text_content())
    page.keyboard.press("Home")
    page.wait_for_function("scrollY === 0")


def test_filters_alone_are_listed_by_month_and_say_how_many(page):
    page.fill(".pg-query", 'camera:"Canon EOS R6"')
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-summary")).to_have_text("36 photos")
    expect(page.locator(".pg-month").first).to_be_visible()
    page.fill(".pg-query", "type:gif")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-none")).to_be_visible()


def test_results_by_date_have_the_same_headings(page):
    page.goto(page.url.split("?")[0] + "?q=part&sort=date")
    expect(page.locator(".pg-results .pg-month h2").first).to_have_text("December 2024")
    tiles = page.locator(".pg-results .pg-tile").evaluate_all(
        "(all) => all.map((tile) => tile.getBoundingClientRect()).map((box) => "
        "[box.left, box.top, box.right, box.bottom])"
    )
    for at, (left, top, right, bottom) in enumerate(tiles):
        for other in tiles[at + 1 :]:
            assert right <= other[0] + 1 or other[2] <= left + 1 or bottom <= other[1] + 1 or other[3] <= top + 1


def test_the_page_works_under_its_content_security_policy(visit, album_address):
    page = visit(album_address)
    expect(page.locator(".pg-timeline .pg-tile").first).to_be_visible()
    select(page, 0)
    with page.expect_download():
        page.get_by_role("button", name="Download").click()
    page.keyboard.press("Escape")
    page.fill(".pg-query", "rocket")
    page.press(".pg-query", "Enter")
    page.locator(".pg-results .pg-tile a").first.click()
    expect(page.locator(".pg-details .pg-path")).to_be_visible()


# --- while the library grows ----------------------------------------------------------------------


def dated(folder, count, seed, day):
    """Pictures of one day."""
    draw(folder, count, seed)
    for number, path in enumerate(sorted(folder.iterdir())):
        exif = exif_of("Canon EOS R6", f"{day:%Y:%m:%d} 10:{number % 60:02}:00")
        Image.open(path).convert("RGB").save(path.with_suffix(".jpg"), exif=exif)
        path.unlink()
    return folder


@pytest.fixture
def growing(served, tmp_path):
    """A library with sixty photos of today's day, three years ago, and its address."""
    library, address, _ = served
    today = datetime.datetime.now().astimezone().date()
    day = today.replace(year=today.year - 3, day=min(today.day, 28))
    earlier = dated(tmp_path / "earlier", 20, 4, datetime.date(2001, 1, 1))
    library.index([dated(tmp_path / "old", 60, 1, day), earlier])
    return library, address, tmp_path


def test_on_this_day_leads_to_the_day_of_an_earlier_year(visit, growing):
    _, address, _ = growing
    page = visit(address)
    newest(page)
    today = datetime.datetime.now().astimezone().date()
    if today.day > 28:
        return
    card = page.get_by_role("button", name="3 years ago")
    card.click()
    settled(page)
    assert page.evaluate("new URLSearchParams(location.search).get('date')") == f"{today.year - 3}-{today:%m-%d}"
    expect(page.locator(".pg-summary")).to_have_text("60 photos")


def test_new_photos_appear_and_what_is_in_sight_stays(visit, growing):
    library, address, folder = growing
    page = visit(address)
    newest(page)
    scroll_to(page, 1200)
    before = page.evaluate(IN_SIGHT)
    library.index([dated(folder / "new", 20, 2, datetime.date(2025, 6, 1))])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # the page looks at once
    page.wait_for_function("scrollY > 1300", timeout=40_000)
    assert page.evaluate(IN_SIGHT) == before
    scroll_to(page, 0)
    expect(page.locator(".pg-month h2").first).to_have_text("June 2025")


def test_the_first_photos_of_an_empty_library_appear_by_themselves(visit, served, tmp_path):
    library, address, _ = served
    page = visit(address)
    expect(page.locator(".pg-command code")).to_contain_text(str(library.folder))
    library.index([dated(tmp_path / "first", 5, 3, datetime.date(2025, 6, 1))])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".pg-timeline .pg-tile")).to_have_count(5, timeout=40_000)


# --- selecting ------------------------------------------------------------------------------------


def test_photos_are_selected_by_key_box_range_and_month_and_stay_so_while_scrolling(page):
    select(page, 0)
    count(page, 1)
    tile(page, 2).locator("a").click(modifiers=["Shift"])
    count(page, 3)
    tile(page, 1).hover()
    tile(page, 1).get_by_role("checkbox").click()
    count(page, 2)
    first = page.locator(".pg-month").first
    expect(first.get_by_role("checkbox")).to_have_attribute("aria-checked", "mixed")
    first.get_by_role("checkbox").click()
    expect(first.get_by_role("checkbox")).to_have_attribute("aria-checked", "true")
    chosen = page.locator(".pg-selected").count()
    scroll_to(page, 4000)
    count(page, chosen)
    scroll_to(page, 0)
    expect(page.locator(".pg-selected")).to_have_count(chosen)
    expect(page.locator(".pg-details")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(".pg-select")).to_be_hidden()
    expect(page.locator(".pg-selected")).to_have_count(0)


def test_all_photos_can_be_selected_also_those_that_were_not_loaded(page, album_library):
    select(page, 0)
    page.get_by_role("button", name="Select all").click()
    count(page, album_library.status().photos)
    page.get_by_role("button", name=Words("en").say("select.clear")).click()
    expect(page.locator(".pg-select")).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "ar"])
def test_the_number_of_selected_photos_is_said_in_the_language_of_the_page(visit, album_address, language):
    page = visit(album_address, locale=LOCALES[language])
    newest(page)
    select(page, 0, 1, 2)
    count(page, 3, Words(language))
    expect(page.locator(".pg-selected-count")).to_have_attribute("aria-live", "polite")


def test_one_photo_is_downloaded_as_it_is_and_several_as_a_zip(page, tmp_path, album):
    select(page, 0)
    with page.expect_download() as one:
        page.get_by_role("button", name="Download").click()
    name = one.value.suggested_filename
    one.value.save_as(tmp_path / name)
    assert (tmp_path / name).read_bytes() == next(album.rglob(name)).read_bytes()
    select(page, 1, 2)
    with page.expect_download() as several:
        page.get_by_role("button", name="Download").click()
    several.value.save_as(tmp_path / "photos.zip")
    assert len(zipfile.ZipFile(tmp_path / "photos.zip").namelist()) == 3
    newest(page)  # the page is still there


def test_paths_are_copied_and_favourites_marked(page, album):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    select(page, 0, 1)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Copy paths").click()
    expect(page.locator(".pg-selected-count")).to_have_text("Copied")
    assert [url for url in asked if "/photos/" in url and "thumbnail" not in url] == [f"{origin(page)}photos/paths"]
    paths = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert len(paths) == 2
    assert all(path.startswith(str(album)) for path in paths)
    heart = page.get_by_role("toolbar").get_by_role("button", name="Favourite")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".pg-timeline .pg-heart:visible")).to_have_count(2)
    heart.click()
    expect(page.locator(".pg-timeline .pg-heart:visible")).to_have_count(0)


def test_more_and_less_like_the_selected_photos(page):
    ids = [tile(page, number).locator("a").get_attribute("data-id") for number in (0, 1)]
    select(page, 0, 1)
    expect(page.get_by_role("button", name="Less like these")).to_be_hidden()
    page.get_by_role("button", name="More like these").click()
    page.wait_for_selector(".pg-results .pg-tile")
    assert page.evaluate("new URLSearchParams(location.search).get('q')") == f"1: #{ids[0]} + #{ids[1]}"
    expect(page.locator(".pg-select")).to_be_hidden()
    third = page.locator(".pg-results .pg-tile a").nth(5)
    third.focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="Less like these").click()
    page.wait_for_function("location.search.includes('-+%23')")


def test_by_thumb_a_long_press_selects_and_the_bar_fits(visit, album_address):
    page = visit(album_address, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    newest(page)
    box = tile(page, 0).bounding_box()
    touch = {"x": box["x"] + 30, "y": box["y"] + 30}
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [touch]})
    count(page, 1)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tile(page, 1).locator("a").tap()
    count(page, 2)
    expect(page.locator(".pg-details")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    nav, bar = page.locator(".pg-nav").bounding_box(), page.locator(".pg-select").bounding_box()
    assert bar["y"] + bar["height"] <= nav["y"]
    assert bar["x"] + bar["width"] <= 360


# --- tiles ----------------------------------------------------------------------------------------


def test_facts_are_there_on_hover_and_focus_only(page):
    facts = tile(page, 0).locator(".pg-name")
    expect(facts).to_have_css("opacity", "0")
    assert tile(page, 0).locator(".pg-facts").evaluate("(one) => getComputedStyle(one).backgroundImage") == "none"
    tile(page, 0).hover()
    expect(facts).to_have_css("opacity", "1")


def test_a_small_picture_is_at_most_twice_its_size_and_a_lone_result_is_large(visit, served, tmp_path):
    library, address, _ = served
    (tmp_path / "small").mkdir()
    Image.new("RGB", (40, 30), "red").save(tmp_path / "small" / "red.png")
    Image.new("RGB", (1200, 900), "blue").save(tmp_path / "small" / "blue.jpg")
    library.index([tmp_path / "small"])
    page = visit(f"{address}/?q=red&type=png&relevant=true")
    settled(page)
    page.goto(f"{address}/?q=red.png")
    settled(page)
    small = page.locator(".pg-results .pg-tile", has_text="red.png").locator("img")
    assert small.evaluate("(image) => [image.clientWidth, image.clientHeight]") == [80, 60]
    page.goto(f"{address}/?q=blue&type=jpg")
    settled(page)
    only = page.locator(".pg-results .pg-tile")
    expect(only).to_have_count(1)
    grid = page.locator(".pg-results").bounding_box()["width"]
    assert only.bounding_box()["width"] > 0.4 * grid


def test_a_picture_that_no_browser_shows_has_its_thumbnail_and_the_next_one_replaces_it(page, pictures):
    page.goto(page.url.split("?")[0] + "?q=1%3A+%231")
    settled(page)
    page.set_input_files(".pg-file", pictures / "espresso.tiff")
    image = page.locator(".pg-liked img")
    expect(image).to_have_count(1)
    page.wait_for_function("document.querySelector('.pg-liked img')?.naturalWidth > 10")
    assert page.evaluate("location.search") == ""
    settled(page)
    page.set_input_files(".pg-file", pictures / "rocket.jpg")
    expect(image).to_have_count(1)
