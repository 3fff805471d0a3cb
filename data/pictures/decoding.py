"""Decoding pictures in processes of their own, with a memory limit and a time limit each (docs/adr/0020).

A decoder that crashes, hangs or eats memory costs one picture. Full-size pixels never leave the process that decoded
them: what comes back is the reduced picture, a small JPEG, and the facts.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

from PIL import Image

from ...config import Settings
from ...errors import DecodersBusy, PictureError, PolyglanceError
from . import frames, memory, thumbnails
from .exif import Facts
from .frames import Message
from .worker import IDLE_SECONDS, OUT_OF_MEMORY, too_much_memory

PIPE_BYTES = 1 << 20
"""Capacity of the pipe that pictures come back through, where the system lets one choose: with the usual 64 KB both
processes wake up fifty times a picture."""

KEPT_SECONDS = IDLE_SECONDS - 15
"""How long an idle process is used again; it ends by itself a little later."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a picture is to be decoded, and what of it is wanted.

    `side` and `max_pixels` are those of `images.decode`. `pixels` asks for the decoded picture, `jpeg_side` for a JPEG
    copy within so many pixels (0: none). `seconds` is how long decoding may take, by the clock.
    """

    side: int
    max_pixels: int
    max_bytes: int
    seconds: float
    pixels: bool = True
    jpeg_side: int = 0
    quality: int = thumbnails.QUALITY
    memory_bytes: int = memory.MAX_BYTES


def wish(settings: Settings, side: int, *, pixels: bool = True, jpeg_side: int = 0) -> Wish:
    """Return the wish for a picture of an encoder's (or a thumbnail's) `side`, within the limits of the settings."""
    return Wish(side, settings.max_pixels, settings.max_file_bytes, settings.max_decode_seconds, pixels, jpeg_side)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture. `image` is RGB, upright and bounded (None if not wanted), `jpeg` a JPEG file (empty if not).

    `width` and `height` are the full picture's, upright, in pixels.
    """

    image: Image.Image | None
    jpeg: bytes
    width: int
    height: int
    format: str
    facts: Facts


class Decoders:
    """At most `count` decoding processes at a time, for any number of threads.

    They start when they are needed and are kept for the next picture, in this process as a whole, for a minute. If more
    than `waiting` threads wait, further ones get DecodersBusy.
    """

    def __init__(self, count: int, waiting: int | None = None) -> None:
        self._turn = threading.BoundedSemaphore(count)
        self._places = threading.BoundedSemaphore(count + waiting) if waiting is not None else None
        self._busy: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    def decode(self, data: bytes, wish: Wish) -> Decoded:
        """Decode the picture in a file's bytes. Raises PictureError; PolyglanceError if no process can be started."""
        with self._worker() as worker, worker.limited(wish):
            worker.send(Message({"kind": "bytes", **asdict(wish)}, [data]))
            return _decoded(worker.receive())

    def read(
        self, root: bytes, relative: bytes, wish: Wish, is_wanted: Callable[[bytes], bool] = lambda _: True
    ) -> tuple[bytes, Decoded | None]:
        """Read the file at `relative` below `root`, through no link; return its content hash and the picture in it.

        It is decoded only if `is_wanted(content hash)`. Raises PictureError, and what `decode` raises.
        """
        with self._worker() as worker:
            worker.send(Message({"kind": "file", **asdict(wish)}, [root, relative]))
            content_hash = bytes.fromhex(_checked(worker.receive()).values["content_hash"])
            decode = is_wanted(content_hash)
            with worker.limited(wish):
                worker.send(Message({"decode": decode}))
                answer = worker.receive()
            return content_hash, _decoded(answer) if decode else None

    def close(self) -> None:
        """End what is being decoded: whoever waits for it gets an error."""
        with self._lock:
            self._closed = True
            for worker in self._busy:
                worker.kill()

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        if self._places is not None and not self._places.acquire(blocking=False):
            raise DecodersBusy
        try:
            with self._turn:
                yield
        finally:
            if self._places is not None:
                self._places.release()

    @contextlib.contextmanager
    def _worker(self) -> Iterator[_Worker]:
        with self._place():
            with self._lock:
                if self._closed:
                    raise PictureError("was not decoded: the run was stopped", may_pass=True)
                worker = _pool.take()
                self._busy.add(worker)
            try:
                yield worker
            except PictureError:
                worker.release()
                raise
            except BaseException:  # it may be in the middle of something
                worker.end()
                raise
            else:
                worker.release()
            finally:
                with self._lock:
                    self._busy.discard(worker)


class _Worker:
    """One decoding process, for one thread at a time."""

    def __init__(self) -> None:
        try:
            # -P: the working directory is no place to import from.
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
        _widen(self._answers)
        self.niceness = _niceness()
        self.idle_since = 0.0
        self._is_ready = False
        self._is_late = False

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
        return self._process.poll() is None

    def send(self, message: Message) -> None:
        self._await_ready()
        try:
            frames.write(self._requests, message)
        except OSError as error:
            raise self._death() from error

    def receive(self) -> Message:
        try:
            return frames.read(self._answers)
        except (EOFError, ValueError, OSError) as error:
            raise self._death() from error

    @contextlib.contextmanager
    def limited(self, wish: Wish) -> Iterator[None]:
        """Kill the process if this takes longer than it may."""
        self._await_ready()
        self._wish = wish
        timer = threading.Timer(wish.seconds, self._end_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def kill(self) -> None:
        self._process.kill()

    def release(self) -> None:
        """Keep it for the next picture, if it lives."""
        if self.is_alive and not self._is_late:
            self.idle_since = time.monotonic()
            _pool.keep(self)
        else:
            self.end()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent yet cannot be sent any more
                assert stream is not None
                stream.close()

    def _end_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _await_ready(self) -> None:
        if self._is_ready:
            return
        try:
            frames.read(self._answers)
        except (EOFError, ValueError, OSError) as error:
            status = self._process.wait()
            raise PolyglanceError(
                f"The process that decodes pictures does not start (status {status}).",
                f"Try it in a terminal: {sys.executable} -m polyglance.data.pictures.worker",
            ) from error
        self._is_ready = True

    def _death(self) -> PictureError:
        """Why the process is gone."""
        status = self._process.wait()
        if self._is_late:
            return PictureError(f"could not be decoded: took more than {self._wish.seconds:.0f} s")
        if status == OUT_OF_MEMORY:
            return too_much_memory(self._wish.memory_bytes)
        if status == -getattr(signal, "SIGKILL", 9):  # by the system, which is out of memory, or by the user
            return PictureError("could not be decoded: its decoder was killed", may_pass=True)
        return PictureError("could not be decoded: its decoder crashed")


class _Pool:
    """The idle decoding processes of this process. A forked child starts with none: the parent's are not its own."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def take(self) -> _Worker:
        """An idle process of this thread's priority, the last one used; a new one if there is none."""
        niceness = _niceness()
        with self._lock:
            old = [each for each in self._idle if not each.is_alive or _is_old(each)]
            fitting = [each for each in self._idle if each not in old and each.niceness == niceness]
            worker = fitting[-1] if fitting else None
            self._idle = [each for each in self._idle if each not in old and each is not worker]
        for each in old:
            each.end()
        return worker or _Worker()

    def keep(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)

    def end(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.end()

    def lose(self) -> None:
        """Forget the parent's processes after a fork, without ending them."""
        _lost.extend(self._idle)  # a Popen that is thrown away would ask after its process
        self.__init__()  # type: ignore[misc]


def end_idle() -> None:
    """End the processes that wait for pictures; the next picture starts a new one."""
    _pool.end()


_pool = _Pool()
_lost: list[_Worker] = []
ON_DEMAND = Decoders(2, waiting=16)
"""For pictures that somebody waits for. More at once would only take more memory; of the server's 40 threads
most must stay free for searches."""

atexit.register(end_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.lose)


def _is_old(worker: _Worker) -> bool:
    return time.monotonic() - worker.idle_since > KEPT_SECONDS


def _niceness() -> int:
    """The priority of this thread, which on Linux is its own, and which processes that it starts inherit."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0


def _executable() -> str | None:
    """This process's own program, where its path may not be followed (another user's folder) or is gone; else None."""
    usable = os.access(sys.executable, os.X_OK)
    return None if usable or sys.platform != "linux" else "/proc/self/exe"


def _environment() -> dict[str, str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
    return {**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _widen(stream: BinaryIO) -> None:
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # a user may have so many bytes in pipes and no more
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _checked(answer: Message) -> Message:
    values = answer.values
    if "error" in values:
        raise PictureError(values["error"], values["hint"], may_pass=values["may_pass"])
    return answer


def _decoded(answer: Message) -> Decoded:
    values = _checked(answer).values
    pixels, jpeg = answer.blocks
    image = Image.frombytes("RGB", tuple(values["size"]), pixels) if pixels else None
    facts = Facts(**{**values["facts"], "keywords": tuple(values["facts"]["keywords"])})
    return Decoded(image, jpeg, values["width"], values["height"], values["format"], facts)
