"""Draw the page: index the demo's sample with the lite encoder, serve it, and photograph it with Chromium.

python scripts/screenshot.py              docs/screenshot.png
python scripts/screenshot.py --all DIR    light, dark, phone, Arabic, details, an empty library, into DIR
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from polyglance.data.sample import copy_sample
from polyglance.library import Library
from polyglance.ui.server import Server, address_of, build, listen

TARGET = Path(__file__).resolve().parents[1] / "docs" / "screenshot.png"
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass(frozen=True)
class Shot:
    """One picture of the page; sizes in CSS pixels."""

    query: str = ""
    scheme: str = "light"
    width: int = 1280
    height: int = 800
    details: bool = False
    similar: bool = False
    empty: bool = False


SHOTS = {
    "light": Shot("オートバイ"),
    "dark": Shot("コーヒー", scheme="dark"),
    "arabic": Shot("دراجة نارية"),
    "start": Shot(),
    "start-dark": Shot(scheme="dark"),
    "details": Shot("cat", details=True),
    "details-dark": Shot("rocket", scheme="dark", details=True),
    "similar": Shot("motocicleta", similar=True),
    "phone": Shot("кофе", width=390, height=844),
    "phone-start": Shot(width=390, height=844),
    "phone-details": Shot("fusée", scheme="dark", width=390, height=844, details=True),
    "empty": Shot(empty=True),
}


@contextlib.contextmanager
def served(library: Library) -> Iterator[str]:
    """Serve `library` on a free port while the block runs; gives the address."""
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


def draw(browser: Browser, address: str, shot: Shot, target: Path) -> None:
    """Open the page, do what `shot` says, and write `target`."""
    phone = shot.width < 600
    with browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        has_touch=phone,
        is_mobile=phone,
        device_scale_factor=2 if phone else 1,
    ) as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".pg-library p", state="attached")
        if shot.query:
            search(page, shot)
        page.wait_for_timeout(400)  # for the last frame of a transition
        page.screenshot(path=target)
    print(target)


def search(page: Page, shot: Shot) -> None:
    """Search, wait for the thumbnails in sight, and open the first photo if asked to."""
    page.fill(".pg-query", shot.query)
    page.press(".pg-query", "Enter")
    page.wait_for_function("document.querySelector('.pg-tile img')?.naturalWidth > 0")
    if shot.details or shot.similar:
        page.click(".pg-tile >> nth=0")
        page.wait_for_selector(".pg-actions")
        page.wait_for_function("document.querySelector('.pg-large').naturalWidth > 0")
    if shot.similar:
        page.click(".pg-primary")
        page.wait_for_selector(".pg-like img")
    page.wait_for_load_state("networkidle")


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="DIR", help="write every variant into DIR instead")
    folder: Path | None = parser.parse_args().all
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium here: run scripts/install-chromium.sh.")
    targets = {"light": TARGET} if folder is None else {name: folder / f"{name}.png" for name in SHOTS}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        pictures = Path(temporary) / "Pictures"
        copy_sample(pictures)
        full = stack.enter_context(Library.open(Path(temporary) / "library"))
        full.index([pictures], encoder="lite")
        full.search("warm up")  # the page is to show what a search takes, not what loading takes
        nothing = stack.enter_context(Library.open(Path(temporary) / "nothing"))
        addresses = {library: stack.enter_context(served(library)) for library in (full, nothing)}
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        for name, target in targets.items():
            draw(browser, addresses[nothing if SHOTS[name].empty else full], SHOTS[name], target)
        browser.close()


if __name__ == "__main__":
    main()
