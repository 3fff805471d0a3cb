"""Under the search box: searches made before, kept in the browser only, and suggestions of what the library has."""

import pytest
from playwright.sync_api import expect

from ..conftest import LOCALES, Words

expect.set_options(timeout=20_000)


def search(page, query):
    page.fill(".pg-query", query)
    page.press(".pg-query", "Enter")
    page.wait_for_selector(".pg:not(.pg-busy) :is(.pg-tile, .pg-none)")


def options(page):
    return page.locator(".pg-suggest [role=option]")


def test_searches_are_remembered_on_this_device_and_forgotten(visit, album_address):
    page, words = visit(album_address), Words("en")
    expect(page.locator(".pg-query")).to_be_focused()
    expect(page.locator(".pg-suggest")).to_be_hidden()
    for query in ("cat", "coffee camera:X100V", "rocket"):
        search(page, query)
    page.click(".pg-brand")
    page.press(".pg-query", "ArrowDown")
    expect(options(page)).to_have_text(["rocket×", "coffee camera:X100V×", "cat×"])
    for _ in range(2):
        page.press(".pg-query", "ArrowDown")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-query")).to_have_value("coffee")
    expect(page.locator(".pg-chip")).to_contain_text("X100V")

    page.click(".pg-brand")
    page.press(".pg-query", "ArrowDown")
    expect(options(page).first).to_contain_text("coffee")
    page.press(".pg-query", "ArrowUp")
    page.press(".pg-query", "Delete")
    expect(options(page)).to_have_count(2)
    options(page).first.locator(".pg-forget").click()
    expect(options(page)).to_have_count(1)
    page.press(".pg-query", "Escape")
    expect(options(page)).to_have_count(0)
    page.click(".pg-query")
    page.get_by_role("button", name=words.say("history.forgetAll")).click()
    expect(page.locator(".pg-suggest")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('polyglance.history')") is None


def test_a_browser_that_stores_nothing_searches_as_well(visit, album_address):
    page = visit(album_address)
    page.evaluate("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    search(page, "cat")
    page.click(".pg-brand")
    page.press(".pg-query", "ArrowDown")
    expect(page.locator(".pg-suggest")).to_be_hidden()


def test_nothing_happens_while_an_input_method_composes(visit, album_address):
    page = visit(album_address)
    search(page, "cat")
    page.click(".pg-brand")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/suggest" in request.url else None)
    composer = page.context.new_cdp_session(page)
    page.focus(".pg-query")
    composer.send("Input.imeSetComposition", {"text": "mao", "selectionStart": 3, "selectionEnd": 3})
    page.wait_for_timeout(400)
    assert asked == []
    expect(page.locator(".pg-suggest")).to_be_hidden()
    composer.send("Input.insertText", {"text": "猫"})
    page.wait_for_function("document.querySelector('.pg-query').value === '猫'")


@pytest.mark.parametrize(
    ("address", "en", "zh", "ar"),
    [
        ("has=place", "With a place", "有地点", "لها مكان"),
        ("aspect=%3E1.5", "Proportions: Over 1.5", "宽高比：超过 1.5", "نسبة الأبعاد: أكثر من 1.5"),
        ("size=%3E4mp", "Over 4 MP", "超过 4 百万像素", "أكثر من ٤ ميغابكسل"),
        ("near=48.85,2.35,5", "Within 5 km of 48.85° N, 2.35° E", "距 北纬 48.85°，东经 2.35° 5公里 以内", None),
        (
            "date=2023-12..2024-02",
            "December 2023 – February 2024",
            "2023年12月 – 2024年2月",
            "ديسمبر ٢٠٢٣ – فبراير ٢٠٢٤",
        ),
        ("folder=Paris", "Folder: Paris", "文件夹：Paris", "المجلد: Paris"),
        ("orientation=portrait", "Portrait", "纵向", "عمودي"),
    ],
)
def test_chips_speak_the_language_of_the_page(visit, album_address, address, en, zh, ar):
    for language, text in {"en": en, "zh": zh, "ar": ar}.items():
        page = visit(f"{album_address}/?{address}", locale=LOCALES[language])
        shown = page.locator(".pg-chip span").first.text_content().replace("\u2068", "").replace("\u2069", "")
        assert text is None or shown == text


def test_a_new_picture_replaces_the_photo_searched_by(visit, album_address, album):
    page = visit(f"{album_address}/?q=1:+%231")
    expect(page.locator(".pg-liked img")).to_have_count(1)
    page.set_input_files(".pg-file", album / "rocket.jpg")
    expect(page.locator(".pg-summary")).to_contain_text(Words("en").say("summary.byPicture"), timeout=60_000)
    expect(page.locator(".pg-liked img")).to_have_count(1)
    assert "q=" not in page.url
