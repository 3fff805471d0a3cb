"""Wrong passwords counted by all worker processes of a server together: a small file that each reads when it changes.

The file is written for a wrong password, and for the first right one from an address: rarely, because a client that has
to wait is not checked at all. Processes that check wrong passwords at the same instant may each let one pass as not yet
counted: with N processes up to N - 1 more guesses than with one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from ... import atomic
from .addresses import client_key
from .attempts import Attempts
from .repeats import once_a_minute

log = logging.getLogger("polyglance.attempts")
log.addFilter(once_a_minute)

FILE = "attempts.json"
PATIENCE_SECONDS = 1.0
"""How long the lock is waited for; then a process counts for itself."""


class SharedAttempts(Attempts):
    """`Attempts` of several processes; `clock` must be the same in all, as that of the machine is."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._file = folder / FILE
        self._lock = filelock.FileLock(folder / "attempts.lock")
        self._version: tuple[int, int] | None = None

    def seconds_to_wait(self, address: str, device: str | None = None) -> float:
        """How long this client has to wait before its next attempt is checked."""
        self._refresh()
        return super().seconds_to_wait(address, device)

    def failed(self, address: str, device: str | None = None) -> None:
        """Note a wrong password."""
        with self._changing():
            super().failed(address, device)

    def succeeded(self, address: str) -> None:
        """Note the right password."""
        if client_key(address) not in self._known:
            with self._changing():
                super().succeeded(address)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock, know what the others have noted, and write what this process notes in the block."""
        with contextlib.ExitStack() as stack:
            try:
                self._lock.acquire(timeout=PATIENCE_SECONDS)
                stack.callback(self._lock.release)
            except (filelock.Timeout, OSError) as error:
                log.warning("Wrong passwords are counted by each process for itself: %s", error)
            self._refresh()
            yield
            self._write()

    def _refresh(self) -> None:
        try:
            status = self._file.stat()
            version = (status.st_ino, status.st_mtime_ns)
            if version == self._version:
                return
            document = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return  # nobody has written it yet
        self._version = version
        self._wrong = OrderedDict((client, (count, last)) for client, count, last in document["wrong"])
        self._known = OrderedDict.fromkeys(document["known"])
        count, last = document["strangers"]
        self._strangers = (count, last)

    def _write(self) -> None:
        document = {
            "wrong": [[client, *wrong] for client, wrong in self._wrong.items()],
            "known": list(self._known),
            "strangers": self._strangers,
        }
        try:
            with atomic.whole_file(self._file, durable=False) as temporary:
                temporary.write_text(json.dumps(document), encoding="utf-8")
        except OSError as error:
            log.warning("Wrong passwords are counted by each process for itself: %s", error)
