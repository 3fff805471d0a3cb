"""`polyglance doctor`: what this machine and the library are, and what would make them faster or safer.

`reading` and `storage` read `facts`; `advice` turns facts into advice and reads nothing.
"""

from __future__ import annotations

from pathlib import Path

from ...config import Settings
from . import advice, reading
from .advice import Check
from .facts import Facts
from .texts import Advice

__all__ = ["Advice", "Check", "Facts", "examine"]


def examine(folder: Path | None, settings: Settings) -> tuple[Facts, tuple[Check, ...]]:
    """Read the facts of this machine and of the library in `folder` (None: the settings'), and what to make of them.

    Nothing is written, and no library is needed. Libraries that may crash are loaded in processes of their own.
    """
    facts = reading.read(folder or settings.library, settings)
    return facts, advice.checks(facts)
