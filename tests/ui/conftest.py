"""A real library of real pictures, the application over it, and a running server."""

import json
import os
import re
import shutil
import threading
from importlib.resources import files

import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from polyglance.config import Settings
from polyglance.data.sample import copy_sample
from polyglance.library import Library
from starlette.testclient import TestClient

HOSTILE = "<img src=x onerror=hacked()>.png" if os.name != "nt" else "&lt;img src=x onerror=hacked()&gt;.png"
BIDI = "moon\u202egnp.exe.png"


SHOT = {0x829D: 1.8, 0x829A: 0.004, 0x8827: 200, 0x920A: 35.0, 0xA405: 52, 0x9209: 25}


def exif_of_a_phone():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x010E] = "Nikon", "Nikon D90", "An <b>espresso</b> at the bar"
    exif.get_ifd(0x8769).update({0x9003: "2019:03:14 09:30:00", 0xA434: "AF-S 35mm", **SHOT})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "W", 4: (2.0, 17.0, 40.0)})
    return exif


LOCALES = {"en": "en-GB", "zh": "zh-CN", "ar": "ar-EG"}
"""The languages that every feature of the page is walked in, as a browser asks for them: Egypt's has other digits."""

EACH_LANGUAGE = ["en", *(pytest.param(language, marks=pytest.mark.slow) for language in ("zh", "ar"))]
"""Parameters for what differs between them; the walks after the first are slow."""

BOTH_DIRECTIONS = [EACH_LANGUAGE[0], EACH_LANGUAGE[2]]

DIGITS = "٠١٢٣٤٥٦٧٨٩"


class Words:
    """What the page says in one of these languages."""

    def __init__(self, language):
        self.language = language
        self._words = json.loads(
            (files("polyglance.ui.page") / "static" / "words" / f"{language}.json").read_text("utf-8")
        )

    def say(self, key):
        """The text of a key that has no numbers or names in it."""
        return self._words[key]

    def named(self, key):
        """A pattern of "NAME: something", where the name is the text of that key, as `named` of i18n.js writes it."""
        before, between, _ = re.split(r"\{\w+\}", self._words["list.named"])
        name = "\u2068?".join(["", re.escape(self._words[key])])
        return re.compile(f"^{re.escape(before)}{name}\u2069?{re.escape(between)}")

    def number(self, count):
        """A number below 1000 as the page writes it."""
        return str(count).translate(str.maketrans("0123456789", DIGITS)) if self.language == "ar" else str(count)

    def says(self, key, **known):
        """A pattern of the text, in the plural form for `count`, with the numbers that are known; others may be any."""
        text = self._words[key]
        if isinstance(text, dict):
            text = text[self._form(known["count"])]
        pieces = re.split(r"\{(\w+)\}", text)
        pieces[::2] = map(re.escape, pieces[::2])
        pieces[1::2] = [self._whole(known[name]) if name in known else ".{1,80}?" for name in pieces[1::2]]
        return re.compile("".join(pieces))

    def _whole(self, count):
        """A pattern of a number that is no part of a longer one."""
        return f"(?<![0-9{DIGITS}]){self.number(count)}(?![0-9{DIGITS}])"

    def _form(self, count):
        """The plural category of a number, as CLDR has it."""
        if self.language == "ar" and count != 1:
            small = {0: "zero", 2: "two"}.get(count)
            return small or ("few" if 3 <= count % 100 <= 10 else "many" if count % 100 > 10 else "other")
        return "one" if count == 1 and self.language != "zh" else "other"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """The demo's pictures and some more: a camera's facts, formats no browser shows, hostile names, files to spoil."""
    folder = tmp_path_factory.mktemp("pictures")
    copy_sample(folder)
    coffee = Image.open(folder / "coffee.png").convert("RGB")
    coffee.save(folder / "espresso.jpg", exif=exif_of_a_phone())
    coffee.save(folder / "espresso.tiff")
    coffee.resize((300, 200)).save(folder / HOSTILE)
    shutil.copy(folder / "moon.png", folder / BIDI)
    for name in ("gone", "linked", "moved"):
        (folder / name).mkdir()
        coffee.rotate(len(name) * 30).save(folder / name / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def library(pictures, tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("library"), settings=Settings()) as opened:
        report = opened.index([pictures], encoder="lite")
        assert report.tally.added == 28
        yield opened


@pytest.fixture(scope="session")
def empty_library(tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("empty"), settings=Settings()) as opened:
        yield opened


@pytest.fixture(scope="session")
def ids(library):
    """Photo ids by file name."""
    found = library.search("picture", 100, collapse=False).results
    return {os.fsdecode(os.path.basename(one.photo.path)): one.photo.id for one in found}


@pytest.fixture(scope="session")
def client(library):
    from polyglance.ui.web.server import build

    with TestClient(build(library), base_url="http://127.0.0.1:7860") as opened:
        yield opened


@pytest.fixture(scope="session")
def serve_in_thread():
    """Serve libraries on free ports: call it with one, get the address; all stop at the end."""
    from polyglance.ui.web.gate import THIS_MACHINE
    from polyglance.ui.web.limits import LIMITS
    from polyglance.ui.web.server import Offers, Server, address_of, build, listen

    running = []

    def start(library, limits=LIMITS, policy=THIS_MACHINE, offers=None):
        ready, application = threading.Event(), build(library, policy, limits, offers or Offers())
        listener = listen("127.0.0.1", 0)
        address = address_of(listener)
        server = Server(application, address, lambda _: ready.set(), limits=limits, proxies=policy.proxies)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((server, thread, listener))
        assert ready.wait(30)
        return address

    yield start
    for server, thread, listener in running:
        server.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


FUNCTION = re.compile(r"\s*(\([\w, ]*\)|\w+)\s*=>")
_wait_for_function = Page.wait_for_function


def wait_for_function(page, expression, **options):
    """As Playwright's, which makes code from an expression at each look: the page's policy allows that at the first
    only. A function is made once."""
    function = expression if FUNCTION.match(expression) else f"() => ({expression})"
    return _wait_for_function(page, function, **options)


Page.wait_for_function = wait_for_function

SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The same engine; the first one has no window, and takes half the processor time for a page."""


@pytest.fixture(scope="session")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = "No Chromium here: run scripts/install-chromium.sh."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield opened
        opened.close()


CAMERAS = ("Canon EOS R6", "FUJIFILM X100V")
FOLDERS = ("2023/京都", "2024/Paris/Montmartre", "2024/Home")


def exif_of(camera, taken_at):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = camera.split()[0], camera
    exif.get_ifd(0x8769)[0x9003] = taken_at
    return exif


@pytest.fixture(scope="session")
def album(tmp_path_factory):
    """The demo's pictures, parts of them in three folders, by two cameras, in two years, and a burst of three."""
    folder = tmp_path_factory.mktemp("album")
    copy_sample(folder)
    found = ("chelsea", "coffee", "horse", "motorcycle", "rocket")  # what the tests look for stays rare
    whole = [Image.open(path).convert("RGB") for path in sorted(folder.iterdir()) if not path.name.startswith(found)]
    for number in range(66):
        place = folder / FOLDERS[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        picture, edge = whole[number % len(whole)], number * 7 % 40
        part = picture.crop((edge, edge // 2, picture.width - edge, picture.height // (1 + number % 2) - edge // 2))
        day = f"{FOLDERS[number % 3][:4]}:{1 + number % 12:02}:{1 + number % 28:02}"
        part = part.resize((300, 200) if number % 4 else (200, 300))
        part.save(place / f"part {number}.jpg", exif=exif_of(CAMERAS[number % 2], f"{day} 10:{number % 60:02}:00"))
    Image.open(folder / "coffee.png").convert("RGB").resize((300, 200)).save(folder / HOSTILE)
    cat = Image.open(folder / "chelsea.png").convert("RGB")
    for number in range(3):
        burst = exif_of(CAMERAS[0], f"2024:07:01 12:00:0{number}")
        cat.resize((400 - 20 * number, 266 - 13 * number)).save(folder / f"tabby{number}.jpg", exif=burst)
    return folder


@pytest.fixture(scope="session")
def album_library(album, tmp_path_factory):
    with Library.open(tmp_path_factory.mktemp("album-library"), settings=Settings()) as opened:
        opened.index([album], encoder="lite")
        opened.search("the first search loads the encoder")
        yield opened


@pytest.fixture(scope="session")
def album_address(album_library, serve_in_thread):
    return serve_in_thread(album_library)


@pytest.fixture(scope="session")
def axe():
    """Call it with a page: it fails if axe-core finds anything serious or critical there."""
    from axe_playwright_python.sync_playwright import Axe

    checker = Axe()

    def check(page):
        found = checker.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [
            f"{one['id']}: {one['help']}\n    "
            + "\n    ".join(
                f"{node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}" for node in one["nodes"][:5]
            )
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        assert not serious, "\n".join(serious)

    return check
