"""How far a long action is: indexing, encoding, checking, evaluating, downloading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tick:
    """`done` of `total` files, rows or bytes; of the files done, how many were encoded and how many failed."""

    done: int
    total: int
    encoded: int = 0
    failed: int = 0


class Progress(Protocol):
    """Called now and then during a long action. The action runs in the caller's thread and waits for it."""

    def __call__(self, tick: Tick, /) -> object:
        """Show how far the action is. An exception ends the action."""


def silent(_tick: Tick, /) -> None:
    """Show nothing."""
