"""`ui.blocks` in somebody's own app, and the same at `/simple`, as a person uses them in a browser."""

import re
import threading

import gradio
import pytest
import uvicorn
from fastapi import FastAPI
from polyglance import ui
from polyglance.errors import UsageError
from polyglance.ui.simple import uploads
from polyglance.ui.simple.texts import LANGUAGES, Texts, read
from polyglance.ui.web.listening import address_of, listen

TILES = ".thumbnail-item img"


@pytest.fixture(scope="module")
def bare(library):
    """Address of an app that knows nothing of polyglance but `ui.blocks`."""
    app = FastAPI()
    gradio.mount_gradio_app(app, ui.blocks(library), path="/find")
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"{address_of(listener)}/find/"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def open_blocks(browser):
    """Open an address in a language; no script may fail there, and none may be refused by the policy."""
    contexts, errors = [], []

    def go(address, locale):
        contexts.append(browser.new_context(locale=locale))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: "Security" in message.text and errors.append(message.text))
        page.goto(address)
        page.get_by_role("textbox").first.wait_for(timeout=120_000)
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []


def search(page, words):
    box = page.get_by_role("textbox").first
    box.fill(words)
    box.press("Enter")
    page.wait_for_selector(TILES)


def test_in_an_app_of_somebody_else_thumbnails_are_in_the_answer(bare, open_blocks):
    page = open_blocks(bare, "zh-CN")
    assert (
        page.get_by_label(read("zh")["search.label"]).get_attribute("placeholder") == read("zh")["search.placeholder"]
    )
    search(page, "猫")
    assert page.locator(TILES).first.get_attribute("src").startswith("data:image/jpeg;base64,")
    assert page.locator(".thumbnail-item").first.inner_text().strip() == "chelsea.png"


def test_at_simple_pictures_are_addresses_by_id_and_an_upload_is_searched_by_and_deleted(
    client, library, serve_in_thread, open_blocks, pictures, ids
):
    page = open_blocks(f"{serve_in_thread(library)}/simple/", "ar-EG")
    assert page.evaluate("getComputedStyle(document.querySelector('.gradio-container')).direction") == "rtl"
    search(page, "قطة")
    assert page.locator(TILES).first.get_attribute("src") == f"/api/v1/photos/{ids['chelsea.png']}/thumbnail"

    page.set_input_files("input[type=file]", pictures / "rocket.jpg")
    page.get_by_role("textbox").first.fill("")
    page.wait_for_selector(f"{TILES}[src='/api/v1/photos/{ids['rocket.jpg']}/thumbnail']")
    page.wait_for_selector(".image-frame img[src^='data:image/jpeg']")
    assert [path for path in uploads.folder().rglob("*") if path.is_file()] == []

    page.locator(".thumbnail-item").first.click()
    link = page.get_by_role("link", name=read("ar")["photo.open"])
    link.wait_for()
    assert re.fullmatch(r"/api/v1/photos/\d+/original", link.get_attribute("href"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_blocks_is_there_in_every_language(language):
    assert Texts(language)["search.go"] == read(language)["search.go"]
    translations = Texts().translations().translations_dict
    assert len(translations[language]) == len(translations["en"]) > 20
    assert all(translations[language].values())


def test_a_language_without_texts_is_refused(library):
    with pytest.raises(UsageError, match="There are no texts in tlh"):
        ui.blocks(library, "tlh")
