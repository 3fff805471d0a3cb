"""Work on pictures in a pool, some of it ahead of the consumer, with the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from itertools import islice
from typing import TypeVar

STOP_SECONDS = 0.2
"""How often `is_stopped` is asked while a result is awaited."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def map_ordered(
    pool: Executor,
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    window: int,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Result]:
    """Yield `work(job)` in the order of `jobs`, with at most `window` of them under way or waiting; end when stopped.

    `jobs` is read as far as the window reaches. An exception of `work` is raised at the place of its job.
    """
    remaining = iter(jobs)
    running: deque[Future[Result]] = deque(pool.submit(work, job) for job in islice(remaining, window))
    while running:
        while not wait([running[0]], STOP_SECONDS).done:
            if is_stopped():
                return
        result = running.popleft().result()
        running.extend(pool.submit(work, job) for job in islice(remaining, 1))
        yield result
