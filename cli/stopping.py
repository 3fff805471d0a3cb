"""Ctrl-C and SIGTERM: the batch in hand is finished and kept, and the process ends within seconds."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from .. import priority
from ..errors import Stopped

if TYPE_CHECKING:
    from ..indexer.run.stop import Stop

PATIENCE_SECONDS = 4.0
"""After this time the process ends by force, in case a disk hangs. Every commit is a transaction, so nothing breaks."""


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Give a `Stop` that the first signal asks; a second signal, or PATIENCE_SECONDS, ends the process.

    What can be stopped takes long, so the process has a low priority from here on.
    """
    from ..indexer.run.stop import Stop

    priority.give_way_in_own_process()
    stop = Stop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.asked or not stop.is_observed:
            raise KeyboardInterrupt
        stop.ask()
        timer = threading.Timer(PATIENCE_SECONDS, _end_by_force)
        timer.daemon = True
        timer.start()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_by_force() -> None:
    sys.stderr.write(f"Error: {Stopped().message}\n")
    sys.stderr.flush()
    os._exit(1)
