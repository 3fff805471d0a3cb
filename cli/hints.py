"""Hints that a user needs to read once a day: when each was shown is kept in the user's state folder."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import platformdirs

DAY_SECONDS = 86_400.0


def folder() -> Path:
    """Where an empty file for each hint has the time at which it was shown."""
    return Path(platformdirs.user_state_dir("polyglance", appauthor=False)) / "hints"


def is_due(name: str) -> bool:
    """Whether the hint was not shown for a day; it counts as shown then. A folder that cannot be written is no error.

    A time in the future, after the clock was set back, is due too.
    """
    file = folder() / name.replace("/", "%").replace("\\", "%")[:100]
    with contextlib.suppress(OSError, ValueError):
        if 0 <= time.time() - file.stat().st_mtime < DAY_SECONDS:
            return False
    with contextlib.suppress(OSError, ValueError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return True
