"""Building Gradio's applications: one at a time, while an event loop runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Built = TypeVar("Built")

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
