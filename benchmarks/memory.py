"""Peak memory of indexing 500 and 5,000 photos, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from polyglance import Library

from .pictures import write_photos
from .report import parser, peak_mb, publish

COUNTS, SIZE = (500, 5000), (2000, 1500)
SMALL = (1, 3), (200, 150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure. With `--index LIBRARY FOLDER`: index, and print this process's peak in MB."""
    options = parser(__doc__)
    options.add_argument("--index", nargs=2, metavar=("LIBRARY", "FOLDER"))
    given = options.parse_args(arguments)
    if given.index:
        print(index(*given.index))
        return
    counts, (width, height) = SMALL if given.small else (COUNTS, SIZE)
    with tempfile.TemporaryDirectory() as folder:
        measure = index if given.small else index_in_a_child  # the peak of a small run says nothing
        peaks = {count: peak(measure, Path(folder), count, width, height) for count in counts}
    publish(
        "memory",
        {
            "pixels": f"{width} x {height}",
            "peak_mb": {str(count): round(value) for count, value in peaks.items()},
            "growth_mb": round(peaks[counts[1]] - peaks[counts[0]]),
        },
        small=given.small,
    )


def peak(measure: Callable[[str, str], float], folder: Path, count: int, width: int, height: int) -> float:
    """Peak resident memory, in MB, of a process that indexes `count` photos."""
    photos = folder / f"photos{count}"
    write_photos(photos, count, width, height)
    return measure(str(folder / f"library{count}"), str(photos))


def index(library: str, photos: str) -> float:
    """Index a folder in this process; return its peak in MB."""
    with Library.open(library) as opened:
        opened.index([photos], encoder="lite")
    return peak_mb()


def index_in_a_child(library: str, photos: str) -> float:
    """Index a folder in a process of its own; return its peak in MB."""
    command = [sys.executable, "-m", "benchmarks.memory", "--index", library, photos]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
