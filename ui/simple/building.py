"""Building Gradio's applications: one at a time, while an event loop runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Built = TypeVar("Built")

LOOK_SECONDS = 0.05
"""How often the queues of an idle application look for an event, and for a report of progress."""

_ONE_AT_A_TIME = threading.Lock()


def build_inside_loop(make: Callable[[], Built]) -> Built:
    """Return what `make` returns.

    Gradio collects the components of a block in a context of the whole process, so two threads must not build at once.
    Outside an event loop it makes a loop for each of its locks, and never closes it.
    """

    async def call() -> Built:
        return make()

    with _ONE_AT_A_TIME:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(call())
        return make()


def let_rest(blocks: Any) -> None:
    """Let the queue of `blocks` sleep while it has no event.

    Gradio's looks a thousand times a second and has no setting for it: an idle server keeps a processor awake.
    """
    blocks._queue.sleep_when_free = blocks._queue.progress_update_sleep_when_free = LOOK_SECONDS
