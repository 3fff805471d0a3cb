"""The running page in a real Chromium."""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

HOSTILE = "<img src=x onerror=hacked()>.png" if os.name != "nt" else "&lt;img src=x onerror=hacked()&gt;.png"
BIDI = "moon\u202egnp.exe.png"

SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "No Chromium here: run scripts/install-chromium.sh."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def address(library, serve_in_thread):
    return serve_in_thread(library)


@pytest.fixture(scope="session")
def tab(browser, address):
    """One tab for all tests (starting Gradio takes seconds), and what goes wrong in it or leaves this machine."""
    with browser.new_context(base_url=address, locale="en-GB") as context:
        opened, wrong = context.new_page(), []
        opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("request", lambda request: None if own(request.url, address) else wrong.append(request.url))
        opened.goto("/")
        expect(opened.locator(".pg-library")).to_contain_text("28 photos · 1 folder")
        yield opened, wrong


@pytest.fixture
def page(tab):
    """The page at its start, light, in a window of 1280 x 800."""
    opened, wrong = tab
    wrong.clear()
    opened.set_viewport_size({"width": 1280, "height": 800})
    opened.emulate_media(color_scheme="light")
    opened.keyboard.press("Escape")
    opened.click(".pg-brand")
    opened.wait_for_selector(".pg[data-view=home]")
    yield opened
    assert wrong == []


def own(url, address):
    return url.startswith((address + "/", f"blob:{address}/", "data:"))


def search(page, query):
    page.fill(".pg-query", query)
    page.press(".pg-query", "Enter")
    page.wait_for_function("wanted => document.title.startsWith(wanted)", arg=query)
    page.wait_for_selector(".pg:not(.pg-busy) .pg-tile")


def shown(page):
    """Names of the photos in the grid whose thumbnails have really loaded, in order."""
    page.wait_for_function("[...document.querySelectorAll('.pg-tile img')].slice(0, 3).every(i => i.naturalWidth > 0)")
    return page.eval_on_selector_all(".pg-tile", "tiles => tiles.map(tile => tile.querySelector('img').alt)")


def test_the_search_box_has_the_focus(page):
    page.goto("/")
    expect(page.locator(".pg-query")).to_be_focused()


def test_a_word_typed_finds_the_photo_and_its_thumbnail_loads(page):
    search(page, "cat")
    assert shown(page)[0] == "chelsea.png"
    expect(page.locator(".pg-summary")).to_contain_text("English")
    expect(page.locator(".pg-summary")).to_contain_text("lite encoder")


def test_a_chinese_query_is_answered(page):
    search(page, "雪山")
    assert len(shown(page)) == 28
    expect(page.locator(".pg-summary")).to_contain_text("Chinese")


def test_an_arabic_query_runs_from_right_to_left(page):
    search(page, "قطة")
    assert shown(page)[0] == "chelsea.png"
    expect(page.locator(".pg-summary")).to_contain_text("Arabic")
    assert page.locator(".pg-query").evaluate("box => getComputedStyle(box).direction") == "rtl"


def test_an_example_of_each_language_searches(page):
    assert page.locator(".pg-examples button").evaluate_all("all => all.map(one => one.lang)") == [
        "en", "zh", "es", "fr", "ru", "ja", "ko", "ar", "it",
    ]  # fmt: skip
    page.click(".pg-examples [lang=ru]")
    page.wait_for_selector(".pg:not(.pg-busy) .pg-tile")
    assert shown(page)[0] == "chelsea.png"


def test_details_open_step_and_close(page):
    search(page, "cat")
    names = shown(page)
    page.click(".pg-tile >> nth=0")
    details = page.locator("dialog.pg-details")
    expect(details).to_contain_text("451 × 300 pixels")
    page.wait_for_function("document.querySelector('.pg-large').naturalWidth === 451")
    page.keyboard.press("ArrowRight")
    expect(details.locator("h2")).to_have_text(names[1])
    page.keyboard.press("ArrowLeft")
    expect(details.locator("h2")).to_have_text(names[0])
    page.keyboard.press("ArrowLeft")
    expect(details.locator("h2")).to_have_text(names[0])
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    expect(page.locator(".pg-tile").first).to_be_focused()


def test_details_say_what_the_camera_wrote(page, ids):
    search(page, "coffee")
    page.click(f"[data-id='{ids['espresso.jpg']}']")
    details = page.locator("dialog.pg-details")
    for text in ("14 March 2019", "Nikon D90", "AF-S 35mm", "48.85833° N, 2.29444° W", "An <b>espresso</b> at the bar"):
        expect(details).to_contain_text(text)


def test_the_path_can_be_copied(page, pictures):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    search(page, "cat")
    page.click(".pg-tile >> nth=0")
    page.click(".pg-details .pg-copy")
    expect(page.locator(".pg-details .pg-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == str(pictures / "chelsea.png")


def test_similar_photos_are_found_and_the_back_button_returns(page):
    search(page, "motorcycle")
    first = shown(page)[0]
    page.click(".pg-tile >> nth=0")
    page.click("text=Find similar")
    page.wait_for_selector(".pg-like img")
    page.wait_for_selector(".pg:not(.pg-busy)")
    assert shown(page)[0].startswith("motorcycle") and shown(page)[0] != first
    page.go_back()
    expect(page.locator(".pg-query")).to_have_value("motorcycle")
    page.wait_for_function("name => document.querySelector('.pg-tile img').alt === name", arg=first)


def test_an_address_with_a_query_can_be_opened(page):
    page.goto("/?q=gatto")
    page.wait_for_selector(".pg-tile")
    assert shown(page)[0] == "chelsea.png"


def test_a_picture_can_be_searched_by(page, pictures):
    page.set_input_files(".pg-file", pictures / "rocket.jpg")
    page.wait_for_selector(".pg-tile")
    assert shown(page)[0] == "rocket.jpg"
    expect(page.locator(".pg-summary")).to_contain_text("By picture")


def test_file_names_are_text_and_never_markup(page, ids):
    search(page, "coffee")
    assert HOSTILE in shown(page)
    assert any("\\u202e" in name for name in shown(page)), "the direction override is shown escaped"
    assert BIDI not in shown(page)
    page.click(f"[data-id='{ids[HOSTILE]}']")
    expect(page.locator("dialog.pg-details h2")).to_have_text(HOSTILE)
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("[onerror]").count() == 0


def test_a_query_that_is_refused_says_why_and_the_next_one_works(page):
    page.evaluate("document.querySelector('.pg-query').removeAttribute('maxlength')")
    page.fill(".pg-query", "x" * 1001)
    page.press(".pg-query", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("the limit is 1,000")
    search(page, "cat")
    expect(page.locator(".pg-error")).to_be_hidden()


def test_everything_fits_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    search(page, "cat")
    shown(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click(".pg-tile >> nth=0")
    expect(page.locator("dialog.pg-details dl")).to_contain_text("451 × 300")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_light_and_dark_follow_the_system(page):
    background = "getComputedStyle(document.querySelector('.pg')).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) != light


def test_rows_are_justified_and_keep_proportions(page):
    search(page, "cat")
    shown(page)
    boxes = page.eval_on_selector_all(
        ".pg-rows:last-of-type .pg-tile", "all => all.map(t => [t.offsetTop, t.offsetLeft + t.offsetWidth])"
    )
    ends = {}
    for top, right in boxes:
        ends[top] = max(right, ends.get(top, 0))
    full = list(ends.values())[:-1]
    assert full and max(full) - min(full) <= 2


def test_an_empty_library_says_what_to_do(browser, empty_library, serve_in_thread):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(serve_in_thread(empty_library))
        expect(page.locator(".pg-empty")).to_contain_text("Your library is empty")
        expect(page.locator(".pg-empty")).to_contain_text("polyglance index ~/Pictures")
        expect(page.locator(".pg-search")).to_be_hidden()
