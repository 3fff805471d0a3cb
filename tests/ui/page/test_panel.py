"""The library panel and the empty library, in a real Chromium over a real library that grows while we look."""

import re

import numpy
import pytest
from PIL import Image
from playwright.sync_api import expect
from polyglance.config import Settings
from polyglance.data.sample import copy_sample
from polyglance.library import Library

from ..conftest import LOCALES, Words


def draw(folder, count, seed):
    """Pictures that all differ; `count` of them take the lite encoder a few seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(seed)
    for number in range(count):
        small = random.integers(0, 255, (8, 8, 3), dtype=numpy.uint8)
        Image.fromarray(small).resize((256, 256)).save(folder / f"pattern {number}.png")


@pytest.fixture(params=LOCALES)
def words(request):
    return Words(request.param)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A home with two folders of photos, one with a copy and a broken file in it."""
    home = tmp_path_factory.mktemp("home")
    copy_sample(home / "Pictures")
    (home / "Pictures" / "again.png").write_bytes((home / "Pictures" / "coffee.png").read_bytes())
    (home / "Pictures" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    draw(home / "عائلة", 90, seed=1)
    return home


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder with more photos than are indexed before somebody stops it."""
    folder = tmp_path_factory.mktemp("many")
    draw(folder, 400, seed=2)
    return folder


@pytest.fixture
def served(tmp_path, serve_in_thread):
    """An empty library with its server: (library, address)."""
    with Library.open(tmp_path / "library", settings=Settings(encoder="lite")) as opened:
        yield opened, serve_in_thread(opened)


@pytest.fixture(scope="module")
def full(photos, tmp_path_factory, serve_in_thread):
    """Address of a library that has the folder Pictures."""
    with Library.open(tmp_path_factory.mktemp("full"), settings=Settings(encoder="lite")) as opened:
        opened.index([photos / "Pictures"])
        yield serve_in_thread(opened)


@pytest.fixture
def visit(browser):
    """Open an address in a new window: `visit(address, locale="ar-EG")`; nothing may go wrong in it."""
    contexts, wrong = [], []

    def go(address, **options):
        context = browser.new_context(**{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "Error" in message.text else None)
        page.goto(address)
        page.wait_for_selector(".pg-library button", state="attached")
        return page

    yield go
    for context in contexts:
        context.close()
    assert wrong == []


def open_panel(page):
    page.click(".pg-to-library")
    page.wait_for_selector(".pg-panel .pg-in-use")
    return page.locator(".pg-panel")


def test_an_empty_library_is_filled_from_the_page_by_keyboard_alone(visit, served, photos, words):
    _, address = served
    page = visit(address, locale=LOCALES[words.language])
    empty = page.locator(".pg-empty")
    expect(empty).to_contain_text(words.say("empty.title"))
    field = empty.get_by_label(words.say("add.path"))
    field.focus()
    page.keyboard.type(str(photos))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Browse
    expect(empty.get_by_role("button", name=words.say("add.up"))).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # into Pictures, the first of its folders
    expect(field).to_have_value(str(photos / "Pictures"))
    field.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("report.added", count=22), timeout=60_000)
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("report.failed", count=1))
    expect(empty).to_be_hidden()
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.photos", count=22))
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.folders", count=1))
    page.fill(".pg-query", "cat")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-tile a").first).to_have_attribute("aria-label", re.compile("^chelsea"), timeout=30_000)


def test_a_folder_that_is_none_is_refused_with_the_reason(visit, served, words):
    page = visit(served[1], locale=LOCALES[words.language])
    page.fill(".pg-empty .pg-field", "/nowhere/at/all")
    page.press(".pg-empty .pg-field", "Enter")
    alert = page.get_by_role("alert").filter(has_text="There is no folder /nowhere/at/all")
    expect(alert).to_be_visible()
    if words.language != "en":
        expect(alert).to_contain_text(words.say("error.refused"))


def test_a_folder_is_added_with_progress_while_searching_goes_on(visit, served, photos, words):
    library, address = served
    library.index([photos / "Pictures"])
    page = visit(address, locale=LOCALES[words.language])
    page.fill(".pg-query", "coffee")
    page.press(".pg-query", "Enter")
    page.wait_for_selector(".pg-tile")
    panel = open_panel(page)
    panel.get_by_label(words.say("add.path")).fill(str(photos / "عائلة"))
    panel.get_by_role("button", name=words.say("add.go"), exact=True).click()
    expect(panel.locator(".pg-job")).to_be_visible()
    expect(panel.locator(".pg-job .pg-quiet")).to_contain_text(words.says("job.done", total=90), timeout=30_000)
    expect(panel.locator(".pg-job .pg-quiet")).to_contain_text(words.says("job.rate"))
    page.keyboard.press("Escape")
    page.fill(".pg-query", "rocket")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-tile a").first).to_have_attribute("aria-label", re.compile("^rocket"), timeout=30_000)
    expect(page.locator(".pg-progress-text")).to_contain_text(words.say("job.finished"), timeout=90_000)
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("report.added", count=90))
    news = page.locator(".pg-progress .pg-pill")
    # The results were shown while some of the new ones were there.
    texts = [words.says("progress.new", count=count).pattern for count in range(1, 91)]
    expect(news).to_contain_text(re.compile("|".join(texts)))
    news.click()
    expect(news).to_be_hidden()
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.photos", count=112))
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.folders", count=2))


def test_a_job_can_be_stopped_and_what_was_done_is_kept(visit, served, many, words):
    library, address = served
    page = visit(address, locale=LOCALES[words.language])
    page.fill(".pg-empty .pg-field", str(many))
    page.press(".pg-empty .pg-field", "Enter")
    page.click(".pg-progress-text")
    page.locator(".pg-job").get_by_text(words.says("job.done", total=400)).wait_for(timeout=30_000)
    page.locator(".pg-job").get_by_role("button", name=words.say("job.stop")).click()
    expect(page.locator(".pg-said")).to_contain_text(words.say("job.stopped"), timeout=30_000)
    assert 0 < library.status().photos < 400


def test_the_panel_says_what_the_library_holds(visit, full, photos, words):
    page = visit(full, locale=LOCALES[words.language])
    panel = open_panel(page)
    expect(panel.locator(".pg-root")).to_contain_text(str(photos / "Pictures"))
    expect(panel.locator(".pg-root")).to_contain_text(words.says("count.photos", count=22))
    expect(panel.locator(".pg-root")).to_contain_text(words.says("count.failed", count=1))
    expect(panel).to_contain_text(words.say("watch.nobody"))
    expect(panel).to_contain_text("polyglance serve --watch")
    failures = panel.get_by_role("region", name=words.say("panel.failures"))
    expect(failures).to_contain_text("broken.jpg")
    duplicates = panel.get_by_role("region", name=words.say("panel.duplicates"))
    expect(duplicates).to_contain_text(words.says("duplicates.group", count=2))
    expect(duplicates.locator(".pg-copies li")).to_have_count(2)
    page.wait_for_function("[...document.querySelectorAll('.pg-copies img')].every((one) => one.naturalWidth > 0)")
    encoders = panel.get_by_role("region", name=words.say("panel.encoder"))
    expect(encoders.locator("li").first).to_contain_text(words.say("encoder.active"))
    expect(encoders).to_contain_text("polyglance reencode --encoder altclip-m9")


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("zh-CN", "文件已损坏或不完整。"), ("ar-EG", "الملف تالف أو غير مكتمل."), ("en-GB", "is truncated or damaged")],
)
def test_what_is_wrong_with_a_file_is_said_in_the_pages_language(visit, full, locale, sentence):
    broken = open_panel(visit(full, locale=locale)).locator("li", has_text="broken.jpg")
    expect(broken).to_contain_text(sentence)
    expect(broken.locator("[lang=en]").first).to_contain_text("is truncated or damaged")


def test_the_look_is_chosen_and_stays(visit, full, words):
    page = visit(full, color_scheme="light", locale=LOCALES[words.language])

    def brightness():
        return page.locator(".pg").evaluate("one => parseInt(getComputedStyle(one).backgroundColor.match(/\\d+/)[0])")

    assert brightness() > 200
    display = open_panel(page).get_by_role("region", name=words.say("panel.display"))
    display.get_by_label(words.say("look.label")).select_option(words.say("look.dark"))
    assert brightness() < 50
    page.reload()
    page.wait_for_selector(".pg-library button", state="attached")
    assert brightness() < 50
    page.emulate_media(color_scheme="dark")
    display = open_panel(page).get_by_role("region", name=words.say("panel.display"))
    expect(display.get_by_label(words.say("look.label"))).to_have_value("dark")
    display.get_by_label(words.say("look.label")).select_option(words.say("look.light"))
    assert brightness() > 200
    display.get_by_label(words.say("look.label")).select_option(words.say("look.system"))
    assert brightness() < 50


def test_the_language_is_chosen_on_a_phone_among_results_too(visit, full):
    page = visit(f"{full}/?q=cat", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator(".pg-language")).to_be_hidden()
    open_panel(page).get_by_role("region", name="Display").get_by_label("Language").select_option("العربية")
    page.wait_for_selector("html[lang=ar] .pg-tile")


def test_failures_are_tried_again_and_folders_scanned_again(visit, served, tmp_path, words):
    library, address = served
    draw(tmp_path / "few", 2, seed=3)
    (tmp_path / "few" / "later.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    library.index([tmp_path / "few"])
    page = visit(address, locale=LOCALES[words.language])
    panel = open_panel(page)
    panel.get_by_role("button", name=words.say("failures.retry")).click()
    expect(panel.locator(".pg-said")).to_contain_text(words.says("report.failed", count=1), timeout=30_000)
    draw(tmp_path / "few", 3, seed=3)
    (tmp_path / "few" / "later.png").unlink()
    panel.get_by_role("button", name=words.say("root.rescan")).click()
    expect(panel.locator(".pg-said")).to_contain_text(words.says("report.added", count=1), timeout=30_000)
    expect(panel.get_by_role("region", name=words.say("panel.failures"))).to_be_hidden()


def test_a_folder_is_removed_after_asking(visit, served, tmp_path, words):
    library, address = served
    draw(tmp_path / "few", 2, seed=4)
    library.index([tmp_path / "few"])
    page = visit(address, locale=LOCALES[words.language])
    panel = open_panel(page)
    panel.get_by_role("button", name=words.say("root.remove") + ":").press("Enter")
    expect(panel).to_contain_text(words.says("root.sureText", count=2))
    expect(panel).to_contain_text(words.say("root.sureMarks"))
    expect(panel.get_by_role("button", name=words.say("cancel"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.get_by_role("button", name=words.say("root.remove") + ":")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(panel.locator(".pg-said")).to_have_text(words.says("root.removed", count=2))
    expect(panel.locator(".pg-root")).to_have_count(0)
    assert sorted(one.name for one in (tmp_path / "few").iterdir()) == ["pattern 0.png", "pattern 1.png"]
    page.keyboard.press("Escape")
    expect(page.locator(".pg-empty")).to_contain_text(words.say("empty.title"))


@pytest.mark.parametrize(
    ("locale", "title", "photos_in_it", "direction"),
    [
        ("zh-CN", "图库", "22 张照片", "ltr"),
        ("ar-EG", "المكتبة", "٢٢ صورة", "rtl"),
        ("ru-RU", "Библиотека", "22 фото", "ltr"),
    ],
)
def test_the_panel_speaks_the_browsers_language(visit, full, photos, locale, title, photos_in_it, direction):
    page = visit(full, locale=locale)
    panel = open_panel(page)
    expect(panel.get_by_role("heading", level=2)).to_have_text(title)
    expect(panel.locator(".pg-root .pg-quiet").first).to_contain_text(photos_in_it)
    assert panel.evaluate("one => getComputedStyle(one).direction") == direction
    path = panel.locator(".pg-root .pg-path")
    assert path.evaluate("one => getComputedStyle(one).direction") == "ltr"
    edge = "left" if direction == "rtl" else "right"
    assert panel.evaluate(f"one => Math.abs(one.getBoundingClientRect().{edge} - {0 if edge == 'left' else 1280})") < 1
