"""100,000 files under `polyglance watch`: what it costs when nothing happens, one change, and a renamed folder."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from polyglance import Library
from polyglance.data import watch_state

from .pictures import photo_like
from .report import parser, publish
from .rescan import A_FOLDER, FILES, build, know

ROUNDS, REST_SECONDS, IDLE_SECONDS = 11, 5.0, 60.0
SMALL_FILES, SMALL_ROUNDS, SMALL_SECONDS = 800, 1, 0.2


def main(arguments: Sequence[str] | None = None) -> None:
    """Build a tree and a catalog that knows it, watch it with lite in a child, and search in this process."""
    small = parser(__doc__).parse_args(arguments).small
    files, rounds = (SMALL_FILES, SMALL_ROUNDS) if small else (FILES, ROUNDS)
    rest, idle_seconds = (SMALL_SECONDS, SMALL_SECONDS) if small else (REST_SECONDS, IDLE_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        build(photos / "all", files)
        with Library.open(Path(folder) / "library") as library:
            know(library, photos)
            command = [sys.executable, "-m", "polyglance", "watch", "--library", str(library.folder)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
                try:
                    start = time.perf_counter()
                    wait(lambda: is_watched(library), pause=0.2)
                    started = time.perf_counter() - start
                    process = psutil.Process(child.pid)
                    change(library, photos, 0, files)  # the first one loads the encoder
                    seconds = [change(library, photos, number, files) for number in range(1, rounds + 1)]
                    idle = busy_seconds(process, rest, idle_seconds)
                    resident = process.memory_info().rss / 2**20
                    renamed, encoded = rename(library, photos, files)
                finally:
                    child.terminate()
    publish(
        "watching",
        {
            "files": files,
            "seconds_until_watched": round(started, 1),
            "change_to_findable_seconds": {
                "min": round(min(seconds), 2),
                "median": round(statistics.median(seconds), 2),
                "max": round(max(seconds), 2),
            },
            "idle": {"seconds": idle_seconds, "cpu_seconds": round(idle, 3), "resident_mb": round(resident)},
            "renamed_folder": {"seconds": round(renamed, 1), "encoded": encoded},
        },
        small=small,
    )


def is_watched(library: Library) -> bool:
    """Whether every root is, by events."""
    state = watch_state.read(library.folder)
    return state is not None and bool(state.roots) and all(root.how == "native" for root in state.roots)


def change(library: Library, photos: Path, number: int, files: int) -> float:
    """Seconds from the closing of one changed file until a search in this process finds it as it is now."""
    folder = 37 * number % (files // A_FOLDER)
    file = photos / "all" / f"{folder:03}" / f"IMG_{folder * A_FOLDER:06}.jpg"
    photo_like(1200, 800, 100 + number).save(file)
    closed = time.perf_counter()
    content_hash = hashlib.sha256(file.read_bytes()).digest()
    wait(lambda: any(found.photo.content_hash == content_hash for found in library.similar(file, 3).results))
    return time.perf_counter() - closed


def busy_seconds(process: psutil.Process, rest: float, seconds: float) -> float:
    """CPU seconds that a process uses within `seconds` in which nothing happens, after `rest` seconds."""
    time.sleep(rest)
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system)


def rename(library: Library, photos: Path, files: int) -> tuple[float, int]:
    """(seconds until the catalog has every photo under its new path, pictures encoded for it)."""
    root = library.catalog.roots.all(counted=False)[-1]
    active = library.catalog.encoders.active()
    assert active is not None
    before = set(library.catalog.vectors.ids(active.id).tolist())
    ids = {known.photo_id for known in library.catalog.photos.known(root.id).values()}
    start = time.perf_counter()
    os.rename(photos / "all", photos / "renamed")
    wait(lambda: len(library.catalog.photos.known(root.id, b"renamed")) == files, pause=0.5)
    seconds = time.perf_counter() - start
    assert {known.photo_id for known in library.catalog.photos.known(root.id).values()} == ids
    return seconds, len(set(library.catalog.vectors.ids(active.id).tolist()) - before)


def wait(condition: Callable[[], object], pause: float = 0.02, seconds: float = 300.0) -> None:
    """Until it is so. Raises TimeoutError."""
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError
        time.sleep(pause)


if __name__ == "__main__":
    main()
