"""Rescan of unchanged files against `find -printf` over the same tree, in turn in one run."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from polyglance import Library
from polyglance.data.catalog.records import Content, Entry
from polyglance.data.pictures.exif import Facts
from polyglance.indexer.disk.scan import scan

from .report import publish

FILES, A_FOLDER, ROUNDS = 100_000, 200, 7


def main() -> None:
    """Build a tree and a catalog that knows it, then measure; `open` is watched through an audit hook.

    With LIBRARY and FOLDER: rescan once, and print this process's peak in MB.
    """
    if len(sys.argv) == 3:
        with Library.open(sys.argv[1]) as library:
            library.index([sys.argv[2]])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        build(photos, FILES)
        with Library.open(Path(folder) / "library") as library:
            know(library, photos)
            opened = watch_opens(os.fsencode(photos))
            find, ours = [], []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                subprocess.run(["find", photos, "-printf", "%p %s %T@ %i\n"], stdout=subprocess.DEVNULL, check=True)
                find.append(time.perf_counter() - start)
                start = time.perf_counter()
                report = library.index([photos])
                ours.append(time.perf_counter() - start)
                assert report.tally.unchanged == FILES
        command = [sys.executable, "-m", "benchmarks.rescan", str(Path(folder) / "library"), str(photos)]
        peak = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    ratios = [a / b for a, b in zip(ours, find, strict=True)]
    publish(
        "rescan",
        {
            "files": FILES,
            "files_opened": len(opened),
            "find_seconds": round(statistics.median(find), 4),
            "rescan_seconds": round(statistics.median(ours), 4),
            "peak_mb": round(peak),
            "times_find": {
                "min": round(min(ratios), 2),
                "median": round(statistics.median(ratios), 2),
                "max": round(max(ratios), 2),
            },
        },
    )


def build(photos: Path, files: int) -> None:
    """Make `files` files that are called like pictures, A_FOLDER in each folder."""
    for number in range(files):
        target = photos / f"{number // A_FOLDER:03}"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"IMG_{number:06}.jpg").write_bytes(b"x")


def know(library: Library, photos: Path) -> None:
    """Enter the files as photos, as if they had been encoded."""
    (photos.parent / "none").mkdir()
    library.index([photos.parent / "none"], encoder="lite")  # decides the encoder
    active = library.catalog.encoders.active()
    assert active is not None
    root = library.catalog.roots.add(os.fsencode(photos))
    vector = np.full(active.dimension, active.dimension**-0.5, np.float32)
    found = list(scan(os.fsencode(photos)).files.items())
    for start in range(0, len(found), 1000):
        keys = [number.to_bytes(32, "big") for number in range(start, start + len(found[start : start + 1000]))]
        entries = [
            Entry(root.id, path, stat, Content(key, 1, 1, "JPEG", Facts()))
            for key, (path, stat) in zip(keys, found[start : start + 1000], strict=True)
        ]
        library.catalog.changes.commit(entries, dict.fromkeys(keys, vector), active.id)


def watch_opens(below: bytes) -> list[object]:
    """Collect what this process opens below a folder from now on."""
    seen: list[object] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[0], (str, bytes)) and os.fsencode(args[0]).startswith(below + b"/"):
            seen.append(args[0])

    sys.addaudithook(hook)
    return seen


if __name__ == "__main__":
    main()
