"""Peak memory of indexing 500 and 5,000 photos, each in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from polyglance import Library

from .pictures import write_photos
from .report import publish

FEW, MANY = 500, 5000


def main() -> None:
    """Without arguments: measure. With LIBRARY and FOLDER: index, and print this process's peak in MB."""
    if len(sys.argv) == 3:
        with Library.open(sys.argv[1]) as library:
            library.index([sys.argv[2]], encoder="lite")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        peaks = {count: peak(Path(folder), count) for count in (FEW, MANY)}
    publish(
        "memory",
        {
            "pixels": "2000 x 1500",
            "peak_mb": {str(count): round(value) for count, value in peaks.items()},
            "growth_mb": round(peaks[MANY] - peaks[FEW]),
        },
    )


def peak(folder: Path, count: int) -> float:
    """Peak resident memory, in MB, of a process that indexes `count` photos."""
    photos = folder / f"photos{count}"
    write_photos(photos, count, 2000, 1500)
    command = [sys.executable, "-m", "benchmarks.memory", str(folder / f"library{count}"), str(photos)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
