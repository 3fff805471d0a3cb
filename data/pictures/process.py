"""One decoding process, as the process that starts it sees it: messages, limits, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO

from ...errors import PictureError, PolyglanceError
from . import frames
from .frames import Message
from .limits import OUT_OF_MEMORY, too_much_memory

PIPE_BYTES = 1 << 20
"""Capacity of the pipe that pictures come back through, on Linux. With the default of 64 KB both processes wake up
fifty times per picture."""

_KILLED = -getattr(signal, "SIGKILL", 9)


class DecodingProcess:
    """A running `worker`, for one thread at a time. Raises PolyglanceError if it cannot be started."""

    def __init__(self) -> None:
        try:
            # -P: modules must not be imported from the working directory.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "polyglance.data.pictures.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                executable=_executable(),
                env=_environment(),
            )
        except OSError as error:
            raise PolyglanceError(f"No process can be started to decode pictures: {error.strerror}.") from error
        _widen_pipe(self._answers)
        self.niceness = read_niceness()
        self.idle_since = 0.0
        self._is_ready = False
        self._is_late = False
        self._seconds = 0.0
        self._memory_bytes = 0

    @property
    def _requests(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    @property
    def _answers(self) -> BinaryIO:
        assert self._process.stdout is not None
        return self._process.stdout  # type: ignore[return-value]

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def is_usable(self) -> bool:
        """Whether it can decode another picture."""
        return self.is_alive and not self._is_late

    def send(self, message: Message) -> None:
        """Send a request. Raises PictureError if the process has died, PolyglanceError if it did not start."""
        self._await_ready()
        try:
            frames.write(self._requests, message)
        except OSError as error:
            raise self._describe_death() from error

    def receive(self) -> Message:
        """Wait for the next answer. Raises PictureError if the process dies."""
        try:
            return frames.read(self._answers)
        except (EOFError, ValueError, OSError) as error:
            raise self._describe_death() from error

    @contextlib.contextmanager
    def limited(self, seconds: float, memory_bytes: int) -> Iterator[None]:
        """Kill the process if this block takes longer than `seconds`; the worker itself limits `memory_bytes`."""
        self._await_ready()
        self._seconds, self._memory_bytes = seconds, memory_bytes
        timer = threading.Timer(seconds, self._kill_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def kill(self) -> None:
        """Kill the process, from any thread."""
        self._process.kill()

    def end(self) -> None:
        """Kill the process, wait for its end and close its pipes."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # bytes that were not sent yet cannot be sent any more
                assert stream is not None
                stream.close()

    def _kill_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _await_ready(self) -> None:
        if self._is_ready:
            return
        try:
            frames.read(self._answers)
        except (EOFError, ValueError, OSError) as error:
            status = self._process.wait()
            if status == _KILLED:
                raise self._describe_death() from error
            raise PolyglanceError(
                f"The process that decodes pictures does not start (status {status}).",
                f"Try it in a terminal: {sys.executable} -m polyglance.data.pictures.worker",
            ) from error
        self._is_ready = True

    def _describe_death(self) -> PictureError:
        status = self._process.wait()
        if self._is_late:
            return PictureError(f"could not be decoded: took more than {self._seconds:.0f} s")
        if status == OUT_OF_MEMORY:
            return too_much_memory(self._memory_bytes)
        if status == _KILLED:  # by the system, which is out of memory, or by the user
            return PictureError("could not be decoded: its decoder was killed", may_pass=True)
        return PictureError("could not be decoded: its decoder crashed")


def read_niceness() -> int:
    """Return the priority of this thread, which processes that it starts inherit; 0 on other systems than Linux."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0


def _executable() -> str | None:
    """Return this process's own program if its path is gone or may not be followed (another user's folder)."""
    usable = os.access(sys.executable, os.X_OK)
    return None if usable or sys.platform != "linux" else "/proc/self/exe"


def _environment() -> dict[str, str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
    return {**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _widen_pipe(stream: BinaryIO) -> None:
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # the system limits the bytes that a user has in pipes
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
