"""The state of the watching process, for other processes: a small JSON file in the library, replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import atomic
from .catalog import locks

FILE = "watch.json"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one root is watched: "native", "partly", "polling" or "offline"; `note` says why it is not "native"."""

    root_id: int
    how: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class WatchState:
    """The process that watches a library, and how it watches each root."""

    process: int
    roots: tuple[Coverage, ...]


def publish(folder: Path, roots: Sequence[Coverage]) -> None:
    """Write how this process watches the roots. Raises OSError."""
    document = {"process": os.getpid(), "roots": [asdict(root) for root in roots]}
    atomic.remove_leftovers(folder / FILE)
    with atomic.whole_file(folder / FILE, durable=False) as temporary:
        temporary.write_text(json.dumps(document))


def read(folder: Path) -> WatchState | None:
    """Return the state of the process that watches the library; None if no process does."""
    if not locks.is_watched(folder):
        return None
    try:
        document = json.loads((folder / FILE).read_text())
        return WatchState(document["process"], tuple(Coverage(**root) for root in document["roots"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the process has not written it yet
