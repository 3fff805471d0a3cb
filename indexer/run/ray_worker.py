"""What runs in each Ray worker: reading, decoding and encoding files. It does not import Ray.

A worker asks the process that leads the run what the library has of a content hash before it decodes a file: the
leading process fetches `questions` and calls `answer`, while `prepare` waits in other threads.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from PIL import Image

from ...arrays import Floats
from ...config import Settings
from ...data.pictures import memory
from ...data.pictures.decoding import DecodeOptions, Decoders
from ...encoders import registry
from ...encoders.base import Encoder, checked
from ...errors import EncoderError, PolyglanceError
from .prepared import Job, Known, Prepared, read
from .profile import Profile, Stage

QUESTIONS_SECONDS = 5.0
"""How long `questions` waits for one."""


@dataclass(frozen=True)
class Task:
    """What the workers of a run need to know. `encoder` is the caller's own encoder; None to create it by `name`."""

    name: str
    fingerprint: str
    encoder: Encoder | None
    settings: Settings
    options: DecodeOptions
    threads: int = 2
    """How many pictures a worker decodes at once, each in a process of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Files that were read: those that needed a vector have one. `seconds` is how long all of them took."""

    files: list[Prepared]
    seconds: float
    stages: dict[str, Stage]


class Worker:
    """One worker, with an encoder of its own. Its methods run in several threads, two calls of `prepare` at a time."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._encoder: Encoder | None = None
        self._decoders = Decoders(task.threads)
        self._pool = ThreadPoolExecutor(task.threads, "decode")
        self._encoding = threading.Lock()
        self._numbers = itertools.count()
        self._questions: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._asked: dict[int, Future[Known]] = {}
        memory.keep_freed_blocks()

    def start(self) -> str:
        """Create the encoder and return the machine's name. Raises EncoderError if it is not the library's encoder."""
        task = self._task
        try:
            encoder = task.encoder or registry.create(task.name, task.settings)
        except PolyglanceError as error:
            message = f"The Ray worker on {socket.gethostname()} cannot make the encoder {task.name}: {error.message}"
            raise EncoderError(message, error.hint) from error
        if not encoder.fingerprint.matches(task.fingerprint):
            raise EncoderError(
                f"The encoder {task.name} on the Ray worker {socket.gethostname()} is not the one of this library.",
                "Install the same versions of polyglance and of the encoder on all machines.",
            )
        self._encoder = encoder
        return socket.gethostname()

    def prepare(self, jobs: Sequence[Job]) -> Outcome:
        """Read the files of `jobs` and encode what the library has no vector of."""
        start = time.perf_counter()
        profile = Profile()
        files = list(self._pool.map(lambda job: self._read(job, profile), jobs))
        images = {each.content.content_hash: each.image for each in files if each.content and each.image}
        with self._encoding:
            vectors = dict(zip(images, self._encode(list(images.values()), profile), strict=True))
        files = [
            replace(each, image=None, vector=vectors[each.content.content_hash])
            if each.content and each.image
            else each
            for each in files
        ]
        return Outcome(files, time.perf_counter() - start, profile.stages)

    def questions(self) -> list[tuple[int, bytes]]:
        """Wait a while for questions, and return them: numbers and content hashes."""
        asked: list[tuple[int, bytes]] = []
        with contextlib.suppress(queue.Empty):
            asked.append(self._questions.get(timeout=QUESTIONS_SECONDS))
            while True:
                asked.append(self._questions.get_nowait())
        return asked

    def answer(self, answers: Sequence[tuple[int, Known]]) -> None:
        """Hand over what the library has of the content hashes with these numbers."""
        for number, known in answers:
            self._asked.pop(number).set_result(known)

    def _read(self, job: Job, profile: Profile) -> Prepared:
        with profile.delivering() as seconds:
            return read(job, self._decoders, self._task.options, self._ask, seconds)

    def _ask(self, content_hash: bytes) -> Known:
        number, answer = next(self._numbers), Future[Known]()
        self._asked[number] = answer
        self._questions.put((number, content_hash))
        return answer.result()

    def _encode(self, images: list[Image.Image], profile: Profile) -> list[Floats]:
        assert self._encoder is not None, "start() was called"
        if not images:
            return []
        with profile.measured("encode", len(images)):
            return [*checked(self._encoder.encode_images(images), len(images), self._encoder.dimension)]
