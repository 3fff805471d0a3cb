"""Decoding pictures in processes of their own, with a memory limit and a time limit each (docs/adr/0020).

A decoder that crashes, hangs or takes too much memory costs one picture. Full-size pixels never leave the process that
decoded them: it sends back the reduced picture, a small JPEG, and the facts.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from PIL import Image

from ...config import Settings
from ...errors import DecodersBusy, PictureError
from .. import objects, paths
from . import files, memory, thumbnails
from .exif import Exposure, Facts
from .frames import Message
from .pool import POOL
from .process import DecodingProcess


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How a picture is decoded, and what is sent back.

    `side` and `max_pixels` are those of `images.decode`. `pixels` asks for the decoded picture, `jpeg_side` for a JPEG
    copy within `jpeg_side` x `jpeg_side` pixels (0: none). `seconds` is the longest time that decoding may take.
    """

    side: int
    max_pixels: int
    max_bytes: int
    seconds: float
    pixels: bool = True
    jpeg_side: int = 0
    quality: int = thumbnails.QUALITY
    memory_bytes: int = memory.MAX_BYTES

    @classmethod
    def from_settings(cls, settings: Settings, side: int, *, pixels: bool = True, jpeg_side: int = 0) -> DecodeOptions:
        """Return the options for a picture of an encoder's (or a thumbnail's) `side`, with the limits of `settings`."""
        return cls(side, settings.max_pixels, settings.max_file_bytes, settings.max_decode_seconds, pixels, jpeg_side)


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A decoded picture.

    `image` is RGB, upright and bounded, None if it was not asked for. `jpeg` is a JPEG file, empty if it was not asked
    for. `width` and `height` are the full picture's, upright, in pixels. `seconds` has the (wall,
    processor) seconds of the decoding process, by stage: `read`, `decode`, `resize`, `thumbnail`, `deliver`.
    """

    image: Image.Image | None
    jpeg: bytes
    width: int
    height: int
    format: str
    facts: Facts
    exposure: Exposure
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Decoders:
    """At most `count` decoding processes at a time, for any number of threads.

    Processes start when they are needed and are kept for a minute for the next picture of any `Decoders`. If more than
    `waiting` threads wait, further ones get DecodersBusy.
    """

    def __init__(self, count: int, waiting: int | None = None) -> None:
        self._slots = threading.BoundedSemaphore(count)
        self._admitted = threading.BoundedSemaphore(count + waiting) if waiting is not None else None
        self._busy: set[DecodingProcess] = set()
        self._lock = threading.Lock()
        self._closed = False

    def decode(self, data: bytes, options: DecodeOptions) -> DecodedPicture:
        """Decode the picture in a file's bytes. Raises PictureError; PolyglanceError if no process can be started."""
        with self._process() as process, process.limited(options.seconds, options.memory_bytes):
            process.send(Message({"kind": "bytes", **asdict(options)}, [data]))
            return _read_picture(process.receive())

    def read(
        self,
        root: bytes,
        relative: bytes,
        options: DecodeOptions,
        should_decode: Callable[[bytes], bool] = lambda _: True,
    ) -> tuple[bytes, DecodedPicture | None]:
        """Read the file at `relative` below `root`, through no link; return its content hash and the picture in it.

        It is decoded only if `should_decode(content hash)`; else the picture is None. Raises PictureError, and what
        `decode` raises.
        """
        if paths.is_url(root):  # by this process: one that decodes has no credentials
            data = objects.read(paths.join(root, relative), max_bytes=options.max_bytes)
            content_hash = files.content_hash(data)
            return content_hash, self.decode(data, options) if should_decode(content_hash) else None
        with self._process() as process:
            process.send(Message({"kind": "file", **asdict(options)}, [root, relative]))
            content_hash = bytes.fromhex(_check(process.receive()).values["content_hash"])
            decode = should_decode(content_hash)
            with process.limited(options.seconds, options.memory_bytes):
                process.send(Message({"decode": decode}))
                answer = process.receive()
            return content_hash, _read_picture(answer) if decode else None

    def close(self) -> None:
        """End the processes that are decoding; the threads that wait for them get a PictureError."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.kill()

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        if self._admitted is not None and not self._admitted.acquire(blocking=False):
            raise DecodersBusy
        try:
            with self._slots:
                yield
        finally:
            if self._admitted is not None:
                self._admitted.release()

    @contextlib.contextmanager
    def _process(self) -> Iterator[DecodingProcess]:
        with self._slot():
            with self._lock:
                if self._closed:
                    raise PictureError("was not decoded: the run was stopped", may_pass=True)
                process = POOL.acquire()
                self._busy.add(process)
            try:
                yield process
            except PictureError:
                POOL.release(process)
                raise
            except BaseException:  # it may be in the middle of an answer
                process.end()
                raise
            else:
                POOL.release(process)
            finally:
                with self._lock:
                    self._busy.discard(process)


ON_DEMAND = Decoders(2, waiting=16)
"""For pictures that somebody waits for. More at once would only take more memory; of the server's 40 threads
most must stay free for searches."""


def end_idle() -> None:
    """End the processes that wait for pictures; the next picture starts a new one."""
    POOL.end_idle()


def _check(answer: Message) -> Message:
    values = answer.values
    if "error" in values:
        raise PictureError(values["error"], values["hint"], may_pass=values["may_pass"])
    return answer


def _read_picture(answer: Message) -> DecodedPicture:
    values = _check(answer).values
    pixels, jpeg = answer.blocks
    image = None
    if pixels:
        image = Image.new("RGB", tuple(values["size"]), None)  # without a colour, which would be written first
        image.frombytes(pixels)
    facts = Facts(**{**values["facts"], "keywords": tuple(values["facts"]["keywords"])})
    exposure = Exposure(**values["exposure"])
    return DecodedPicture(
        image, jpeg, values["width"], values["height"], values["format"], facts, exposure, values["seconds"]
    )
