"""Log each message that clients can cause only once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

SECONDS = 60.0


class Repeats(logging.Filter):
    """Drops a message whose template was logged in the last minute; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        now = self._clock()
        last = self._logged.get(str(record.msg))
        if record.exc_info or (last is not None and now - last < SECONDS):
            return bool(record.exc_info)
        self._logged[str(record.msg)] = now
        return True


once_a_minute = Repeats()
