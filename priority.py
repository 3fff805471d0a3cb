"""Lower priority for indexing, so that searches go first."""

from __future__ import annotations

import os
import sys
import threading

NICENESS = 10
"""0 is normal, 19 the lowest priority. Beside an index run a search took 2.8 times as long as on an idle machine at 0,
1.9 times at 5, and 1.4 times at 10 (`benchmarks/serving.py`, two cores). Alone, an index run is as fast at each."""


is_own_process = False
"""Whether this process runs one command and then ends. `__main__` sets it."""


def give_way_in_own_process() -> None:
    """Lower the priority of a process that runs one command; leave that of others, which do more, as it is."""
    if is_own_process:
        give_way()


def give_way() -> None:
    """Lower the priority of this thread and of the threads that it starts, for as long as they live.

    This works on Linux. On other systems the priority belongs to the whole process, searches included, and stays.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
        os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
