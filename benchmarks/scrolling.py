"""The start page over many photos: how soon it shows them, how quickly a press on the years does, how it scrolls.

    python -m benchmarks.scrolling [--small] [--photos N] [--library FOLDER]

The library is filled as that of `serving` is, and served by a process of its own. Frames are those of Chromium's own
trace while a gesture scrolls at a constant speed; headless Chromium draws without a GPU.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .report import parser, publish
from .serving import fill, find_browser, middle, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

SPEED = 2400
"""CSS pixels a second: three windows."""
IN_PLACE = """
() => new Promise((done) => {
  const start = performance.now();
  const isInSight = (image) => {
    const box = image.getBoundingClientRect();
    return box.bottom > 90 && box.top < innerHeight;
  };
  const look = () => {
    const images = [...document.querySelectorAll('.pg-timeline .pg-tile img')].filter(isInSight);
    if (!images.some((image) => image.complete && image.naturalWidth)) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  };
  requestAnimationFrame(look);
})
"""


def start_page(browser: Browser, address: str, times: int) -> dict[str, Any]:
    """Milliseconds until the first thumbnails are painted: in a fresh browser, and again from its cache."""
    cold: list[float] = []
    again: list[float] = []
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        page = context.new_page()
        for figures in (cold, again):
            start = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.wait_for_function("() => document.querySelector('.pg-timeline .pg-tile img')?.naturalWidth > 0")
            figures.append(1000 * (time.perf_counter() - start))
        context.close()
    return {"cold_ms": middle(cold), "from_cache_ms": middle(again)}


def jumps(page: Page, times: int) -> dict[str, float]:
    """Milliseconds from a press on the scrubber to the first thumbnails of that place."""
    box = page.locator(".pg-scrubber").bounding_box()
    assert box is not None
    took = []
    for number in range(times):
        page.mouse.move(box["x"] + 30, box["y"] + box["height"] * ((0.37 * number + 0.21) % 0.96))
        start = time.perf_counter()
        page.mouse.down()
        page.evaluate(IN_PLACE)
        took.append(1000 * (time.perf_counter() - start))
        page.mouse.up()
        page.wait_for_timeout(400)
    return {"p50_ms": middle(took), "worst_ms": round(max(took), 1)}


def scroll(browser: Browser, page: Page, distance: int) -> dict[str, Any]:
    """Frames while the page scrolls down by `distance` CSS pixels."""
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.wait_for_timeout(1500)
    tracing, target = browser.new_browser_cdp_session(), page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    tracing.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    categories = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame", "toplevel"]
    tracing.send("Tracing.start", {"traceConfig": {"includedCategories": categories}, "transferMode": "ReportEvents"})
    start = time.perf_counter()
    gesture = {"x": 600, "y": 500, "yDistance": -distance, "speed": SPEED, "gestureSourceType": "mouse"}
    target.send("Input.synthesizeScrollGesture", gesture)
    seconds = time.perf_counter() - start
    _end(tracing, page)
    drawn = sorted(event["ts"] / 1000 for event in events if event["name"] == "DrawFrame")
    gaps = [after - before for before, after in itertools.pairwise(drawn)]
    tasks = [event["dur"] / 1000 for event in events if event["name"] == "RunTask" and event.get("dur", 0) > 50_000]
    return {
        "pixels": page.evaluate("scrollY"),
        "seconds": round(seconds, 1),
        "frames_a_second": round(len(drawn) / seconds, 1),
        "dropped_frames": sum(event["name"] == "DroppedFrame" for event in events),
        "ms_between_frames": {"p50": middle(gaps), "p95": middle(gaps, 95), "worst": round(max(gaps), 1)},
        "tasks_above_50_ms": len(tasks),
        "longest_task_ms": round(max(tasks, default=0), 1),
        "elements": page.evaluate("document.querySelectorAll('.pg *').length"),
    }


def _end(tracing: CDPSession, page: Page) -> None:
    done: list[object] = []
    tracing.on("Tracing.tracingComplete", lambda event: done.append(event))
    tracing.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    from playwright.sync_api import sync_playwright

    options = parser(__doc__)
    options.add_argument("--photos", type=int, default=10_000)
    options.add_argument("--library", type=Path, default=Path(tempfile.gettempdir()) / "polyglance-scrolling")
    given = options.parse_args(arguments)
    times, distance = (8, 40_000) if not given.small else (1, 1500)
    if given.small:
        given.photos = 300
    empty = given.library / "photos"
    if not empty.exists():
        empty.mkdir(parents=True)
        fill(given.library / "library", given.photos, empty)
    with served(given.library / "library") as (port, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        address = f"http://127.0.0.1:{port}/"
        result: dict[str, Any] = {"photos": given.photos, "start_page": start_page(browser, address, times)}
        page = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True).new_page()
        page.goto(address)
        page.wait_for_selector(".pg-scrubber:not([hidden])", state="attached")
        result["jump_to_a_year"] = jumps(page, 3 * times)
        result["scrolling"] = scroll(browser, page, distance)
        browser.close()
    publish("scrolling", result, small=given.small)


if __name__ == "__main__":
    main()
