"""Asking a run to stop after the batch in hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """A request to stop. A signal handler or another thread asks; the run looks at `asked`; `wake` ends its waiting."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        self._asked = False
        self._observers = 0

    @property
    def asked(self) -> bool:
        """Whether the work should end now."""
        return self._asked

    @property
    def is_observed(self) -> bool:
        """Whether a run is under way that looks at `asked` and ends in good order."""
        return self._observers > 0

    def ask(self) -> None:
        """Ask the run to stop."""
        self._asked = True
        self.wake.set()

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Inside this block the caller looks at `asked`. Outside of it, an interrupt may end the process anywhere."""
        self._observers += 1
        try:
            yield
        finally:
            self._observers -= 1
