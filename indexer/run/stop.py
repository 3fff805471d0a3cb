"""A wish to end, which work in hand is finished before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Asked for from a signal handler or another thread, seen by whoever works; `wake` ends any waiting."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        self._asked = False
        self._holding = 0

    @property
    def asked(self) -> bool:
        """Whether the work should end now."""
        return self._asked

    @property
    def is_held(self) -> bool:
        """Whether someone is working who will see the wish and end in good order."""
        return self._holding > 0

    def ask(self) -> None:
        """Ask for the end."""
        self._asked = True
        self.wake.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """While this lasts the holder looks at `asked`; outside of it, an interrupt may come at any point."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
