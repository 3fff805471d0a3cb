"""What all benchmarks share: their option `--small`, memory of this process, and how a result is printed and kept."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option `--small`."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--small", action="store_true", help="sizes that take seconds; the result is not kept")
    return made


def publish(name: str, result: dict[str, Any], *, small: bool = False) -> None:
    """Print the result with what the machine is, and write `results/NAME.json` unless the run was small."""
    document = {
        "benchmark": name,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        **result,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if not small:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def peak_mb(process: int | str = "self") -> float:
    """Highest resident memory of a process (Linux), in MB.

    Not `ru_maxrss`: a child process begins with its parent's.
    """
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
