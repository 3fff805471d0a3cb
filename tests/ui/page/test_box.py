"""Under the search box: searches made before, kept in the browser only, and suggestions of what the library has."""

import pytest
from playwright.sync_api import expect

from ..conftest import EACH_LANGUAGE, LOCALES, Words

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


def suggested(page, typed, text):
    """Type, and wait for the suggestion with that text."""
    page.focus(".pg-query")
    page.keyboard.type(typed)
    return options(page).filter(has_text=text).first


def test_suggestions_become_chips_by_keyboard_and_by_pointer(visit, album_address, album):
    page, words = visit(album_address), Words("en")
    folder = suggested(page, "cat montm", "Montmartre")
    expect(folder).to_contain_text(words.say("suggest.folder"))
    expect(folder).to_contain_text("22")
    expect(page.locator(".pg-query")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    active = page.locator(".pg-query").get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_contain_text("Montmartre")
    page.keyboard.press("Enter")
    expect(page.locator(".pg-chip")).to_contain_text("Montmartre")
    expect(page.locator(".pg-query")).to_have_value("cat")
    assert page.evaluate("new URLSearchParams(location.search).get('in')").endswith("2024/Paris/Montmartre")

    page.click(".pg-brand")
    suggested(page, "x100", "FUJIFILM X100V").click()
    expect(page.locator(".pg-chip")).to_contain_text("FUJIFILM X100V")
    expect(page.locator(".pg-query")).to_have_value("")


def test_escape_closes_the_suggestions_and_keeps_what_is_typed(visit, album_address):
    page = visit(album_address)
    expect(suggested(page, "montm", "Montmartre")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".pg-suggest")).to_be_hidden()
    expect(page.locator(".pg-query")).to_have_value("montm")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_contain_text("Montmartre")
    page.keyboard.press("Enter")  # nothing is chosen: the words are searched
    expect(page.locator(".pg-suggest")).to_be_hidden()
    expect(page.locator(".pg-query")).to_have_value("montm")
    assert "q=montm" in page.url


def test_answers_that_come_late_are_dropped(visit, album_address):
    page = visit(album_address)
    expect(suggested(page, "montm", "Montmartre")).to_be_visible()
    held = []
    page.route("**/suggest?q=x10**", lambda route: held.append(route))
    page.fill(".pg-query", "x10")
    page.wait_for_timeout(600)
    page.fill(".pg-query", "montm")
    expect(options(page).first).to_contain_text("Montmartre")
    for route in held:
        route.continue_()
    page.wait_for_timeout(300)
    assert held
    expect(options(page).first).to_contain_text("Montmartre")


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_a_thing_in_an_address_is_named_in_the_language_of_the_page(visit, album_address, language):
    page = visit(f"{album_address}/?thing=cat", locale=LOCALES[language])
    expect(page.locator(".pg-chip span").first).to_have_text({"en": "cat", "zh": "猫", "ar": "قطة"}[language])


def filled(words, key, **values):
    """A text of the page with its values."""
    text = words.say(key)
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


@pytest.mark.parametrize("language", EACH_LANGUAGE)
def test_chips_speak_the_language_of_the_page(visit, album_address, language):
    words, four = Words(language), "٤" if language == "ar" else "4"
    ratio = filled(words, "chip.over", value="1.5")
    expected = {
        "folder": filled(words, "list.named", name=words.say("filter.folder"), value="Paris"),
        "has": words.say("filter.hasPlace"),
        "orientation": words.say("orientation.portrait"),
        "aspect": filled(words, "list.named", name=words.say("filter.aspect"), value=ratio),
        "size": filled(words, "chip.over", value=filled(words, "chip.megapixels", number=four)),
        "date": {
            "en": "December 2023 – February 2024",
            "zh": "2023年12月 – 2024年2月",
            "ar": "ديسمبر ٢٠٢٣ – فبراير ٢٠٢٤",
        }[language],
    }
    address = "date=2023-12..2024-02&folder=Paris&has=place&orientation=portrait&aspect=%3E1.5&size=%3E4mp"
    page = visit(f"{album_address}/?{address}", locale=LOCALES[language])
    page.wait_for_selector(".pg-chip")
    chips = page.locator(".pg-chip:not(.pg-chip-all) span:first-child").all_text_contents()
    assert {chip.replace("\u2068", "").replace("\u2069", "") for chip in chips} == set(expected.values())


def test_a_new_picture_replaces_the_photo_searched_by(visit, album_address, album):
    page = visit(f"{album_address}/?q=1:+%231")
    expect(page.locator(".pg-liked img")).to_have_count(1)
    page.set_input_files(".pg-file", album / "rocket.jpg")
    expect(page.locator(".pg-summary")).to_contain_text(Words("en").say("summary.byPicture"), timeout=60_000)
    expect(page.locator(".pg-liked img")).to_have_count(1)
    assert "q=" not in page.url
