"""The running page in a real Chromium: every feature in English, in Chinese and Arabic what differs there.

Different are words, digits, dates and the direction, in which arrow keys lead the other way. That no text of the page
stays English is tested once for all its parts, in test_translated.py.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ..conftest import BOTH_DIRECTIONS, EACH_LANGUAGE, HOSTILE, LOCALES, Words

CAT = {"en": ("cat", "English"), "zh": ("猫", "中文"), "ar": ("قطة", "العربية")}

DAY = {"en": "1 Jul 2024", "zh": "2024年7月1日", "ar": "٠١‏/٠٧‏/٢٠٢٤"}
LAST_DAY = {"en": "Until 31 Dec 2023", "zh": "2023年12月31日", "ar": "٣١‏/١٢‏/٢٠٢٣"}
TAKEN = {"en": "4 April 2023", "zh": "2023年4月4日", "ar": "٤ أبريل ٢٠٢٣"}

in_each_language = pytest.mark.parametrize("tab", EACH_LANGUAGE, indirect=True)
in_both_directions = pytest.mark.parametrize("tab", BOTH_DIRECTIONS, indirect=True)

expect.set_options(timeout=20_000)


@dataclass
class Tab:
    """A page, the words of its language, and what went wrong in it or left this machine."""

    page: Page
    language: str
    words: Words
    wrong: list

    def say(self, key):
        return self.words.say(key)

    def says(self, key, **known):
        return self.words.says(key, **known)


@pytest.fixture(scope="module")
def tab_of(browser, album_address, album_library):
    """A tab for each language, opened once: starting Gradio takes seconds."""
    opened, photos = {}, album_library.status().photos
    with contextlib.ExitStack() as stack:

        def tab(language):
            if language not in opened:
                context = browser.new_context(base_url=album_address, locale=LOCALES[language], reduced_motion="reduce")
                page, words, wrong = stack.enter_context(context).new_page(), Words(language), []
                page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
                page.on("pageerror", lambda error: wrong.append(str(error)))
                page.on(
                    "request", lambda request: None if own(request.url, album_address) else wrong.append(request.url)
                )
                page.goto("/")
                expect(page.locator(".pg-library")).to_contain_text(words.says("count.photos", count=photos))
                opened[language] = Tab(page, language, words, wrong)
            return opened[language]

        yield tab


def own(url, address):
    return url.startswith((address + "/", f"blob:{address}/", "data:"))


@contextlib.contextmanager
def at_home(tab):
    """The page at its start, light, in a window of 1280 x 800."""
    page = tab.page
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    page.evaluate("document.querySelectorAll('dialog[open]').forEach((one) => one.close())")
    if page.locator(".pg-filters").is_visible():
        page.click(".pg-filter-button")
    page.click(".pg-brand")
    page.wait_for_selector(".pg[data-view=home]")
    tab.wrong.clear()
    yield tab
    assert tab.wrong == []


@pytest.fixture
def page(tab_of):
    with at_home(tab_of("en")) as tab:
        yield tab.page


@pytest.fixture
def tab(tab_of, request):
    """The page at its start, in English unless a test names other languages."""
    with at_home(tab_of(getattr(request, "param", "en"))) as tab:
        yield tab


@pytest.fixture(scope="module")
def ids(album_library):
    found = album_library.search("picture", 200, collapse=False).results
    return {os.fsdecode(os.path.basename(one.photo.path)): one.photo.id for one in found}


def reload(page):
    """Load the page again and wait until its scripts have started."""
    page.reload()
    page.wait_for_function("document.activeElement.matches('.pg-query')")


def settled(page):
    page.wait_for_selector(".pg:not(.pg-busy) :is(.pg-tile, .pg-none)")


def search(page, query, words=None):
    """Type a query and wait for its results; `words` are what stays in the box, if that is not all."""
    page.fill(".pg-query", query)
    page.press(".pg-query", "Enter")
    page.wait_for_function("(wanted) => document.title.startsWith(wanted)", arg=words or query)
    settled(page)


def names(page):
    """Names of the photos in the grid, in order, once the first thumbnails have really loaded."""
    page.wait_for_function(
        "[...document.querySelectorAll('.pg-tile img')].slice(0, 3).every((i) => i.naturalWidth > 0)"
    )
    return page.locator(".pg-tile .pg-name").all_text_contents()


def query(page):
    """The address's parameters."""
    return page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")


def details(page):
    return page.locator("dialog.pg-details")


def close_photo(page):
    """Close the photo by keyboard; the address follows a moment later."""
    page.keyboard.press("Escape")
    expect(details(page)).to_be_hidden()
    page.wait_for_function("!new URLSearchParams(location.search).has('photo')")


# --- searching ------------------------------------------------------------------------------------


def test_the_search_box_has_the_focus(page):
    page.reload()
    expect(page.locator(".pg-query")).to_be_focused()


@in_each_language
def test_a_word_finds_the_photo_in_every_language(tab):
    page, (word, language) = tab.page, CAT[tab.language]
    search(page, word)
    assert names(page)[0].startswith(("chelsea", "tabby"))
    expect(page.locator(".pg-summary")).to_contain_text(language)
    assert query(page) == {"q": word}
    assert page.locator(".pg").evaluate("(one) => getComputedStyle(one).direction") == (
        "rtl" if tab.language == "ar" else "ltr"
    )


@in_each_language
def test_a_search_whose_engine_does_not_answer_says_what_is_missing(tab):
    page = tab.page

    def without_engine(route):
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"partial": True})

    page.route("**/api/v1/search?**", without_engine)
    search(page, "coffee")
    expect(page.locator(".pg-summary")).to_contain_text(tab.say("results.partial"))
    page.unroute("**/api/v1/search?**")
    page.go_back()
    page.go_forward()
    expect(page.locator(".pg-summary")).not_to_contain_text(tab.say("results.partial"))


def show_percent(tab, is_on):
    """Choose in the library panel whether percentages are shown."""
    page = tab.page
    page.click(".pg-to-library")
    page.get_by_label(tab.say("display.percent")).set_checked(is_on)
    page.keyboard.press("Escape")
    expect(page.locator(".pg-panel")).to_be_hidden()


@in_each_language
def test_a_tile_says_when_and_if_chosen_how_relevant(tab, ids):
    page = tab.page
    search(page, CAT[tab.language][0])
    tile = page.locator(
        f"[data-id='{ids['tabby0.jpg']}'], [data-id='{ids['tabby1.jpg']}'], [data-id='{ids['tabby2.jpg']}']"
    )
    expect(tile.locator(".pg-facts")).to_contain_text(DAY[tab.language])
    assert DAY[tab.language] in tile.get_attribute("aria-label")
    expect(tile.locator(".pg-relevance")).to_be_hidden()
    assert not tab.says("tile.relevance").search(tile.get_attribute("aria-label"))
    show_percent(tab, True)
    search(page, CAT[tab.language][0])
    expect(tile.locator(".pg-relevance")).to_contain_text(re.compile(r"\d%|[٠-٩]٪"))
    assert tab.says("tile.relevance").search(tile.get_attribute("aria-label"))
    show_percent(tab, False)
    expect(tile.locator(".pg-relevance")).to_be_hidden()


def test_an_example_of_what_the_library_holds_searches_in_its_language(tab):
    page = tab.page
    buttons = page.locator(".pg-examples button")
    expect(buttons.first).to_be_visible()
    languages = buttons.evaluate_all("(all) => all.map((one) => one.lang)")
    assert len(set(languages)) == len(languages)
    text = buttons.last.text_content()
    buttons.last.click()
    settled(page)
    assert query(page) == {"q": text}
    expect(page.locator(".pg-results .pg-tile").first).to_be_visible()


def test_back_forward_and_reload_keep_what_was_asked(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    search(page, "rocket")
    first = names(page)[0]
    page.go_back()
    expect(page.locator(".pg-query")).to_have_value(CAT[tab.language][0])
    page.go_forward()
    expect(page.locator(".pg-query")).to_have_value("rocket")
    expect(page.locator(".pg-tile .pg-name").first).to_have_text(first)
    page.reload()
    settled(page)
    expect(page.locator(".pg-query")).to_have_value("rocket")
    assert names(page)[0] == first


def test_an_address_opens_search_filters_and_photo(tab, ids):
    page = tab.page
    page.goto(f"/?q=rocket&camera=Canon+EOS+R6&orientation=landscape&sort=date&photo={ids['rocket.jpg']}")
    expect(details(page).locator("h2")).to_have_text("rocket.jpg")
    close_photo(page)
    expect(page.locator(".pg-chip", has_text="Canon EOS R6")).to_be_visible()
    assert query(page) == {"q": "rocket", "camera": "Canon EOS R6", "orientation": "landscape", "sort": "date"}


@pytest.mark.parametrize("tab", EACH_LANGUAGE[:2], indirect=True)
def test_a_query_that_is_refused_says_why_and_the_next_one_works(tab):
    tab.page.fill(".pg-query", "colour:red")
    tab.page.press(".pg-query", "Enter")
    alert = tab.page.locator(".pg-error")
    if tab.language == "en":
        expect(alert).to_contain_text("There is no filter colour:")
    else:
        expect(alert).to_have_text(tab.says("refused.filter_unknown"))
    tab.wrong.clear()  # the browser logs each answer that is an error
    search(tab.page, CAT[tab.language][0])
    expect(alert).to_be_hidden()


def test_a_server_that_does_not_answer_is_said_so(tab):
    page, word = tab.page, CAT[tab.language][0]
    page.context.set_offline(True)
    page.fill(".pg-query", word)
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-error")).to_contain_text(tab.say("error.silent"))
    page.context.set_offline(False)
    tab.wrong.clear()
    search(page, word)


# --- results --------------------------------------------------------------------------------------


def test_rows_are_justified_and_photos_keep_their_proportions(page):
    search(page, "rocket")
    names(page)
    tiles = page.eval_on_selector_all(
        ".pg-rows:last-of-type .pg-tile:not([hidden])",
        "(all) => all.map((t) => [t.offsetTop, t.offsetLeft + t.offsetWidth, t.offsetWidth / t.offsetHeight, "
        "t.querySelector('img').naturalWidth / t.querySelector('img').naturalHeight, t.querySelector('img').complete])",
    )
    ends = {}
    for top, end, aspect, natural, has_come in tiles:
        ends[top] = max(end, ends.get(top, 0))
        assert not has_come or not 0.45 < natural < 3.2 or aspect == pytest.approx(natural, rel=0.03)
    full = list(ends.values())[:-1]
    assert full and max(full) - min(full) <= 2


def test_scrolling_brings_more_and_nothing_jumps(page):
    search(page, "picture")
    assert page.locator(".pg-tile").count() == 60
    shown = page.locator(".pg-tile:not([hidden])")
    last = shown.last.get_attribute("style"), shown.last.bounding_box()["y"]
    number = shown.count() - 1
    page.locator(".pg-more").evaluate("(button) => button.scrollIntoView({block: 'end', behavior: 'instant'})")
    page.wait_for_function("document.querySelectorAll('.pg-tile').length > 60")
    expect(page.locator(".pg-more")).to_be_hidden()
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    assert (shown.nth(number).get_attribute("style"), shown.nth(number).bounding_box()["y"]) == last
    every = page.locator(".pg-tile [data-id]").evaluate_all("(all) => all.map((one) => one.dataset.id)")
    assert len(set(every)) == len(every)


def test_more_by_keyboard_goes_on_with_the_first_new_photo(tab):
    page = tab.page
    page.evaluate("window.IntersectionObserver.prototype.observe = () => {}")  # else scrolling is quicker
    search(page, "picture")
    page.focus(".pg-more")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.pg-tile').length > 60")
    expect(page.locator(".pg-tile a").nth(60)).to_be_focused()
    reload(page)


def test_back_leads_to_the_place_that_was_left(page):
    search(page, "picture")
    page.evaluate("scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    page.wait_for_function("document.querySelectorAll('.pg-tile').length > 60")
    page.evaluate("scrollTo({top: 900, behavior: 'instant'})")
    count = page.locator(".pg-tile").count()
    search(page, "rocket")
    assert page.evaluate("scrollY") < 900
    page.go_back()
    page.wait_for_function("scrollY === 900")
    assert page.locator(".pg-tile").count() == count


@in_both_directions
def test_arrow_keys_go_from_photo_to_photo(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    onward = "ArrowLeft" if tab.language == "ar" else "ArrowRight"
    tiles = page.locator(".pg-tile a")
    assert tiles.evaluate_all("(all) => all.filter((one) => one.tabIndex === 0).length") == 1
    tiles.first.focus()
    page.keyboard.press(onward)
    expect(tiles.nth(1)).to_be_focused()
    top = tiles.nth(1).bounding_box()["y"]
    page.keyboard.press("ArrowDown")
    assert page.locator(":focus").bounding_box()["y"] > top
    page.keyboard.press("Home")
    expect(tiles.first).to_be_focused()


@in_both_directions
def test_near_duplicates_are_one_tile_that_opens_into_all(tab, ids):
    page = tab.page
    burst = [f"[data-id='{ids[f'tabby{number}.jpg']}']" for number in range(3)]
    search(page, CAT[tab.language][0])
    tile = page.locator(", ".join(burst))
    expect(tile).to_have_count(1)
    expect(tile.locator(".pg-count")).to_have_text(tab.words.number(3))
    tile.click()
    same = details(page).locator("section", has_text=tab.says("tile.alike", count=3)).locator("li button")
    expect(same).to_have_count(3)
    name = re.search(r"tabby\d\.jpg", same.nth(1).get_attribute("aria-label"))[0]
    same.nth(1).click()
    expect(details(page).locator("h2")).to_have_text(name)
    expect(same).to_have_count(3)
    close_photo(page)
    page.click(".pg-filter-button")
    page.get_by_label(tab.say("filter.every")).check()
    expect(page.locator(", ".join(burst))).to_have_count(3)
    assert query(page) == {"q": CAT[tab.language][0], "all": "true"}


def test_nothing_relevant_is_said_and_only_relevant_hides_the_rest(tab):
    page = tab.page
    search(page, "zebra folder:Montmartre", "zebra")
    expect(page.locator(".pg-less h2")).to_have_text(tab.say("results.nothing"))
    page.click(".pg-filter-button")
    page.get_by_label(tab.say("filter.relevant")).check()
    expect(page.locator(".pg-none")).to_contain_text(tab.say("results.none"))
    page.get_by_role("button", name=tab.say("results.showLess")).click()
    expect(page.locator(".pg-less h2")).to_have_text(tab.say("results.nothing"))


def test_no_tile_is_dimmed(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    assert page.locator(".pg-less").count() > 0
    looks = page.locator(".pg-tile, .pg-tile img").evaluate_all(
        "all => all.map(each => [getComputedStyle(each).opacity, getComputedStyle(each).filter].join(' '))"
    )
    assert set(looks) == {"1 none"}


def test_the_less_likely_can_be_hidden(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    before = page.locator(".pg-tile").count()
    page.click(".pg-hide")
    page.wait_for_selector(".pg:not(.pg-busy) .pg-chip")
    assert 0 < page.locator(".pg-tile").count() < before
    assert query(page) == {"q": CAT[tab.language][0], "relevant": "true"}


def test_file_names_are_text_and_never_markup(page, ids):
    search(page, "coffee")
    assert HOSTILE in names(page)
    page.click(f"[data-id='{ids[HOSTILE]}']")
    expect(details(page).locator("h2")).to_have_text(HOSTILE)
    assert page.locator("img[src='x'], [onerror]").count() == 0


# --- filters --------------------------------------------------------------------------------------


def test_filters_narrow_the_results_and_show_as_chips(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    page.click(".pg-filter-button")
    page.get_by_role("checkbox", name="Canon EOS R6").check()
    page.get_by_label(tab.say("filter.from")).fill("2024-01-01")
    page.get_by_label(tab.say("filter.orientation")).select_option("landscape")
    expect(page.locator(".pg-chip:not(.pg-chip-all)")).to_have_count(3)
    assert query(page) == {
        "q": CAT[tab.language][0],
        "after": "2024-01-01",
        "camera": "Canon EOS R6",
        "orientation": "landscape",
    }
    settled(page)
    assert page.locator(".pg-tile").count() < 20
    expect(page.locator(".pg-tally")).to_have_text(tab.words.number(3))
    page.locator(".pg-chip", has_text="Canon").click()
    expect(page.get_by_label("Canon EOS R6")).not_to_be_checked()
    page.click(".pg-chip-all")
    expect(page.locator(".pg-chip")).to_have_count(0)
    assert query(page) == {"q": CAT[tab.language][0]}
    expect(page.get_by_label(tab.say("filter.from"))).to_have_value("")


@in_each_language
def test_typed_filters_behave_as_those_of_the_panel(tab):
    page, word = tab.page, CAT[tab.language][0]
    search(page, f'{word} after:2024 camera:"Canon EOS R6"', word)
    expect(page.locator(".pg-query")).to_have_value(word)
    expect(page.locator(".pg-chip:not(.pg-chip-all)")).to_have_count(2)
    expect(page.locator(".pg-tally")).to_have_text(tab.words.number(2))
    assert query(page) == {"q": word, "after": "2024", "camera": "Canon EOS R6"}
    page.click(".pg-filter-button")
    expect(page.get_by_role("checkbox", name="Canon EOS R6")).to_be_checked()
    expect(page.get_by_label(tab.say("filter.from"), exact=True)).to_have_value("2024-01-01")
    page.click(".pg-chip-all")
    expect(page.locator(".pg-chip")).to_have_count(0)
    assert query(page) == {"q": word}
    page.keyboard.press("Escape")
    page.fill(".pg-query", "type:png after:2023")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-query")).to_have_value("")
    expect(page.locator(".pg-sort")).to_have_value("date")
    expect(page.locator(".pg-sort")).to_be_disabled()
    expect(page.locator(".pg-chip", has_text="PNG")).to_be_visible()


@in_each_language
def test_the_last_day_is_included(tab):
    page = tab.page
    page.click(".pg-filter-button")
    page.get_by_label(tab.say("filter.to"), exact=True).fill("2023-12-31")
    settled(page)
    assert query(page) == {"before": "2024-01-01"}
    expect(page.locator(".pg-chip")).to_contain_text(LAST_DAY[tab.language])
    expect(page.get_by_label(tab.say("filter.to"), exact=True)).to_have_value("2023-12-31")


@in_both_directions
def test_a_folder_is_chosen_by_keyboard(tab, album):
    page = tab.page
    inward, outward = ("ArrowLeft", "ArrowRight") if tab.language == "ar" else ("ArrowRight", "ArrowLeft")
    page.click(".pg-filter-button")
    tree = page.get_by_role("tree")
    expect(tree.get_by_role("treeitem")).to_have_count(3)  # the only root is open
    tree.get_by_role("treeitem").first.focus()
    for key in ("ArrowDown", "ArrowDown", inward, inward, "ArrowDown", inward, inward, "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".pg-chip")).to_contain_text("Montmartre")
    expect(tree.locator("[aria-selected=true] > .pg-folder")).to_contain_text("Montmartre")
    # `:focus` matches nothing in a tab that has lost the window's focus to another.
    page.wait_for_function("document.activeElement.textContent.includes('Montmartre')")
    settled(page)
    assert query(page) == {"in": f"{album}/2024/Paris/Montmartre"}
    expect(page.locator(".pg-summary")).to_have_text(tab.says("count.photos", count=22))
    page.keyboard.press(outward)
    page.keyboard.press(outward)
    expect(tree.locator("[aria-expanded=false]", has_text="Paris")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".pg-filter-button")).to_be_focused()


def test_results_can_be_the_newest_first(tab):
    page = tab.page
    search(page, "part")
    newest = "part 23.jpg"  # of 24 December 2024
    assert names(page)[0] != newest
    page.select_option(".pg-sort", "date")
    expect(page.locator(".pg-tile .pg-name").first).to_have_text(newest)
    assert query(page) == {"q": "part", "sort": "date"}


# --- a photo --------------------------------------------------------------------------------------


@in_both_directions
def test_a_photo_opens_steps_and_closes_by_keyboard(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    shown = names(page)
    onward, back = ("ArrowLeft", "ArrowRight") if tab.language == "ar" else ("ArrowRight", "ArrowLeft")
    page.locator(".pg-tile a").first.focus()
    page.keyboard.press("Enter")
    heading = details(page).locator("h2")
    expect(heading).to_have_text(shown[0])
    page.wait_for_function("document.querySelector('.pg-large').naturalWidth > 100")
    page.keyboard.press(onward)
    expect(heading).to_have_text(shown[1])
    assert int(query(page)["photo"]) > 0
    page.keyboard.press(back)
    page.keyboard.press(back)
    expect(heading).to_have_text(shown[0])
    page.keyboard.press(onward)
    close_photo(page)
    expect(page.locator(".pg-tile a").nth(1)).to_be_focused()
    assert query(page) == {"q": CAT[tab.language][0]}


def test_back_closes_a_photo_and_reload_opens_it_again(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    first = names(page)[0]
    page.click(".pg-tile a >> nth=0")
    page.reload()
    expect(details(page).locator("h2")).to_have_text(first)
    page.go_back()
    expect(details(page)).to_be_hidden()
    expect(page.locator(".pg-query")).to_have_value(CAT[tab.language][0])


@in_each_language
def test_facts_say_what_the_camera_wrote_and_why_it_was_found(tab, ids):
    page = tab.page
    search(page, "part 3")
    page.click(f"[data-id='{ids['part 3.jpg']}']")
    facts = details(page).locator("dl")
    for text in ("FUJIFILM X100V", TAKEN[tab.language], tab.say("why.name"), "JPEG"):
        expect(facts).to_contain_text(text)


def test_the_path_can_be_copied(tab, album):
    page = tab.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    search(page, "chelsea")
    page.click(".pg-tile a:has-text('chelsea.png')")
    copy = details(page).locator("code + .pg-copy")
    copy.click()
    expect(copy).to_have_text(tab.say("copied"))
    assert page.evaluate("navigator.clipboard.readText()") == str(album / "chelsea.png")


def test_a_photo_is_made_a_favourite_and_found_as_one(tab, ids):
    page = tab.page
    search(page, "rocket")
    tile = page.locator(f"[data-id='{ids['rocket.jpg']}']")
    tile.click()
    heart = details(page).locator(".pg-favourite")
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "true")
    close_photo(page)
    expect(tile.locator(".pg-heart")).to_be_visible()
    page.click(".pg-brand")
    page.click(".pg-filter-button")
    page.get_by_label(tab.say("filter.favourites")).check()
    settled(page)
    assert names(page) == ["rocket.jpg"]
    page.locator(".pg-tile a").focus()
    page.keyboard.press("f")
    expect(page.locator(".pg-heart")).to_be_hidden()


def test_more_and_less_like_this_add_to_the_query(tab, ids):
    page = tab.page
    word = CAT[tab.language][0]
    search(page, word)
    page.click(f"[data-id='{ids['chelsea.png']}']")
    page.get_by_role("button", name=tab.say("photo.moreLike")).click()
    expect(details(page)).to_be_hidden()
    assert query(page) == {"q": f"{word} + #{ids['chelsea.png']}"}
    expect(page.locator(".pg-query")).to_have_value(word)
    settled(page)
    page.click(".pg-tile a >> nth=0")
    other = int(query(page)["photo"])
    page.get_by_role("button", name=tab.say("photo.lessLike")).click()
    settled(page)
    assert query(page) == {"q": f"{word} + #{ids['chelsea.png']} - #{other}"}
    expect(page.locator(".pg-liked img")).to_have_count(2)
    page.locator(".pg-liked button").first.click()
    assert query(page) == {"q": f"{word} - #{other}"}


def test_similar_photos_are_shown_and_can_all_be_listed(tab, ids):
    page = tab.page
    search(page, "motorcycle")
    page.click(f"[data-id='{ids['motorcycle_left.png']}']")
    similar = details(page).locator("section", has_text=tab.say("photo.similarOnes"))
    expect(similar.locator("li button").first).to_have_attribute("aria-label", "motorcycle_right.png")
    similar.locator("li button").first.click()
    expect(details(page).locator("h2")).to_have_text("motorcycle_right.png")
    details(page).get_by_role("button", name=tab.say("photo.allSimilar")).click()
    settled(page)
    assert query(page) == {"q": f"1: #{ids['motorcycle_right.png']}"}
    assert names(page)[0] == "motorcycle_left.png"


# --- by picture -----------------------------------------------------------------------------------


GIVE = """([bytes, type, kind]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], 'given', { type }));
    const how = { bubbles: true, cancelable: true };
    const event = kind === 'paste' ? new ClipboardEvent('paste', { ...how, clipboardData: data })
        : new DragEvent('drop', { ...how, dataTransfer: data });
    document.querySelector('.pg').dispatchEvent(event);
}"""


@pytest.mark.parametrize("how", ["choose", "paste", "drop"])
def test_a_picture_finds_photos_like_it(tab, album, how):
    page = tab.page
    if how == "choose":
        page.set_input_files(".pg-file", album / "rocket.jpg")
    else:
        page.evaluate(GIVE, [list((album / "rocket.jpg").read_bytes()), "image/jpeg", how])
    expect(page.locator(".pg-liked img")).to_be_visible()
    expect(page.locator(".pg-summary")).to_contain_text(tab.say("summary.byPicture"), timeout=60_000)
    assert "rocket.jpg" in names(page)[:3]


def test_a_picture_is_combined_with_words_and_filters_and_taken_away(tab, album):
    page = tab.page
    page.set_input_files(".pg-file", album / "rocket.jpg")
    settled(page)
    search(page, "coffee")
    expect(page.locator(".pg-liked img")).to_be_visible()
    both = names(page)[:10]
    page.click(".pg-filter-button")
    page.get_by_role("checkbox", name="Canon EOS R6").check()
    settled(page)
    assert query(page) == {"q": "coffee", "camera": "Canon EOS R6"}
    expect(page.locator(".pg-liked img")).to_be_visible()
    assert not set(names(page)) & {"rocket.jpg", "coffee.png"}  # no camera took those
    page.locator(".pg-chip").click()
    settled(page)
    page.locator(".pg-liked button").click()
    expect(page.locator(".pg-liked")).to_have_count(0)
    settled(page)
    assert query(page) == {"q": "coffee"}
    assert names(page)[:10] != both
    page.go_back()
    expect(page.locator(".pg-liked img")).to_be_visible()


def test_a_picture_cannot_be_in_the_address_and_the_page_says_so(tab, album):
    page = tab.page
    page.set_input_files(".pg-file", album / "rocket.jpg")
    expect(page.locator(".pg-liked img")).to_be_visible()
    settled(page)
    page.reload()
    expect(page.locator(".pg-error")).to_contain_text(tab.say("picture.lost"))


def test_what_is_no_picture_is_refused_in_plain_words(tab, tmp_path: Path):
    wrong = tmp_path / "letter.png"
    wrong.write_text("Dear reader")
    tab.page.set_input_files(".pg-file", wrong)
    alert = tab.page.locator(".pg-error")
    expect(alert).to_contain_text("The picture ")
    tab.wrong.clear()


# --- the page as a whole --------------------------------------------------------------------------


@in_each_language
def test_everything_fits_a_small_phone(tab):
    page = tab.page
    page.set_viewport_size({"width": 360, "height": 740})

    def fits():
        return page.evaluate("document.documentElement.scrollWidth") <= 360

    assert fits()
    page.click(".pg-filter-button")
    page.get_by_role("checkbox", name="Canon EOS R6").check()
    expect(page.locator(".pg-chip")).not_to_have_count(0)
    assert fits()
    page.click(".pg-filter-button")
    settled(page)
    page.click(".pg-tile a >> nth=0")
    expect(details(page).locator("dl")).to_contain_text("Canon EOS R6")
    assert fits()
    assert details(page).evaluate("(one) => one.scrollWidth <= 360")


def test_light_and_dark_follow_the_system(page):
    background = "getComputedStyle(document.querySelector('.pg')).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) != light


def test_keys_lead_to_the_search_box_and_to_their_list(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    page.locator(".pg-tile a").first.focus()
    page.keyboard.press("?")
    expect(page.locator(".pg-help h2")).to_have_text(tab.say("keys.title"))
    page.keyboard.press("Escape")
    expect(page.locator(".pg-tile a").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator(".pg-query")).to_be_focused()


@in_both_directions
def test_the_navigation_leads_back_to_the_photos_and_is_at_the_bottom_of_a_phone(tab):
    page = tab.page
    search(page, CAT[tab.language][0])
    page.set_viewport_size({"width": 390, "height": 740})
    bar = page.get_by_role("navigation", name=tab.say("nav.label"))
    assert bar.bounding_box()["y"] + bar.bounding_box()["height"] == pytest.approx(740, abs=1)
    photos = bar.get_by_role("link", name=tab.say("nav.photos"))
    expect(photos).to_have_attribute("aria-current", "page")
    photos.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".pg[data-view=home]")
    assert query(page) == {}
    bar.get_by_role("button", name=tab.say("panel.title")).click()
    expect(page.locator(".pg-panel")).to_be_visible()
    page.keyboard.press("Escape")
