"""The library panel and the empty library, in a real Chromium over a real library that grows while we look.

Every feature is walked in English; what differs in other languages is numbers, words and the direction of the panel.
That no text of it stays English is tested in test_translated.py.
"""

import re
import threading

import pytest
from playwright.sync_api import expect
from polyglance.errors import FolderError

from ..conftest import BOTH_DIRECTIONS, EACH_LANGUAGE, LOCALES, Words
from .conftest import draw, open_panel

DAMAGED = {"en": "is truncated or damaged", "zh": "文件已损坏或不完整。", "ar": "الملف تالف أو غير مكتمل."}

in_each_language = pytest.mark.parametrize("words", EACH_LANGUAGE, indirect=True)


@pytest.fixture
def words(request):
    """What the page says in English, or in the language a test names."""
    return Words(getattr(request, "param", "en"))


def test_an_empty_library_is_filled_from_the_page_by_keyboard_alone(visit, served, home, words):
    _, address, _ = served
    page = visit(address)
    empty = page.locator(".pg-empty")
    expect(empty).to_contain_text(words.say("empty.title"))
    field = empty.get_by_label(words.say("add.path"))
    field.focus()
    page.keyboard.type(str(home))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Browse
    expect(empty.get_by_role("button", name=words.say("add.up"))).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # into Pictures, the first of its folders
    expect(field).to_have_value(str(home / "Pictures"))
    field.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("report.added", count=22), timeout=60_000)
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("report.failed", count=1))
    expect(empty).to_be_hidden()
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.photos", count=22))
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.folders", count=1))
    page.fill(".pg-query", "chelsea")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-tile a").first).to_have_attribute("aria-label", re.compile("^chelsea"), timeout=30_000)


@pytest.mark.parametrize("words", EACH_LANGUAGE[:2], indirect=True)
def test_a_folder_that_is_none_is_refused_with_the_reason(visit, empty_address, words):
    page = visit(empty_address, locale=LOCALES[words.language])
    page.fill(".pg-empty .pg-field", "/nowhere/at/all")
    page.press(".pg-empty .pg-field", "Enter")
    alert = page.get_by_role("alert").filter(has_text="/nowhere/at/all")
    expect(alert).to_contain_text(
        "There is no folder" if words.language == "en" else words.says("refused.folder_missing")
    )


@pytest.mark.slow
def test_a_job_that_fails_says_why_in_the_language_of_the_page(visit, served, home, monkeypatch):
    library, address, _ = served
    words = Words("zh")

    def index(folders, **_):
        raise FolderError("/photos went away.", "Connect its disk.").with_code("folder_gone", folder="/photos")

    monkeypatch.setattr(library, "index", index)
    page = visit(address, locale=LOCALES["zh"])
    page.fill(".pg-empty .pg-field", str(home / "Pictures"))
    page.press(".pg-empty .pg-field", "Enter")
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("refused.folder_gone"), timeout=30_000)
    expect(page.locator(".pg-progress-text")).not_to_contain_text("disk")


def test_a_folder_is_listed_as_soon_as_its_job_has_added_it(visit, served, home, monkeypatch):
    library, address, encoder = served
    library.index([home / "Pictures"])
    encoder.pause_after = encoder.encoded + 8
    begin, index = threading.Event(), library.index

    def index_later(*arguments, **options):
        assert begin.wait(60)
        return index(*arguments, **options)

    monkeypatch.setattr(library, "index", index_later)
    page = visit(address)
    panel = open_panel(page)
    with page.expect_response(lambda answer: answer.url.endswith("/encoders")):  # the panel has asked again
        panel.get_by_label("Folder path").fill(str(home / "عائلة"))
        panel.get_by_role("button", name="Add", exact=True).click()
    expect(panel.locator(".pg-root")).to_have_count(1)
    begin.set()
    expect(panel.locator(".pg-root")).to_have_count(2, timeout=30_000)
    expect(panel.locator(".pg-job")).to_be_visible()


@pytest.mark.parametrize("words", BOTH_DIRECTIONS, indirect=True)
def test_a_folder_is_added_with_progress_while_searching_goes_on(visit, served, home, words):
    library, address, encoder = served
    library.index([home / "Pictures"])
    encoder.pause_after = encoder.encoded + 40
    page = visit(address, locale=LOCALES[words.language])
    page.fill(".pg-query", "coffee")
    page.press(".pg-query", "Enter")
    page.wait_for_selector(".pg-tile")
    panel = open_panel(page)
    panel.get_by_label(words.say("add.path")).fill(str(home / "عائلة"))
    panel.get_by_role("button", name=words.say("add.go"), exact=True).click()
    expect(panel.locator(".pg-job")).to_be_visible()
    expect(panel.locator(".pg-job .pg-quiet")).to_contain_text(words.says("job.done", total=90), timeout=30_000)
    expect(panel.locator(".pg-job .pg-quiet")).to_contain_text(words.says("job.rate"))
    counts = re.compile("|".join(words.says("count.photos", count=count).pattern for count in range(1, 90)))
    facts = panel.locator(".pg-root").nth(1).locator(".pg-root-facts")
    facts.evaluate("line => line.textContent = ''")
    expect(facts).to_have_text(counts, timeout=30_000)  # counted again while the job runs
    page.keyboard.press("Escape")
    news = page.locator(".pg-progress .pg-pill")
    some = re.compile("|".join(words.says("progress.new", count=count).pattern for count in range(1, 90)))
    expect(news).to_contain_text(some, timeout=30_000)  # the page knows of some when it shows the next results
    page.fill(".pg-query", "rocket")
    page.press(".pg-query", "Enter")
    expect(page.locator(".pg-tile a").first).to_have_attribute("aria-label", re.compile("^rocket"), timeout=30_000)
    encoder.go_on()
    expect(page.locator(".pg-progress-text")).to_contain_text(words.say("job.finished"), timeout=90_000)
    expect(page.locator(".pg-progress-text")).to_contain_text(words.says("report.added", count=90))
    expect(news).to_contain_text(some)  # those that came since
    news.click()
    expect(news).to_be_hidden()
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.photos", count=112))
    expect(page.locator(".pg-library")).to_contain_text(words.says("count.folders", count=2))


def test_a_job_can_be_stopped_and_what_was_done_is_kept(visit, served, home, words):
    library, address, encoder = served
    encoder.pause_after = 16
    page = visit(address)
    page.fill(".pg-empty .pg-field", str(home / "عائلة"))
    page.press(".pg-empty .pg-field", "Enter")
    page.click(".pg-progress-text")
    page.locator(".pg-job").get_by_text(words.says("job.done", total=90)).wait_for(timeout=30_000)
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.locator(".pg-job").get_by_role("button", name=words.say("job.stop")).click()
    encoder.go_on()
    expect(page.locator(".pg-said")).to_contain_text(words.say("job.stopped"), timeout=30_000)
    assert 0 < library.status().photos < 90


@in_each_language
def test_the_panel_says_what_the_library_holds(visit, full_address, home, words):
    page = visit(full_address, locale=LOCALES[words.language])
    panel = open_panel(page)
    expect(panel.locator(".pg-root")).to_contain_text(str(home / "Pictures"))
    expect(panel.locator(".pg-root")).to_contain_text(words.says("count.photos", count=22))
    expect(panel.locator(".pg-root")).to_contain_text(words.says("count.failed", count=1))
    expect(panel).to_contain_text(words.say("watch.nobody"))
    expect(panel).to_contain_text("polyglance serve --watch")
    failures = panel.get_by_role("region", name=words.say("panel.failures"))
    broken = failures.locator("li", has_text="broken.jpg")
    expect(broken).to_contain_text(DAMAGED[words.language])
    expect(broken.locator("[lang=en]").first).to_contain_text("is truncated or damaged")
    duplicates = panel.get_by_role("region", name=words.say("panel.duplicates"))
    expect(duplicates).to_contain_text(words.says("duplicates.group", count=2))
    expect(duplicates.locator(".pg-copies li")).to_have_count(2)
    expect(duplicates.locator(".pg-copies")).to_contain_text("again.png")
    expect(duplicates.locator(".pg-copies .pg-path").first).to_have_text(str(home / "Pictures"))
    page.wait_for_function("[...document.querySelectorAll('.pg-twin img')].every((one) => one.naturalWidth > 0)")
    encoders = panel.get_by_role("region", name=words.say("panel.encoder"))
    expect(encoders.locator("li").first).to_contain_text(words.say("encoder.active"))
    expect(encoders).to_contain_text("polyglance reencode --encoder altclip-m9")


def test_the_look_is_chosen_and_stays(visit, full_address, words):
    page = visit(full_address, color_scheme="light")

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


def test_the_language_is_chosen_on_a_phone_among_results_too(visit, full_address):
    page = visit(f"{full_address}/?q=cat", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator(".pg-language")).to_be_hidden()
    open_panel(page).get_by_role("region", name="Display").get_by_label("Language").select_option("العربية")
    page.wait_for_selector("html[lang=ar] .pg-tile")


def test_failures_are_tried_again_and_folders_scanned_again(visit, served, tmp_path, words):
    library, address, _ = served
    draw(tmp_path / "few", 2, seed=3)
    (tmp_path / "few" / "later.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    library.index([tmp_path / "few"])
    page = visit(address)
    panel = open_panel(page)
    panel.get_by_role("button", name=words.say("failures.retry")).click()
    expect(panel.locator(".pg-said")).to_contain_text(words.says("report.failed", count=1), timeout=30_000)
    draw(tmp_path / "few", 3, seed=3)
    (tmp_path / "few" / "later.png").unlink()
    panel.get_by_role("button", name=words.say("root.rescan")).click()
    expect(panel.locator(".pg-said")).to_contain_text(words.says("report.added", count=1), timeout=30_000)
    expect(panel.get_by_role("region", name=words.say("panel.failures"))).to_be_hidden()


def test_a_folder_is_removed_after_asking(visit, served, tmp_path, words):
    library, address, _ = served
    draw(tmp_path / "few", 2, seed=4)
    library.index([tmp_path / "few"])
    page = visit(address)
    panel = open_panel(page)
    panel.get_by_role("button", name=words.named("root.remove")).press("Enter")
    expect(panel).to_contain_text(words.says("root.sureText", count=2))
    expect(panel).to_contain_text(words.say("root.sureMarks"))
    expect(panel.get_by_role("button", name=words.say("cancel"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.get_by_role("button", name=words.named("root.remove"))).to_be_focused()
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
        pytest.param("zh-CN", "图库", "22 张照片", "ltr", marks=pytest.mark.slow),
        ("ar-EG", "المكتبة", "٢٢ صورة", "rtl"),
        pytest.param("ru-RU", "Библиотека", "22 фото", "ltr", marks=pytest.mark.slow),
    ],
)
def test_the_panel_speaks_the_browsers_language(visit, full_address, home, locale, title, photos_in_it, direction):
    page = visit(full_address, locale=locale)
    panel = open_panel(page)
    expect(panel.get_by_role("heading", level=2)).to_have_text(title)
    expect(panel.locator(".pg-root .pg-quiet").first).to_contain_text(photos_in_it)
    assert panel.evaluate("one => getComputedStyle(one).direction") == direction
    path = panel.locator(".pg-root .pg-path")
    assert path.evaluate("one => getComputedStyle(one).direction") == "ltr"
    edge = "left" if direction == "rtl" else "right"
    assert panel.evaluate(f"one => Math.abs(one.getBoundingClientRect().{edge} - {0 if edge == 'left' else 1280})") < 1
