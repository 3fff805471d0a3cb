"""The decoding processes that are idle, kept for the next picture."""

from __future__ import annotations

import atexit
import os
import threading
import time

from .process import DecodingProcess, read_niceness
from .worker import IDLE_SECONDS

KEPT_SECONDS = IDLE_SECONDS - 15
"""How long an idle process is used again; it ends by itself a little later."""


class ProcessPool:
    """The idle decoding processes of this process. A forked child starts with none: its parent uses them."""

    def __init__(self) -> None:
        self._idle: list[DecodingProcess] = []
        self._inherited: list[DecodingProcess] = []
        self._lock = threading.Lock()

    def acquire(self) -> DecodingProcess:
        """Return the idle process of this thread's priority that was used last; a new one if there is none."""
        niceness = read_niceness()
        with self._lock:
            ended = [each for each in self._idle if not each.is_alive or _is_expired(each)]
            usable = [each for each in self._idle if each not in ended and each.niceness == niceness]
            process = usable[-1] if usable else None
            self._idle = [each for each in self._idle if each not in ended and each is not process]
        for each in ended:
            each.end()
        return process or DecodingProcess()

    def release(self, process: DecodingProcess) -> None:
        """Keep a process for the next picture; end it if it has died or was killed."""
        if process.is_usable:
            process.idle_since = time.monotonic()
            with self._lock:
                self._idle.append(process)
        else:
            process.end()

    def end_idle(self) -> None:
        """End the idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.end()

    def forget_inherited(self) -> None:
        """Drop the parent's processes after a fork, without ending them."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        self._inherited += self._idle  # kept, because a Popen that is thrown away asks for the state of its process
        self._idle = []


POOL = ProcessPool()

atexit.register(POOL.end_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget_inherited)


def _is_expired(process: DecodingProcess) -> bool:
    return time.monotonic() - process.idle_since > KEPT_SECONDS
