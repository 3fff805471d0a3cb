"""Print a result as JSON and keep it in `benchmarks/results/`."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def publish(name: str, result: dict[str, Any]) -> None:
    """Add what the machine is, print, and write `results/NAME.json`."""
    document = {
        "benchmark": name,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        **result,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
