"""The one index job of a server: it runs in a thread, reports its progress, and can be stopped.

A server may have many processes: `job_board` is what each knows of a job that another one runs.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ... import priority
from ...answers import indexing
from ...errors import LibraryBusy, PolyglanceError, Stopped
from ...indexer.run.report import Report
from ...indexer.run.stop import Stop
from ...library import Library
from ...progress import Progress, Tick
from .job_board import JobBoard, already_running

log = logging.getLogger("polyglance")

Work = Callable[[Progress, Stop], Report]

SMOOTHING_SECONDS = 10.0
"""The time over which the rate is averaged: the first pictures of a run do not predict the rest."""

PATIENCE_SECONDS = 4.0
"""How long the server waits for the batch in hand when it ends."""

WAIT_SECONDS = 60.0
"""How long a job waits for a watcher that is writing."""

PUBLISH_SECONDS = 0.5
"""How often the other processes of the server learn how the job is, and the job whether they ask it to stop."""


@dataclass(slots=True)
class Job:
    """One index run. `state` is `running`, `done`, `failed` or `stopped`; times are seconds since 1970."""

    id: int
    root: str | None
    state: str = "running"
    phase: str = "scanning"
    """`waiting` for another writer, `scanning`, `indexing`, `finishing`; at the end the same as `state`."""
    tick: Tick | None = None
    rate: float | None = None
    """Files a second, averaged over the last SMOOTHING_SECONDS."""
    started: float = field(default_factory=time.time)
    finished: float | None = None
    report: Report | None = None
    error: PolyglanceError | None = None
    stop: Stop = field(default_factory=Stop)
    _ticked_at: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """Time left at the present rate; None while it is not known."""
        if self.state != "running" or not self.tick or not self.rate:
            return None
        return (self.tick.total - self.tick.done) / self.rate

    def document(self) -> indexing.Job:
        """The job as the API shows it: the rate with 2 decimals, seconds with 1, times in ISO 8601, UTC."""
        tick = self.tick or Tick(0, 0, 0, 0)
        return indexing.Job(
            id=self.id,
            kind="index",
            state=self.state,
            phase=self.phase,
            root=self.root,
            done=tick.done,
            total=tick.total,
            failed=tick.failed,
            rate=None if self.rate is None else round(self.rate, 2),
            seconds_left=None if self.seconds_left is None else round(self.seconds_left, 1),
            started=_time(self.started),
            finished=None if self.finished is None else _time(self.finished),
            report=indexing.IndexReport.from_report(self.report) if self.report else None,
            error=indexing.ErrorMessage.from_error(self.error) if self.error else None,
        )

    def on_tick(self, tick: Tick) -> None:
        """Note the progress of the run and update rate and phase."""
        now = time.monotonic()
        seconds, files = max(now - self._ticked_at, 1e-3), tick.done - (self.tick.done if self.tick else 0)
        weight = min(1.0, seconds / SMOOTHING_SECONDS) if self.rate is not None else 1.0
        self.rate = (1 - weight) * (self.rate or 0.0) + weight * max(0, files) / seconds
        self._ticked_at, self.tick = now, tick
        self.phase = "finishing" if tick.done >= tick.total else "indexing"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


class Jobs:
    """Starts jobs over one library, one at a time, in whichever process of the server."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._board = JobBoard(library.folder)
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def document(self) -> indexing.Job | None:
        """The job that runs or, if none does, the last one; of any process of the server."""
        own = self._job.document() if self._job else None
        if own is not None and own.state == "running":
            return own
        shared = self._board.read()
        return shared if shared and (own is None or shared.id > own.id) else own

    def state(self) -> str:
        """The state of that job; `none` if there was none."""
        job = self.document()
        return job.state if job else "none"

    def start(self, root: str | None, work: Work) -> indexing.Job:
        """Run `work` in a thread; `root` names its folder, None all of them.

        Raises JobRunning if a job runs, LibraryBusy if another process writes to the library.
        """
        self.require_free()
        with self._lock, contextlib.ExitStack() as stack:
            before = self._require_none()
            stack.enter_context(self._board.held())
            job = Job((before.id if before else 0) + 1, root)
            self._board.publish(job.document())
            self._job = job
            arguments = (job, work, stack.pop_all())
            self._thread = threading.Thread(target=self._run, args=arguments, name="polyglance-job", daemon=True)
            self._thread.start()
            return job.document()

    def require_free(self) -> None:
        """Raise JobRunning if a job runs, LibraryBusy if another process writes and does not stop soon."""
        self._require_none()
        self._library.wait_until_writable()

    def ask_stop(self) -> None:
        """Ask the job that runs, if any, to stop."""
        job = self.document()
        if job is None or job.state != "running":
            return
        if self._job is not None and self._job.id == job.id:
            self._job.stop.ask()
        else:
            self._board.ask_stop(job.id)

    def close(self) -> None:
        """Stop the job that this process runs, and wait for the batch in hand."""
        self._closed = True
        if self._job and self._thread:
            self._job.stop.ask()
            self._thread.join(PATIENCE_SECONDS)
            self._board.clear(self._job.id)

    def _require_none(self) -> indexing.Job | None:
        """Return the last job; raise JobRunning if it still runs."""
        job = self.document()
        if self._closed or (job and job.state == "running"):
            raise already_running()
        return job

    def _run(self, job: Job, work: Work, held: contextlib.ExitStack) -> None:
        """Do the work of a job; leave `held`, its lock, at the end."""
        state, ended = "failed", threading.Event()
        sharing = threading.Thread(target=self._share, args=(job, ended), name="polyglance-job-board", daemon=True)
        sharing.start()
        priority.give_way()
        try:
            job.report = self._run_when_free(job, work)
            state = "done"
        except Stopped:
            state = "stopped"
        except PolyglanceError as error:
            job.error = error
        except Exception as error:  # `/jobs/current` reports it
            log.error("The index job failed: %s: %s", type(error).__name__, error)
            log.debug("The job's traceback:", exc_info=error)
            failed = PolyglanceError("The index job failed.", "The terminal of 'polyglance serve' says more.")
            job.error = failed.with_code("job_failed")
        ended.set()
        sharing.join()
        job.finished = time.time()
        job.phase = job.state = state
        self._board.publish(job.document())
        held.close()

    def _share(self, job: Job, ended: threading.Event) -> None:
        """Tell the other processes how the job is, and stop it if one of them asks, until it has ended."""
        published = None
        while not ended.wait(PUBLISH_SECONDS):
            document = job.document()
            if document != published:
                self._board.publish(document)
                published = document
            if self._board.is_stop_asked(job.id):
                job.stop.ask()

    def _run_when_free(self, job: Job, work: Work) -> Report:
        """Run the work; wait first for a watcher that is writing, as that of `serve --watch` does at its start."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return work(job.on_tick, job.stop)
            except LibraryBusy:
                if time.monotonic() >= until:
                    raise
                job.phase = "waiting"
                if job.stop.asked:
                    raise Stopped from None
