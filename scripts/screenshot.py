"""Make screenshots of the page: index a small collection with the lite encoder, serve it, and open it in Chromium.

python scripts/screenshot.py               all of docs/images
python scripts/screenshot.py panel home    only these
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from polyglance.data.sample import copy_sample
from polyglance.library import Library
from polyglance.ui.web.listening import address_of, listen
from polyglance.ui.web.server import Server, build

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE = (390, 844)
PATIENCE = 300_000
"""Milliseconds a state may take: only a page that hangs takes as long, whatever else the machine does."""

FOLDERS = {
    "2023/京都": ("moon.png", "rocket.jpg", "chelsea.png"),
    "2024/Home": ("coffee.png", "clock_motion.png", "camera.png"),
    "2024/الرباط": ("motorcycle_left.png", "motorcycle_right.png", "astronaut.png"),
}
"""Folder -> pictures of the demo that are stored in it as photos of a camera."""

PLACES = ((35.0116, 135.7681), (45.4642, 9.1900), (34.0209, -6.8416))
"""Where the photos of these folders were taken: latitude and longitude in decimal degrees."""


@dataclass(frozen=True)
class Shot:
    """A screenshot of the page; `size` in CSS pixels, `state` a key of STATES."""

    query: str = ""
    state: str = "found"
    locale: str = "en-GB"
    scheme: str = "light"
    size: tuple[int, int] = (1280, 800)
    is_empty: bool = False


SHOTS = {
    "home": Shot(state="home"),
    "home-dark": Shot(state="home", scheme="dark"),
    "home-phone": Shot(state="home", size=PHONE, locale="ko-KR"),
    "selection": Shot(state="selection"),
    "selection-phone": Shot(state="selection", size=PHONE, locale="ar-EG", scheme="dark"),
    "results": Shot("オートバイ"),
    "results-dark": Shot("caffè", scheme="dark", locale="it-IT"),
    "results-arabic": Shot("دراجة نارية", locale="ar-EG"),
    "results-chinese": Shot("火箭", locale="zh-CN"),
    "results-phone": Shot("кофе", size=PHONE, locale="ru-RU"),
    "filters": Shot("cat", state="filters"),
    "details": Shot("cat", state="details", locale="fr-FR"),
    "details-arabic": Shot("صاروخ", state="details", locale="ar-EG", scheme="dark"),
    "details-phone": Shot("fusée", state="details", size=PHONE, locale="fr-FR", scheme="dark"),
    "zoom": Shot("rocket", state="zoom"),
    "explore": Shot(state="explore"),
    "explore-phone": Shot(state="explore", size=PHONE, locale="ja-JP", scheme="dark"),
    "map": Shot(state="map", locale="it-IT"),
    "map-dark": Shot(state="map", locale="ar-EG", scheme="dark"),
    "map-phone": Shot(state="map", size=PHONE, locale="fr-FR"),
    "suggestions": Shot(state="suggestions", locale="zh-CN"),
    "panel": Shot("motocicleta", state="panel", locale="es-ES"),
    "panel-dark": Shot("rocket", state="panel", scheme="dark"),
    "panel-arabic": Shot("قهوة", state="panel", locale="ar-EG"),
    "panel-phone": Shot("咖啡", state="panel", size=PHONE, locale="zh-CN"),
    "empty": Shot(state="empty", is_empty=True),
    "empty-japanese": Shot(state="empty", is_empty=True, locale="ja-JP", scheme="dark"),
    "empty-phone": Shot(state="empty", is_empty=True, size=PHONE, locale="ar-EG"),
}


def make_collection(folder: Path) -> None:
    """Make a small collection: the demo's pictures, some with date and camera, a copy, and a damaged file."""
    copy_sample(folder)
    for day, ((name, pictures), (latitude, longitude)) in enumerate(zip(FOLDERS.items(), PLACES, strict=True), 3):
        (folder / name).mkdir(parents=True)
        north, east = (abs(latitude), 0.0, 0.0), (abs(longitude), 0.0, 0.0)
        for hour, picture in enumerate(pictures, 9):
            exif = Image.Exif()
            exif[0x010F], exif[0x0110] = ("FUJIFILM", "X100V") if hour % 2 else ("Apple", "iPhone 15")
            taken_at = f"{name[:4]}:0{day}:14 {hour:02}:30:00"
            shot = {0x9003: taken_at, 0x829A: (1, 250), 0x829D: (2, 1), 0x8827: 400, 0x920A: (23, 1), 0xA405: 35}
            exif.get_ifd(0x8769).update(shot)
            exif.get_ifd(0x8825).update({1: "N", 2: north, 3: "E" if longitude > 0 else "W", 4: east})
            opened = Image.open(folder / picture).convert("RGB")
            opened.save(folder / name / f"IMG_{day}{hour:03}.jpg", exif=exif, quality=90)
            (folder / picture).unlink()
    shutil.copy(folder / "2024" / "Home" / "IMG_4009.jpg", folder / "espresso (1).jpg")
    (folder / "IMG_0042.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")


def make_camera_roll(folder: Path) -> None:
    """Make a folder of many parts of one picture, which takes a while to index."""
    folder.mkdir(parents=True)
    picture = Image.open(next(folder.parent.rglob("hubble_deep_field.jpg")))
    for number in range(240):
        left, top = number % 20 * 30, number // 20 * 40
        picture.crop((left, top, left + 400, top + 300)).save(folder / f"IMG_{number:04}.jpg")


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a folder with a presentable path, which is removed when the block ends."""
    folder = Path(tempfile.gettempdir()) / "lina"
    try:
        folder.mkdir()
    except FileExistsError:
        sys.exit(f"{folder} is in the way, perhaps left by a run that was killed: remove it.")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def serve(library: Library) -> Iterator[str]:
    """Serve `library` on a free port while the block runs; yields the address."""
    ready, application = threading.Event(), build(library)
    with listen("127.0.0.1", 0) as listener:
        server = Server(application, address_of(listener), lambda _: ready.set())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            if not ready.wait(60):
                sys.exit("The server did not start.")
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()


LOADED = """selector => [...document.querySelectorAll(selector)].every(
    (image) => image.naturalWidth > 0 || image.getBoundingClientRect().top > innerHeight)"""
"""Whether all pictures in the window are loaded."""


def show_home(page: Page, camera_roll: Path) -> None:
    """Show the start page with its newest photos, and examples of what it finds."""
    show_results(page, camera_roll)
    page.wait_for_selector(".pg-examples button")


def show_selection(page: Page, camera_roll: Path) -> None:
    """Show some selected photos, and what can be done with them."""
    show_results(page, camera_roll)
    for number in (1, 2, 4):
        page.locator(".pg-tile:visible a").nth(number).focus()
        page.keyboard.press("x")


def show_empty(page: Page, camera_roll: Path) -> None:
    """Show the page of an empty library, where a folder is chosen."""
    page.wait_for_selector(".pg-empty h2")


def show_results(page: Page, camera_roll: Path) -> None:
    """Show results with their thumbnails."""
    page.wait_for_selector(".pg-tile img")
    page.wait_for_function(LOADED, arg=".pg-tile img")


def show_filters(page: Page, camera_roll: Path) -> None:
    """Show results beside the filters."""
    show_results(page, camera_roll)
    page.click(".pg-filter-button")
    page.wait_for_selector(".pg-filters [role=treeitem]")


def show_details(page: Page, camera_roll: Path) -> None:
    """Show the first result large, with its details."""
    show_results(page, camera_roll)
    page.click(".pg-tile a >> nth=0")
    page.wait_for_selector(".pg-details .pg-path")
    page.wait_for_function("() => document.querySelector('.pg-large').naturalWidth > 0")
    page.wait_for_function("() => document.querySelectorAll('.pg-minimap .pg-country').length > 400")


def show_explore(page: Page, camera_roll: Path) -> None:
    """Show what the library holds."""
    page.click(".pg-nav [data-view=explore]")
    page.wait_for_selector(".pg-card img")
    page.wait_for_function(LOADED, arg=".pg-card img")


def show_map(page: Page, camera_roll: Path) -> None:
    """Show where the photos were taken."""
    page.click(".pg-nav [data-view=map]")
    page.wait_for_function("() => document.querySelector('.pg-cluster img')?.naturalWidth > 0")
    page.wait_for_function("() => document.querySelectorAll('.pg-country').length > 400")  # two copies of the world


def show_zoom(page: Page, camera_roll: Path) -> None:
    """Show a part of the first result, enlarged."""
    show_details(page, camera_roll)
    for _ in range(3):
        page.keyboard.press("+")


def show_suggestions(page: Page, camera_roll: Path) -> None:
    """Show what is suggested while a word is typed."""
    page.focus(".pg-query")
    page.keyboard.type("京")
    page.wait_for_selector(".pg-suggest [role=option]")
    page.keyboard.press("ArrowDown")


def show_panel(page: Page, camera_roll: Path) -> None:
    """Show the library panel while a new folder is being indexed."""
    show_results(page, camera_roll)
    page.click(".pg-to-library")
    page.fill(".pg-panel .pg-field", str(camera_roll))
    page.press(".pg-panel .pg-field", "Enter")
    page.wait_for_function("() => document.querySelector('.pg-panel progress').value > 20")
    page.wait_for_selector(".pg-panel .pg-root >> nth=1")
    page.wait_for_function("() => /[1-9١-٩]/.test(document.querySelectorAll('.pg-root-facts')[1].textContent)")


STATES: dict[str, Callable[[Page, Path], None]] = {
    "home": show_home,
    "empty": show_empty,
    "selection": show_selection,
    "found": show_results,
    "filters": show_filters,
    "details": show_details,
    "zoom": show_zoom,
    "explore": show_explore,
    "map": show_map,
    "suggestions": show_suggestions,
    "panel": show_panel,
}


def take_screenshot(browser: Browser, address: str, shot: Shot, camera_roll: Path) -> bytes:
    """Open the page, bring it into the state of `shot`, and return a screenshot as PNG."""
    phone, (width, height) = shot.size == PHONE, shot.size
    with browser.new_context(
        viewport={"width": width, "height": height},
        locale=shot.locale,
        color_scheme="dark" if shot.scheme == "dark" else "light",
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    ) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.wait_for_selector(".pg-library button", state="attached")
        if shot.query:
            page.fill(".pg-query", shot.query)
            page.press(".pg-query", "Enter")
        STATES[shot.state](page, camera_roll)
        page.wait_for_timeout(500)  # until thumbnails are loaded and transitions have ended
        return page.screenshot()


def save(picture: bytes, target: Path) -> None:
    """Write a screenshot as WebP, which has a fifth of the size of the PNG."""
    Image.open(io.BytesIO(picture)).convert("RGB").save(target, quality=80, method=6)
    print(f"{target} {target.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Parse the command line and make the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHOTS))
    parser.add_argument("--into", type=Path, default=TARGET, metavar="DIR")
    options = parser.parse_args()
    names = options.names or list(SHOTS)
    browsers = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, browsers)), None)
    if chromium is None:
        sys.exit("No Chromium here: run scripts/install-chromium.sh.")
    options.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        home_folder = stack.enter_context(temporary_home())
        pictures, camera_roll = home_folder / "Pictures", home_folder / "Camera roll"
        make_collection(pictures)
        make_camera_roll(camera_roll)
        library = stack.enter_context(Library.open(Path(temporary) / "library"))
        library.index([pictures], encoder="lite")
        library.search("warm up")  # so that the page shows the time of a search, without that of loading the encoder
        empty_library = stack.enter_context(Library.open(Path(temporary) / "nothing"))
        address, empty_address = (stack.enter_context(serve(opened)) for opened in (library, empty_library))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        for name in names:
            shot = SHOTS[name]
            picture = take_screenshot(browser, empty_address if shot.is_empty else address, shot, camera_roll)
            save(picture, options.into / f"{name}.webp")
            if shot.state == "panel":
                forget(library, camera_roll)
        browser.close()


def forget(library: Library, folder: Path) -> None:
    """Remove the folder that a shot added, when its index job has ended."""
    while library.is_being_written():
        threading.Event().wait(0.2)
    library.forget(folder)


if __name__ == "__main__":
    main()
