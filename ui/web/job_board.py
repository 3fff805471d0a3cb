"""The index job of a server as all its processes see it: two small files in the library's folder, and a lock.

The process that runs a job holds the lock and writes `job.json` again and again. The system frees the lock when the
process dies, so a job that is `running` in the file without a holder of the lock has ended with its process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from ... import atomic
from ...answers.indexing import ErrorMessage, Job
from ...errors import JobRunning, LibraryError, PolyglanceError

FILE = "job.json"
STOP = "job.stop"
LOCK = "job.lock"

PATIENCE_SECONDS = 2.0
"""How long a job waits for the lock: the one before it frees the lock a moment after it has said that it is done."""


class JobBoard:
    """What is known of the job of the library in `folder`, whichever process runs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of the one job, in any thread. Raises JobRunning, LibraryError."""
        lock = filelock.FileLock(self._folder / LOCK, thread_local=False)
        try:
            lock.acquire(timeout=PATIENCE_SECONDS)
        except filelock.Timeout:
            raise already_running() from None
        except OSError as error:
            raise LibraryError(
                f"The library {self._folder} cannot be written to: {error.strerror or error}.",
                "Is its disk or folder read-only, or another user's?",
            ) from error
        try:
            yield
        finally:
            (self._folder / STOP).unlink(missing_ok=True)
            lock.release()

    def publish(self, job: Job) -> None:
        """Write how the job is; on a full disk the others do not learn it."""
        with contextlib.suppress(OSError), atomic.whole_file(self._folder / FILE, durable=False) as temporary:
            temporary.write_text(job.model_dump_json(), encoding="utf-8")

    def read(self) -> Job | None:
        """The job that runs or, if none does, the last one of the processes that still run."""
        try:
            job = Job.model_validate_json((self._folder / FILE).read_bytes())
        except (OSError, ValueError):
            return None
        if job.state != "running" or self._is_held():
            return job
        died = PolyglanceError(
            "The process that ran the index job has ended.", "What is done is kept; start the job again for the rest."
        )
        error = ErrorMessage.from_error(died.with_code("job_failed"))
        return job.model_copy(update={"state": "failed", "phase": "failed", "seconds_left": None, "error": error})

    def ask_stop(self, job_id: int) -> None:
        """Ask the process that runs the job to stop it."""
        (self._folder / STOP).write_text(str(job_id), encoding="ascii")

    def is_stop_asked(self, job_id: int) -> bool:
        """Whether a process has asked to stop this job."""
        try:
            return (self._folder / STOP).read_text(encoding="ascii") == str(job_id)
        except (OSError, ValueError):
            return False

    def clear(self, job_id: int) -> None:
        """Forget this job: the process that ran it ends."""
        job = self.read()
        if job is not None and job.id == job_id:
            with contextlib.suppress(OSError):
                (self._folder / FILE).unlink()

    def _is_held(self) -> bool:
        lock = filelock.FileLock(self._folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except (filelock.Timeout, OSError):
            return True
        lock.release()
        return False


def already_running() -> JobRunning:
    """The error of a job that is asked for while one runs."""
    error = JobRunning("An index job is running already.", "Wait until it is done, or stop it.")
    error.with_code("job_running")
    return error
