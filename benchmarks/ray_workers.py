"""Pictures a second of one, two and four workers of Ray, with an encoder that sleeps: `index --workers`.

    python -m benchmarks.ray_workers [--small] [--workers N …] [--pictures N]

The encoder sleeps 400 ms for each picture, so that the machine's few cores do not set the limit: what is measured is
whether the workers are kept busy side by side. The cluster has a raylet for each worker. A rate is that of the middle
of a run, in which all workers have started and none is idle for want of files; `whole_run_seconds` has all of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polyglance.config import Settings
from polyglance.library import Library
from polyglance.progress import Tick

from . import ray_cluster
from .pictures import photo_like
from .report import parser, publish
from .sleeping_encoder import SleepingEncoder

SLEEP = 0.4
MIDDLE = (0.3, 0.9)
"""The part of a run that is measured, as shares of its pictures."""


def measure(folder: Path, photos: Path, url: str, sleep: float) -> dict[str, Any]:
    """Index `photos` into a new library in `folder`, by the workers at `url`."""
    ticks: list[tuple[float, int]] = []

    def note(tick: Tick) -> None:
        ticks.append((time.perf_counter(), tick.done))

    settings = Settings(library=folder, workers=url, batch_size=2)
    start = time.perf_counter()
    with Library.open(folder, settings=settings, encoder=SleepingEncoder(0, sleep)) as library:
        report = library.index([photos], progress=note)
    count = report.tally.added
    first, *_, last = [tick for tick in ticks if MIDDLE[0] * count <= tick[1] <= MIDDLE[1] * count]
    return {
        "pictures": count,
        "pictures_a_second": round((last[1] - first[1]) / (last[0] - first[0]), 2),
        "whole_run_seconds": round(time.perf_counter() - start, 1),
        "failed": len(report.tally.failures),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options.add_argument("--pictures", type=int, default=100, help="for each worker")
    given = options.parse_args(arguments)
    sleep = SLEEP
    if given.small:
        given.workers, given.pictures, sleep = [1, 2], 20, 0.05
    result: dict[str, Any] = {"sleep_ms": 1000 * sleep, "workers": {}}
    root = str(Path(__file__).parents[1])  # the workers have to find the encoder
    with (
        tempfile.TemporaryDirectory() as temporary,
        ray_cluster.running(max(given.workers), PYTHONPATH=root) as cluster,
    ):
        folder = Path(temporary)
        for count in given.workers:
            photos = folder / f"photos {count}"
            photos.mkdir()
            for number in range(given.pictures * count):
                photo_like(64, 48, number).save(photos / f"{number}.png")
            figures = measure(folder / f"library {count}", photos, f"{cluster.url}?workers={count}", sleep)
            result["workers"][str(count)] = figures
            print(count, figures, file=sys.stderr)
    one = result["workers"][str(min(given.workers))]["pictures_a_second"]
    for count, figures in result["workers"].items():
        figures["of_linear"] = round(figures["pictures_a_second"] / (one * int(count) / min(given.workers)), 2)
    result["load_average"] = round(os.getloadavg()[0], 1)
    publish("ray_workers", result, small=given.small)


if __name__ == "__main__":
    main()
