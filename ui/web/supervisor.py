"""Many worker processes that serve one listening socket: started, started again when they die, ended within a limit.

uvicorn's own `Multiprocess` makes plain `uvicorn.Server`s of an importable application, gives a worker that crashes at
once no pause, waits for the end of workers without limit, and leaves them running when it is killed itself
(docs/adr/0043-many-web-processes.md).
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from ...errors import PolyglanceError

log = logging.getLogger("polyglance")

MAX_PROCESSES = 64

END_SECONDS = 12.0
"""How long the workers have to end by themselves: requests, the index job and the watcher end within some 8 seconds."""
STEADY_SECONDS = 30.0
"""A worker that dies younger than this is started again after a pause."""
LONGEST_PAUSE = 30.0

_STOPPING = (signal.SIGINT, signal.SIGTERM)


def pause_after(short_lives: int) -> float:
    """Seconds before a worker is started again whose last so many lives were short: 0, 1, 2, 4 … `LONGEST_PAUSE`."""
    return 0.0 if short_lives == 0 else min(LONGEST_PAUSE, 2.0 ** (short_lives - 1))


@dataclass(slots=True)
class _Worker:
    """One worker's place: the process that fills it now, or the time at which one is started."""

    number: int
    process: SpawnProcess | None = None
    ready: Connection | None = None
    started: float = 0.0
    short_lives: int = 0
    due: float = 0.0


class Supervisor:
    """Keeps `processes` workers running.

    `work(*arguments, is_ready)` runs in each worker until SIGTERM; it calls `is_ready()` when it serves, and must be
    importable. `on_ready` is called once, when the first worker serves. Only for systems with POSIX signals.
    """

    def __init__(
        self, processes: int, work: Callable[..., None], arguments: tuple[Any, ...], on_ready: Callable[[], None]
    ) -> None:
        self._work = work
        self._arguments = arguments
        self._on_ready = on_ready
        self._context = multiprocessing.get_context("spawn")
        self._workers = [_Worker(number) for number in range(processes)]
        self._has_served = False
        self._signals = 0

    def run(self) -> None:
        """Run until SIGINT or SIGTERM. Raises PolyglanceError if no worker ever comes to serve."""
        with self._signals_noted() as noted:
            try:
                while not self._signals:
                    self._start_due()
                    self._wait(noted)
            finally:
                self._end(noted)

    def _start_due(self) -> None:
        for worker in self._workers:
            if worker.process is None and time.monotonic() >= worker.due:
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        worker.ready, is_ready = self._context.Pipe(duplex=False)
        arguments = (self._work, self._arguments, is_ready)
        worker.process = self._context.Process(target=_run, args=arguments, name=f"worker {worker.number + 1}")
        # Ctrl-C in a terminal reaches every process of the group. The workers have to hear of it from here alone: they
        # inherit that it is blocked, also while they import.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            worker.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            is_ready.close()
        worker.started = time.monotonic()

    def _wait(self, noted: Connection) -> None:
        """Wait until something happens, and see to it."""
        pauses = [worker.due for worker in self._workers if worker.process is None]
        timeout = max(0.0, min(pauses) - time.monotonic()) if pauses else None
        sources: list[Any] = [noted]
        for worker in self._workers:
            sources += [worker.process.sentinel] if worker.process else []
            sources += [worker.ready] if worker.ready else []
        happened = connection.wait(sources, timeout)
        if noted in happened:
            noted.recv_bytes()
            return
        for worker in self._workers:
            if worker.ready in happened:
                self._note_ready(worker)
            if worker.process and worker.process.sentinel in happened:
                self._note_death(worker)

    def _note_ready(self, worker: _Worker) -> None:
        assert worker.ready is not None
        with contextlib.suppress(EOFError):  # it died first
            worker.ready.recv_bytes()
            if not self._has_served:
                self._has_served = True
                self._on_ready()
        worker.ready.close()
        worker.ready = None

    def _note_death(self, worker: _Worker) -> None:
        assert worker.process is not None
        worker.process.join()
        code = worker.process.exitcode
        if not self._has_served:
            raise PolyglanceError("The server's processes do not start.", "The lines above say why.")
        is_short = time.monotonic() - worker.started < STEADY_SECONDS
        worker.short_lives = worker.short_lives + 1 if is_short else 0
        pause = pause_after(worker.short_lives)
        how = f"by signal {-code}" if code and code < 0 else f"with code {code}"
        log.warning("Process %s of the server ended %s; it is started again in %.0f s.", worker.process.pid, how, pause)
        worker.process.close()
        worker.process, worker.due = None, time.monotonic() + pause

    def _end(self, noted: Connection) -> None:
        """Ask all workers to end; kill those that have not after `END_SECONDS`, or when a second signal comes."""
        processes = [worker.process for worker in self._workers if worker.process]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + END_SECONDS
        while running := [process for process in processes if process.is_alive()]:
            sources: list[Any] = [noted, *(process.sentinel for process in running)]
            happened = connection.wait(sources, max(0.0, deadline - time.monotonic()))
            if noted in happened and noted.recv_bytes() and self._signals > 1:
                deadline = 0.0
            if time.monotonic() >= deadline:
                log.warning("%d of the server's processes did not end in time.", len(running))
                for process in running:
                    process.kill()
                    process.join()

    @contextlib.contextmanager
    def _signals_noted(self) -> Iterator[Connection]:
        """Give a connection at which each signal to stop arrives during the block."""
        reader, writer = multiprocessing.Pipe(duplex=False)

        def note(*_: object) -> None:
            self._signals += 1
            writer.send_bytes(b".")

        before = {number: signal.signal(number, note) for number in _STOPPING}
        try:
            yield reader
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            writer.close()
            reader.close()


def _run(work: Callable[..., None], arguments: tuple[Any, ...], ready: Connection) -> None:
    """What a worker does: its work, until SIGTERM or until the process that started it is gone."""
    threading.Thread(target=_end_with_parent, daemon=True, name="polyglance-parent").start()
    work(*arguments, lambda: ready.send_bytes(b"."))
    # All is closed. Taking hundreds of modules apart takes seconds of a processor, which other processes may not leave.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
