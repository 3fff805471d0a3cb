"""What the watching process tells the others: a small JSON file in the library, replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .catalog import locks

FILE = "watch.json"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one root is watched: "native", "partly", "polling" or "offline", and in `note` why, if not natively."""

    root_id: int
    how: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class WatchState:
    """The process that watches a library, and how each root is."""

    process: int
    roots: tuple[Coverage, ...]


def publish(folder: Path, roots: Sequence[Coverage]) -> None:
    """Tell how the roots are watched by this process."""
    document = {"process": os.getpid(), "roots": [asdict(root) for root in roots]}
    temporary = folder / f".{FILE}.part"
    temporary.write_text(json.dumps(document))
    temporary.replace(folder / FILE)


def read(folder: Path) -> WatchState | None:
    """Who watches the library now; None if nobody does."""
    if not locks.is_watched(folder):
        return None
    try:
        document = json.loads((folder / FILE).read_text())
        return WatchState(document["process"], tuple(Coverage(**root) for root in document["roots"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it has only just started
