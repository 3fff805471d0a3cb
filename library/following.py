"""Sending vectors to the engine that the setting `vectors` names, while a process writes and when it is done."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from ..data.vectors import stores
from ..errors import LibraryBusy, LibraryError
from ..indexer.run.stop import Stop
from .parts import Parts

log = logging.getLogger("polyglance")

PAUSE_SECONDS = 1.0
"""How long a committed batch waits at most before it is sent: so soon others find what was indexed."""

END_SECONDS = 5.0
"""How long the end of a write waits for the batch that is being sent."""


@contextlib.contextmanager
def following(parts: Parts) -> Iterator[None]:
    """Inside, what this process commits is sent to the engine within PAUSE_SECONDS; nothing happens with FAISS.

    An engine that does not answer never fails a write: the catalog has everything, and the next follower sends it.
    """
    if not parts.vectors:
        yield
        return
    over = threading.Event()

    def follow() -> None:
        generation = parts.catalog.generation()
        while not over.wait(PAUSE_SECONDS):
            if parts.catalog.generation() != generation and _sent(parts, over.is_set):
                generation = parts.catalog.generation()

    thread = threading.Thread(target=_quietly, args=(follow,), name="polyglance-following", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(END_SECONDS)


def send(parts: Parts, stop: Stop | None = None) -> None:
    """Send everything that the engine lacks. Says so, and goes on, if it does not answer. Raises Stopped."""
    try:
        _send(parts, lambda: stop is not None and stop.asked)
    except LibraryError as error:
        log.warning("The new vectors were not sent: %s They are sent with the next run or search.", error.message)


def _send(parts: Parts, should_stop: stores.ShouldStop) -> None:
    record = parts.catalog.encoders.active()
    if record is not None:
        with contextlib.suppress(LibraryBusy):  # another process sends them
            stores.send(parts.vectors, parts.catalog, record, should_stop)


def _sent(parts: Parts, should_stop: stores.ShouldStop) -> bool:
    try:
        _send(parts, should_stop)
    except LibraryError as error:
        log.debug("Vectors wait to be sent: %s", error)
        return False
    return True


def _quietly(work: Callable[[], None]) -> None:
    """Run in a thread; what it could not do, the end of the run does, and reports."""
    with contextlib.suppress(Exception):
        work()
