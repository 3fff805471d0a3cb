"""Limits of memory and processor time of a decoding process."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from ...errors import PictureError

POLL_SECONDS = 0.02
"""How often the memory in use is measured on systems that cannot limit it."""

ADDRESS_SPACE_BESIDE = 150_000_000
"""Address space that a decoder's libraries and the stacks of its threads may take beside the memory that is limited."""

OUT_OF_MEMORY = 70
"""Exit status of a worker that used more memory than it may."""


def too_much_memory(limit: int) -> PictureError:
    """Return the error for a picture that needs more than `limit` bytes of memory."""
    return PictureError(f"could not be decoded: took more than {limit / 1e6:.0f} MB of memory")


class Limits:
    """Limits the memory and processor time that the process may use inside a `with` block."""

    def __init__(self, memory_bytes: int, seconds: float) -> None:
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._over = threading.Event()

    def __enter__(self) -> None:
        if sys.platform == "linux":
            import resource

            set_soft_limit(resource.RLIMIT_AS, _address_space_bytes() + ADDRESS_SPACE_BESIDE + self._memory_bytes)
        else:
            threading.Thread(target=self._watch_memory, args=(_resident_bytes(),), daemon=True).start()
        if sys.platform != "win32":
            import resource

            # In case the process that started this one is killed while a decoder does not end.
            cores = os.cpu_count() or 1
            set_soft_limit(resource.RLIMIT_CPU, int(time.process_time() + self._seconds * cores + 2))

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if sys.platform != "win32":
            import resource

            set_soft_limit(resource.RLIMIT_CPU, resource.RLIM_INFINITY)
        if sys.platform == "linux":
            set_soft_limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)

    def _watch_memory(self, before: int) -> None:
        while not self._over.wait(POLL_SECONDS):
            if _resident_bytes() - before > self._memory_bytes:
                os._exit(OUT_OF_MEMORY)


def set_soft_limit(limit: int, value: int) -> None:
    """Set a limit of this process (`resource.RLIMIT_…`), as far as the hard limit allows."""
    import resource

    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _address_space_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _resident_bytes() -> int:
    import psutil

    size: int = psutil.Process().memory_info().rss
    return size
