"""The server under load, as a browser and many clients meet it, over a library of many photos.

    python -m benchmarks.serving [--small] [--photos N] [--searches N] [--library FOLDER] [--without-page]

`polyglance serve` runs as a process of its own, with the real lite encoder for every query. The library is filled by
hand, since encoding 20,000 pictures would take minutes and changes nothing here: vectors are lite's own of some words
with noise around them, thumbnails are 500 different JPEGs of 384 x 288 pixels over and over. The index job that runs
meanwhile is a real one. Kept in FOLDER (default: in the folder for temporary files), it is made once.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
from PIL import Image
from polyglance.config import Settings
from polyglance.data.catalog.records import Content, Entry, FileStat
from polyglance.data.pictures.exif import Facts
from polyglance.encoders import registry
from polyglance.library import Library

from .report import parser, peak_mb, publish

WORDS = """
beach,sunset,cat,dog,mountain,city,night,garden,river,snow,horse,train,boat,car,flower,tree,bird,bridge,church,coffee,
猫,雪山,perro,fleur,лошадь,自転車,고양이,قطة,gatto,plage,city at night,a dog on the beach,red car,boats in the harbour
""".replace("\n", "").split(",")
BATCH = 2000
AT_ONCE = 100
PICTURES = 600
"""Of the index job."""
THREADS = 8
SEARCH_BOX = "input[type=search]"
FIRST_THUMBNAIL = """
() => new Promise((done) => {
  const start = performance.now();
  const look = () => {
    const image = [...document.images].find((one) => /thumbnail/.test(one.src) && one.complete && one.naturalWidth);
    if (!image) return requestAnimationFrame(look);
    image.decode().then(() => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))));
  };
  look();
})
"""


def thumbnails(draw: np.random.Generator) -> list[bytes]:
    made = []
    for _ in range(500):
        rough = draw.integers(0, 255, (12, 16, 3), np.uint8)
        target = BytesIO()
        Image.fromarray(rough).resize((384, 288), Image.Resampling.BICUBIC).save(target, "JPEG", quality=82)
        made.append(target.getvalue())
    return made


def fill(folder: Path, photos: int, empty: Path) -> None:
    """Write a library of `photos` that lie in a folder which is there, but hold no files."""
    draw = np.random.default_rng(0)
    settings = Settings()
    lite = registry.create("lite", settings)
    centres = lite.encode_texts(list(WORDS))
    noise = 0.8 * lite.dimension**-0.5
    small = thumbnails(draw)
    with Library.open(folder, settings=settings) as library:
        print_ = lite.fingerprint
        record = library.catalog.encoders.add("lite", print_.digest, lite.dimension, print_.dtype)
        library.catalog.encoders.activate(record.id)
        root = library.catalog.roots.add(os.fsencode(empty))
        for start in range(0, photos, BATCH):
            entries, vectors = [], {}
            for number in range(start, min(start + BATCH, photos)):
                key = number.to_bytes(4, "big") * 8
                vector = centres[number % len(centres)] + noise * draw.normal(size=lite.dimension)
                vectors[key] = (vector / np.linalg.norm(vector)).astype(np.float32)
                taken = f"20{number % 25:02}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:{number % 60:02}:00"
                content = Content(key, 4000, 3000, "JPEG", Facts(taken, f"Camera {number % 7}"))
                place = f"{number % 40}/IMG_{number:05}.jpg".encode()
                entries.append(Entry(root.id, place, FileStat(1, 1, 1), content))
                path = library.thumbnails.path(key)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(small[number % len(small)])
            library.catalog.changes.commit(entries, vectors, record.id)


@contextmanager
def served(library: Path) -> Iterator[tuple[int, psutil.Process]]:
    command = [sys.executable, "-m", "polyglance", "serve", "--port", "0", "--library", str(library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield int(line.split(" (")[0].rpartition(":")[2]), psutil.Process(process.pid)
        finally:
            process.terminate()


def search_for(query: str, count: int = 50) -> str:
    return f"/api/v1/search?q={quote(query)}&k={count}"


def ask(connection: http.client.HTTPConnection, path: str) -> float:
    """Milliseconds until the whole answer is here."""
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took = 1000 * (time.perf_counter() - start)
    if answer.status != 200 or (path.startswith("/api/v1/search") and not json.loads(body)["results"]):
        raise RuntimeError(f"{answer.status}: {body[:200]!r}")
    return took


def queries() -> Iterator[str]:
    """Never the same twice, nor the same text: what is kept would cost nothing."""
    for number in itertools.count():
        first, second = WORDS[number % len(WORDS)], WORDS[number // len(WORDS) % len(WORDS)]
        yield search_for(f"{first}, {second} {number}")


def alone(port: int, asked: Iterator[str], times: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took = [ask(connection, next(asked)) for _ in range(times)]
    connection.close()
    return took


def at_once(port: int, asked: Iterator[str], count: int) -> dict[str, float]:
    """`count` requests that start at one moment, each on a connection of its own, beside one at a time."""
    one = middle(alone(port, asked, count))
    barrier, took, errors = threading.Barrier(count), [], []

    def ask_with_others(path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.connect()
        barrier.wait()
        try:
            took.append(ask(connection, path))
        except Exception as error:  # noqa: BLE001 - counted
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_with_others, args=(next(asked),)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = middle(took, 95)
    return {
        "one_p50_ms": one,
        "errors": len(errors),
        "p50_ms": middle(took),
        "p95_ms": last,
        "ratio": round(last / one, 1),
    }


def memory_over(port: int, process: psutil.Process, asked: Iterator[str], searches: int) -> list[float]:
    """Resident megabytes at ten points of many searches, by several clients."""
    lock, sizes, done = threading.Lock(), [], 0

    def work() -> None:
        nonlocal done
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                if done >= searches:
                    connection.close()
                    return
                done += 1
                if done % (searches // 10) == 0:
                    sizes.append(round(process.memory_info().rss / 1e6, 1))
                path = next(asked)
            ask(connection, path)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sizes


def while_indexing(
    port: int, asked: Iterator[str], folder: Path, pictures: int, idle: Callable[[], list[float]]
) -> dict[str, Any]:
    """Search while an index job of real pictures runs."""
    draw = np.random.default_rng(int(time.time()))
    for number in range(pictures):
        rough = draw.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(rough).resize((1200, 900)).save(folder / f"{number}.jpg")

    def call(method: str, path: str, body: str = "") -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(method, path, body or None, {"Content-Type": "application/json"} if body else {})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    before = idle()
    call("POST", "/api/v1/roots", json.dumps({"path": str(folder)}))
    while not call("GET", "/api/v1/jobs/current")["job"]["done"]:
        time.sleep(0.05)
    took: list[float] = []
    is_running = True
    while is_running and len(took) < 200:
        took += alone(port, asked, 5)
        job = call("GET", "/api/v1/jobs/current")["job"]
        is_running = job["state"] == "running"
    call("DELETE", "/api/v1/jobs/current")
    while call("GET", "/api/v1/jobs/current")["job"]["state"] == "running":
        time.sleep(0.1)
    root = next(each for each in call("GET", "/api/v1/roots")["roots"] if each["path"] == str(folder))
    call("DELETE", f"/api/v1/roots/{root['id']}")
    return {
        "idle_p50_ms": middle(before),
        "indexing_p50_ms": middle(took),
        "ratio": round(middle(took) / middle(before), 2),
        "searches": len(took),
        "pictures_a_second_meanwhile": job["rate"],
    }


def find_browser() -> str | None:
    """Path of a Chromium; None if there is none but perhaps Playwright's own."""
    names = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def page(port: int) -> dict[str, Any]:
    """Milliseconds until the page can be typed into, and from Enter to the first thumbnail on the screen."""
    from playwright.sync_api import sync_playwright

    ready, painted = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"])
        for number in range(12):
            tab = browser.new_context().new_page()
            start = time.perf_counter()
            tab.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
            tab.wait_for_selector(SEARCH_BOX)
            tab.focus(SEARCH_BOX)
            ready.append(1000 * (time.perf_counter() - start))
            tab.wait_for_timeout(300)
            tab.fill(SEARCH_BOX, WORDS[number])
            start = time.perf_counter()
            tab.keyboard.press("Enter")
            tab.evaluate(FIRST_THUMBNAIL)
            painted.append(1000 * (time.perf_counter() - start))
            tab.context.close()
        browser.close()
    return {
        "page_ready_ms": {"first": round(ready[0], 1), "p50": middle(ready), "worst": round(max(ready), 1)},
        "enter_to_first_thumbnail_ms": {"p50": middle(painted), "worst": round(max(painted), 1)},
    }


def middle(values: list[float], at: float = 50) -> float:
    return round(float(np.percentile(values, at)), 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--photos", type=int, default=20_000)
    options.add_argument("--searches", type=int, default=10_000)
    options.add_argument("--library", type=Path, default=Path(tempfile.gettempdir()) / "polyglance-serving")
    options.add_argument("--without-page", action="store_true")
    given = options.parse_args(arguments)
    count, pictures, warm = (AT_ONCE, PICTURES, 200) if not given.small else (4, 3, 4)
    if given.small:
        given.photos, given.searches = 60, 20
    empty = given.library / "photos"
    if not empty.exists():
        empty.mkdir(parents=True)
        fill(given.library / "library", given.photos, empty)
    asked = queries()
    with served(given.library / "library") as (port, process), tempfile.TemporaryDirectory() as folder:
        result: dict[str, Any] = {"photos": given.photos}
        alone(port, asked, min(warm, 30))
        if not given.without_page:
            result |= page(port)
            print(result, file=sys.stderr)
        small = (f"/api/v1/photos/{number}/thumbnail" for number in itertools.count(1))
        result["a_hundred_at_once"] = {
            "searches": at_once(port, asked, count),
            "the_same_search": at_once(port, itertools.repeat(search_for("a cat in a garden")), count),
            "thumbnails": at_once(port, small, count),
            "an_icon": at_once(port, itertools.repeat("/ui/icon.svg"), count),
        }
        result["while_indexing"] = while_indexing(port, asked, Path(folder), pictures, lambda: alone(port, asked, warm))
        print(result, file=sys.stderr)
        result["resident_mb_over_searches"] = {
            "searches": given.searches,
            "at_each_tenth": memory_over(port, process, asked, given.searches),
        }
        result["peak_mb"] = round(peak_mb(process.pid), 1)
    publish("serving", result, small=given.small)


if __name__ == "__main__":
    main()
