"""Folders to fill a library with, and a library that has something in every part of its panel."""

import json
import threading

import numpy
import pytest
from colour_encoder import ColourEncoder
from PIL import Image
from polyglance.config import Settings
from polyglance.data.sample import copy_sample
from polyglance.library import Library


def draw(folder, count, seed):
    """Pictures that all differ."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(seed)
    for number in range(count):
        small = random.integers(0, 255, (8, 8, 3), dtype=numpy.uint8)
        Image.fromarray(small).resize((64, 64)).save(folder / f"pattern {number}.png")


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home with two folders of photos, one with a copy and a broken file in it."""
    folder = tmp_path_factory.mktemp("home")
    copy_sample(folder / "Pictures")
    (folder / "Pictures" / "again.png").write_bytes((folder / "Pictures" / "coffee.png").read_bytes())
    (folder / "Pictures" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    draw(folder / "عائلة", 90, seed=1)
    return folder


@pytest.fixture(scope="session")
def full_address(home, tmp_path_factory, serve_in_thread):
    """Address of a library that has the folder Pictures."""
    with Library.open(tmp_path_factory.mktemp("full"), settings=Settings(encoder="lite")) as opened:
        opened.index([home / "Pictures"])
        yield serve_in_thread(opened)


@pytest.fixture(scope="session")
def empty_address(empty_library, serve_in_thread):
    """Address of a library without folders."""
    return serve_in_thread(empty_library)


@pytest.fixture(scope="session")
def context_of(browser):
    """Contexts by number and options: one that comes again has the page in its cache, as a daily visitor has."""
    contexts = {}

    def get(number, **options):
        key = number, json.dumps(options, sort_keys=True)
        if key not in contexts:
            contexts[key] = browser.new_context(**options)
        return contexts[key]

    yield get
    for context in contexts.values():
        context.close()


def forget_visitor(context):
    """Close the pages of a context, and forget all that they kept but for the cache of files."""
    for page in context.pages:
        session = context.new_cdp_session(page)
        kept = {"origin": page.evaluate("origin"), "storageTypes": "local_storage,indexeddb,service_workers"}
        session.send("Storage.clearDataForOrigin", kept)
        page.close()
    context.clear_cookies()
    context.clear_permissions()
    context.unroute_all()
    context.set_offline(False)


@pytest.fixture
def visit(context_of):
    """Open an address as somebody new: `visit(address, locale="ar-EG")`; nothing may go wrong in it."""
    contexts, wrong = [], []

    def go(address, **options):
        context = context_of(len(contexts), **{"locale": "en-GB", "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.grant_permissions(["clipboard-write"])  # what a browser with a window grants at a click
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if "Error" in message.text else None)
        page.goto(address)
        page.wait_for_selector(".pg-library button", state="attached")
        return page

    yield go
    for context in contexts:
        forget_visitor(context)
    assert wrong == []


def open_panel(page):
    """The library panel, opened and filled."""
    page.click(".pg-to-library")
    page.wait_for_selector(".pg-panel .pg-in-use")
    return page.locator(".pg-panel")


class GatedEncoder(ColourEncoder):
    """The tiny encoder under the name of the real one; after so many pictures it waits until it is let go on."""

    def __init__(self):
        super().__init__("lite")
        self.pause_after = None
        self._gate = threading.Event()

    def go_on(self):
        """Let it encode the rest."""
        self._gate.set()

    def encode_images(self, images):
        if self.pause_after is not None and self.encoded >= self.pause_after:
            assert self._gate.wait(120)
        return super().encode_images(images)


@pytest.fixture
def served(tmp_path, serve_in_thread):
    """An empty library with the tiny encoder, and its server: (library, address, encoder)."""
    encoder = GatedEncoder()
    with Library.open(tmp_path / "library", settings=Settings(encoder="lite", batch_size=8), encoder=encoder) as opened:
        yield opened, serve_in_thread(opened), encoder
        encoder.go_on()
