"""Searches a second of one web process and of several, with an encoder that sleeps: `serve --processes N`.

    python -m benchmarks.processes [--small] [--processes N] [--searches N]

The encoder sleeps 500 ms for each query, one query at a time in each process, so that the machine's few cores do not
set the limit: what is measured is whether the processes work side by side and the connections spread over them. Every
search has a text of its own, and a connection of its own.
"""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from polyglance.config import Settings
from polyglance.library import Library

from . import sleeping_encoder
from .pictures import photo_like
from .report import parser, publish

SLEEP = 0.5
CLIENTS = 16
"""For each process, so that none is idle."""


@contextmanager
def served(library: Path, environment: Mapping[str, str], *options: str) -> Iterator[tuple[int, psutil.Process]]:
    """Run `polyglance serve` over a library. Gives its port and its process, of which others are children."""
    command = [sys.executable, "-m", "polyglance", "serve", "--port", "0", "--library", str(library), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(environment)) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield int(line.split(" (")[0].rpartition(":")[2]), psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of an answer over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def workers(server: psutil.Process) -> list[psutil.Process]:
    """The processes that serve."""
    return [child for child in server.children() if "spawn_main" in " ".join(child.cmdline())] or [server]


def wait_until_ready(port: int, count: int) -> None:
    """Wait until so many answers in a row say that the process is ready, whichever process gives them."""
    row, end = 0, time.monotonic() + 300
    while row < 5 * count:
        row = row + 1 if get(port, "/readyz")[0] == 200 else 0
        if time.monotonic() > end:
            raise RuntimeError("The server is not ready.")
        time.sleep(0.05 if row else 0.5)


def measure(port: int, searches: int, clients: int) -> dict[str, Any]:
    """Ask `searches` times, `clients` at a time; the rate is that until the first client has nothing more to ask.

    Each client asks at least twice, so that there is an answer by then.
    """
    clients = min(clients, searches // 2)
    numbers, errors = iter(range(searches)), itertools.count()
    times: list[float] = []
    steady: list[tuple[int, float]] = []
    lock, name = threading.Lock(), time.time_ns()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                steady.append((len(times), time.perf_counter()))
                return
            start = time.perf_counter()
            status, _ = get(port, f"/api/v1/search?q=text+{name}+{number}&k=5")
            if status != 200:
                next(errors)
            times.append(time.perf_counter() - start)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answered, end = min(steady, key=lambda each: each[1])
    return {
        "searches_a_second": round(answered / (end - begin), 2),
        "p50_ms": round(1000 * float(np.percentile(times, 50)), 1),
        "p95_ms": round(1000 * float(np.percentile(times, 95)), 1),
        "errors": next(errors),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and publish."""
    options = parser(__doc__)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--searches", type=int, default=200, help="for each process")
    given = options.parse_args(arguments)
    if given.small:
        given.processes, given.searches = 2, 6
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = sleeping_encoder.register(folder / "packages")
        environment["POLYGLANCE_SLEEP"] = "0.01" if given.small else str(SLEEP)
        (folder / "photos").mkdir()
        for number in range(12):
            photo_like(64, 48, number).save(folder / "photos" / f"{number}.png")
        own = sleeping_encoder.SleepingEncoder(0)
        with Library.open(folder / "library", settings=Settings(), encoder=own) as library:
            library.index([folder / "photos"])
        result: dict[str, Any] = {"sleep_ms": 1000 * float(environment["POLYGLANCE_SLEEP"]), "processes": {}}
        for count in (1, given.processes):
            with served(folder / "library", environment, "--processes", str(count)) as (port, server):
                wait_until_ready(port, count)
                figures = measure(port, given.searches * count, CLIENTS * count)
                figures["resident_mb_of_each"] = [round(each.memory_info().rss / 2**20) for each in workers(server)]
            result["processes"][str(count)] = figures
            print(count, figures, file=sys.stderr)
    one, many = (figures["searches_a_second"] for figures in result["processes"].values())
    result["ratio"] = round(many / one, 2)
    result["load_average"] = round(os.getloadavg()[0], 1)
    publish("processes", result, small=given.small)


if __name__ == "__main__":
    main()
