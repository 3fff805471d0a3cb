"""The page's language: the browser's, or the one chosen; numbers, dates and plural forms as it writes them."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def visit(browser, album_address):
    contexts = []

    def go(locale, path="/"):
        context = browser.new_context(locale=locale, base_url=album_address)
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        page.wait_for_selector(".pg-library button", state="attached")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def evaluate(browser, album_address):
    """Evaluate JavaScript that has the module i18n, in a browser of some language."""
    pages = {}

    def run(locale, expression):
        if locale not in pages:
            pages[locale] = browser.new_context(locale=locale, base_url=album_address).new_page()
            pages[locale].goto("/")  # the document has chosen the language
        return pages[locale].evaluate(f"import('/ui/i18n.js').then((i18n) => {expression})")

    yield run
    for page in pages.values():
        page.context.close()


@pytest.mark.parametrize(
    ("locale", "language", "direction", "placeholder"),
    [
        ("en-GB", "en", "ltr", "Describe a photo"),
        ("fr-CA", "fr", "ltr", "Décrivez une photo"),
        ("ar-EG", "ar", "rtl", "صِف صورة"),
        ("de-DE", "en", "ltr", "Describe a photo"),
    ],
)
def test_the_page_speaks_the_browsers_language_or_english(visit, locale, language, direction, placeholder):
    page = visit(locale)
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [language, direction]
    assert page.locator(".pg").evaluate("one => getComputedStyle(one).direction") == direction
    expect(page.locator(".pg-query")).to_have_attribute("placeholder", placeholder)
    expect(page.locator(".pg-language select")).to_have_value(language)


def test_the_chosen_language_stays_and_the_search_with_it(visit):
    page = visit("en-GB", "/?q=cat")
    page.wait_for_selector(".pg-tile")
    page.select_option(".pg-language select", "ja")
    page.wait_for_selector("html[lang=ja] .pg-tile")
    expect(page.locator(".pg-query")).to_have_value("cat")
    page.goto("/")
    expect(page.locator(".pg-query")).to_have_attribute("placeholder", "写真の内容を入力")


def test_a_language_is_chosen_by_keyboard(visit):
    page = visit("en-GB")
    expect(page.locator(".pg-query")).to_be_focused()
    chooser = page.locator(".pg-language").get_by_label("Language", exact=True)
    chooser.press("End")
    expect(chooser).to_have_value("it")
    expect(page.locator(".pg-tagline")).to_contain_text("Search your photos")
    chooser.press("Enter")
    expect(page.locator(".pg-tagline")).to_contain_text("Trova le tue foto", timeout=20_000)


def test_plural_forms(evaluate):
    counted = "[1, 2, 5, 21, 1.5].map((count) => i18n.t('count.folders', { count }))"
    assert evaluate("ru-RU", counted) == ["1 папка", "2 папки", "5 папок", "21 папка", "1,5 папки"]
    assert evaluate("ar-EG", "[0, 1, 2, 3, 11, 100].map((count) => i18n.t('count.photos', { count }))") == [
        "لا صور", "صورة واحدة", "صورتان", "٣ صور", "١١ صورة", "١٠٠ صورة",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("en-GB", ["12,345", "1.2 MB", "1 hr 5 mins", "14 March 2019"]),
        ("en-US", ["12,345", "1.2 MB", "1 hr 5 min", "March 14, 2019"]),
        ("fr-FR", ["12\u202f345", "1,2\u202fMo", "1\u202fh 5\u202fmin", "14 mars 2019"]),
        ("ru-RU", ["12\u00a0345", "1,2\u00a0МБ", "1\u00a0ч 5\u00a0мин", "14 марта 2019\u202fг."]),
        ("ko-KR", ["12,345", "1.2MB", "1시간 5분", "2019년 3월 14일"]),
        ("ar-EG", ["١٢٬٣٤٥", "١٫٢ م.ب", "١ س و٥ د", "١٤ مارس ٢٠١٩"]),
    ],
)
def test_numbers_and_dates_are_written_as_the_language_does(evaluate, locale, written):
    expression = """[i18n.formatNumber(12345), i18n.formatBytes(1234567), i18n.formatDuration(3900),
        i18n.formatDate('2019-03-14T09:30:00', { dateStyle: 'long' })]"""
    # Which space stands between a number and its unit changes with the browser's tables.
    found = [one.replace("\u00a0", " ").replace("\u202f", " ") for one in evaluate(locale, expression)]
    assert found == [one.replace("\u00a0", " ").replace("\u202f", " ") for one in written]


def test_times_are_those_of_the_camera_and_durations_have_two_units(evaluate):
    assert evaluate("en-GB", "i18n.formatDate('2019-03-14T23:30:00+09:00')") == "14 March 2019 at 23:30 (UTC+09:00)"
    assert evaluate("en-GB", "i18n.formatDate('2019-03')") == "2019-03"
    assert evaluate("en-GB", "i18n.formatDate(null)") is None
    assert evaluate("en-GB", "[0, 59.4, 60, 7200].map(i18n.formatDuration)") == ["1 sec", "59 secs", "1 min", "2 hrs"]
