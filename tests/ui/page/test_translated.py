"""No text of the page stays English, and no digit European, where the page speaks another language.

Every part of the page is opened in Chinese and in Arabic. All texts that it shows or says to a screen reader are read:
what remains without names of photos, folders, cameras and encoders has no Latin words, and in Arabic no digits 0 to 9.
"""

import re

import pytest
from playwright.sync_api import expect

from ..conftest import LOCALES, Words
from .conftest import open_panel

TEXTS = """() => {
    const texts = [];
    for (const one of document.querySelectorAll('.pg, .pg *')) {
        const isOurs = one.closest('[lang]').lang === document.documentElement.lang && !one.closest('code, kbd, bdi');
        if (!isOurs || !one.checkVisibility({ visibilityProperty: true })) continue;
        for (const name of ['aria-label', 'title', 'placeholder', 'alt']) texts.push(one.getAttribute(name) ?? '');
        for (const node of one.childNodes) if (node.nodeType === Node.TEXT_NODE) texts.push(node.data);
    }
    return [...new Set(texts.map((text) => text.trim()).filter(Boolean))];
}"""
NAMES = re.compile(
    r"/\S+|[^,/]+\.(?:png|jpg)|Canon EOS R6|FUJIFILM X100V|(?:album|202)\d|Paris|Montmartre|Home"
    r"|polyglance|lite|altclip(?:-m\d+)?|JPE?G|PNG|[kG]B"
)
"""Names of files, folders, cameras and encoders, of formats and of units: they are the same in every language."""

UNTRANSLATED = {"zh": re.compile(r"[A-Za-z]{2,}"), "ar": re.compile(r"[A-Za-z]{2,}|[0-9]")}


pytestmark = pytest.mark.slow


@pytest.fixture(params=["zh", "ar"])
def language(request):
    return request.param


@pytest.fixture
def check(language):
    """Call it with a page; a text that must be there shows that the part in question is open."""

    def problems(page, expected):
        texts = page.evaluate(TEXTS)
        return set(expected) - set(texts), [
            text for text in texts if UNTRANSLATED[language].search(NAMES.sub("", text))
        ]

    def check(page, *expected):
        for _ in range(300):  # names of things, and examples, come from the server after the rest
            if problems(page, expected) == (set(), []):
                return
            page.wait_for_timeout(100)
        assert problems(page, expected) == (set(), [])

    return check


def test_searching_is_translated(visit, check, album_address, language):
    words = Words(language)
    page = visit(album_address, locale=LOCALES[language])
    check(page, words.say("nav.photos"), words.say("nav.label"), words.say("search.pick"), words.say("examples.label"))

    page.fill(".pg-query", "cat")
    page.press(".pg-query", "Enter")
    page.wait_for_selector(".pg-tile")
    page.click(".pg-filter-button")
    page.get_by_role("checkbox", name="Canon EOS R6").check()
    page.get_by_label(words.say("filter.from")).fill("2024-01-01")
    expect(page.locator(".pg-chip:not(.pg-chip-all)")).to_have_count(2)
    page.wait_for_selector(".pg:not(.pg-busy) .pg-tile")
    check(page, words.say("chip.clear"), words.say("filter.relevant"), words.say("sort.label"))

    page.click(".pg-tile a >> nth=0")
    page.wait_for_selector(".pg-details .pg-path")
    page.wait_for_selector(".pg-details section li button")
    check(
        page,
        words.say("photo.moreLike"),
        words.say("fact.taken"),
        words.say("why.looks"),
        words.say("photo.allSimilar"),
    )
    page.locator(".pg-details code + .pg-copy").click()
    page.get_by_text(words.say("copied")).wait_for()
    check(page, words.say("copied"))

    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector(".pg-help dl")
    check(page, words.say("keys.title"), words.say("keys.arrows"))
    page.keyboard.press("Escape")

    page.fill(".pg-query", "zebra folder:Montmartre")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-less h2")).to_have_text(words.say("results.nothing"))
    check(page, words.say("results.nothing"))
    page.get_by_label(words.say("filter.relevant")).check()
    expect(page.locator(".pg-none")).to_contain_text(words.say("results.none"))
    check(page, words.say("results.none"), words.say("results.showLess"))


def test_exploring_is_translated(visit, check, album_address, language):
    words = Words(language)
    page = visit(f"{album_address}/?view=explore", locale=LOCALES[language])
    page.wait_for_selector(".pg-card")
    check(page, words.say("explore.things"), words.say("explore.folders"), words.say("nav.map"))
    page.click(".pg-nav [data-view=map]")
    expect(page.locator(".pg-map-none")).to_be_visible()
    check(page, words.say("map.empty"), words.say("map.selectArea"), words.say("map.fit"))


def test_the_library_panel_is_translated(visit, check, full_address, language):
    words = Words(language)
    page = visit(full_address, locale=LOCALES[language])
    panel = open_panel(page)
    page.wait_for_selector(".pg-twin img")
    check(page, words.say("panel.folders"), words.say("failures.retry"), words.say("encoder.active"))
    panel.get_by_role("button", name=words.named("root.remove")).press("Enter")
    expect(panel.get_by_role("button", name=words.say("cancel"))).to_be_focused()
    check(page, words.say("cancel"))


def test_an_empty_library_is_translated(visit, check, empty_address, language):
    words = Words(language)
    page = visit(empty_address, locale=LOCALES[language])
    page.wait_for_selector(".pg-empty h2")
    check(page, words.say("empty.title"), words.say("empty.private"), words.say("add.browse"))
    page.get_by_role("button", name=words.say("add.browse")).click()
    page.wait_for_selector(".pg-chooser li")
    check(page, words.say("add.path"))
