"""Rescan of unchanged files against `find -printf` over the same tree, in turn in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from polyglance import Library
from polyglance.data.catalog.records import Content, Entry
from polyglance.data.pictures.exif import Facts
from polyglance.data.vectors import index_files
from polyglance.indexer.disk.scan import scan

from . import clustered
from .report import parser, peak_mb, publish

FILES, A_FOLDER, ROUNDS = 100_000, 200, 7
SMALL_FILES, SMALL_ROUNDS = 400, 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Build a tree and a catalog that knows it, then measure; `open` is watched through an audit hook.

    With `--once LIBRARY FOLDER`: rescan once, and print this process's peak in MB.
    """
    options = parser(__doc__)
    options.add_argument("--files", type=int)
    options.add_argument("--once", nargs=2, metavar=("LIBRARY", "FOLDER"))
    given = options.parse_args(arguments)
    if given.once:
        with Library.open(given.once[0]) as library:
            library.index([given.once[1]])
        print(peak_mb())
        return
    files = given.files or (SMALL_FILES if given.small else FILES)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        build(photos, files)
        with Library.open(Path(folder) / "library") as library:
            seconds_first = know(library, photos)
            opened = watch_opens(os.fsencode(photos))
            find, ours, cpu = [], [], []
            for _ in range(SMALL_ROUNDS if given.small else ROUNDS):
                start = time.perf_counter()
                subprocess.run(["find", photos, "-printf", "%p %s %T@ %i\n"], stdout=subprocess.DEVNULL, check=True)
                find.append(time.perf_counter() - start)
                start, start_cpu = time.perf_counter(), time.process_time()
                report = library.index([photos])
                ours.append(time.perf_counter() - start)
                cpu.append(time.process_time() - start_cpu)
                assert report.tally.unchanged == files
        command = [sys.executable, "-m", "benchmarks.rescan", "--once", str(Path(folder) / "library"), str(photos)]
        peak = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    ratios = [a / b for a, b in zip(ours, find, strict=True)]
    publish(
        "rescan",
        {
            "files": files,
            "files_opened": len(opened),
            "find_seconds": round(statistics.median(find), 4),
            "rescan_seconds": round(statistics.median(ours), 4),
            "rescan_cpu_seconds": round(statistics.median(cpu), 4),
            "snapshot_seconds": round(seconds_first, 1),
            "peak_mb": round(peak),
            "times_find": {
                "min": round(min(ratios), 2),
                "median": round(statistics.median(ratios), 2),
                "max": round(max(ratios), 2),
            },
        },
        small=given.small,
    )


def build(photos: Path, files: int) -> None:
    """Make `files` files that are called like pictures, A_FOLDER in each folder."""
    for number in range(files):
        target = photos / f"{number // A_FOLDER:03}"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"IMG_{number:06}.jpg").write_bytes(b"x")


def know(library: Library, photos: Path) -> float:
    """Enter the files as photos, as if they had been encoded, and write the snapshot; return the seconds of the latter.

    Vectors are those of `clustered`, each one another: of equal ones no library has many.
    """
    (photos.parent / "none").mkdir()
    library.index([photos.parent / "none"], encoder="lite")  # decides the encoder
    active = library.catalog.encoders.active()
    assert active is not None
    root = library.catalog.roots.add(os.fsencode(photos))
    files = list(scan(os.fsencode(photos)).files.items())
    world = clustered.world(len(files), active.dimension)
    for start in range(0, len(files), 1000):
        part = files[start : start + 1000]
        keys = [number.to_bytes(32, "big") for number in range(start, start + len(part))]
        entries = [
            Entry(root.id, path, stat, Content(key, 1, 1, "JPEG", Facts()))
            for key, (path, stat) in zip(keys, part, strict=True)
        ]
        library.catalog.changes.commit(entries, dict(zip(keys, world.photos(len(part), start), strict=True)), active.id)
    begun = time.perf_counter()
    index_files.save_if_stale(library.catalog, active)
    return time.perf_counter() - begun


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
