"""Work that gives way: indexing leaves the processors to whoever waits for an answer."""

from __future__ import annotations

import os
import sys
import threading

NICENESS = 10
"""Of 19. At 5 a search beside an index run took 1.9 times what it takes on an idle machine, at 10 it took 1.4 times,
without 2.8 times (`benchmarks/serving.py`, two cores). Alone on the machine, all are as fast."""


def give_way() -> None:
    """Lower the priority of this thread, and of those that it starts from now on. For good: Linux lets none rise again.

    Elsewhere a priority is the whole process's, searches included, so it stays as it is.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
        os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
