"""The process that decodes: `python -m polyglance.data.pictures.worker`, started by `process`.

It reads requests from its standard input and answers on its standard output (`frames`), one at a time, and ends when
the input does, or when it was idle for a minute. A picture that crashes a decoder, or needs more memory or processor
time than it may have, ends this process and nothing else.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import PictureError
from . import files, frames, images, memory, thumbnails
from .frames import Message
from .images import Picture

IDLE_SECONDS = 60.0
POLL_SECONDS = 0.02
"""How often the memory in use is measured on systems that cannot limit it."""

ADDRESS_SPACE_BESIDE = 150_000_000
"""Address space that a decoder's libraries and the stacks of its threads may take beside the memory that is limited."""

OUT_OF_MEMORY = 70
"""Exit status of a worker that used more memory than it may."""

Values = dict[str, Any]


def main() -> None:
    """Answer requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, _claim_output()
    _be_first_out_of_memory()
    memory.keep_freed_blocks()
    if sys.platform != "win32":
        import resource

        _set_soft(resource.RLIMIT_CORE, 0)  # a crash must not leave a picture's pixels behind
    frames.write(answers, Message({"ready": True}))
    with suppress(EOFError, BrokenPipeError):
        while True:
            request = _read_request(requests)
            frames.write(answers, _answer(request, requests, answers))


def _answer(request: Message, requests: BinaryIO, answers: BinaryIO) -> Message:
    values = request.values
    try:
        if values["kind"] == "bytes":
            return _decode(request.blocks[0], values)
        root, relative = request.blocks
        data = files.read_below(root, relative, max_bytes=values["max_bytes"])
        frames.write(answers, Message({"content_hash": files.content_hash(data).hex()}))
        if not frames.read(requests).values["decode"]:
            return Message({})
        return _decode(data, values)
    except PictureError as error:
        return Message({"error": error.message, "hint": error.hint, "may_pass": error.may_pass})


def _decode(data: bytes, values: Values) -> Message:
    """Return the answer with the picture in `data`: its size and facts, and its pixels or a JPEG copy or both."""
    limit = values["memory_bytes"]
    try:
        with _Limits(limit, values["seconds"]):
            picture = images.decode(data, side=values["side"], max_pixels=values["max_pixels"])
            return _make_message(picture, values)
    except MemoryError as error:
        raise too_much_memory(limit) from error
    except PictureError as error:
        if isinstance(error.__cause__, MemoryError):
            raise too_much_memory(limit) from error
        raise


def _make_message(picture: Picture, values: Values) -> Message:
    image, side = picture.image, values["jpeg_side"]
    values_of_picture = {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "facts": asdict(picture.facts),
        "size": image.size,
    }
    pixels = image.tobytes() if values["pixels"] else b""
    jpeg = thumbnails.encode_jpeg(image, side, values["quality"]) if side else b""
    return Message(values_of_picture, [pixels, jpeg])


def too_much_memory(limit: int) -> PictureError:
    """Return the error for a picture that needs more than `limit` bytes of memory."""
    return PictureError(f"could not be decoded: took more than {limit / 1e6:.0f} MB of memory")


class _Limits:
    """Limits the memory and processor time that the process may use inside a `with` block."""

    def __init__(self, memory_bytes: int, seconds: float) -> None:
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._over = threading.Event()

    def __enter__(self) -> None:
        if sys.platform == "linux":
            import resource

            _set_soft(resource.RLIMIT_AS, _address_space_bytes() + ADDRESS_SPACE_BESIDE + self._memory_bytes)
        else:
            threading.Thread(target=self._watch_memory, args=(_resident_bytes(),), daemon=True).start()
        if sys.platform != "win32":
            import resource

            # In case the process that started this one is killed while a decoder does not end.
            cores = os.cpu_count() or 1
            _set_soft(resource.RLIMIT_CPU, int(time.process_time() + self._seconds * cores + 2))

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if sys.platform != "win32":
            import resource

            _set_soft(resource.RLIMIT_CPU, resource.RLIM_INFINITY)
        if sys.platform == "linux":
            _set_soft(resource.RLIMIT_AS, resource.RLIM_INFINITY)

    def _watch_memory(self, before: int) -> None:
        while not self._over.wait(POLL_SECONDS):
            if _resident_bytes() - before > self._memory_bytes:
                os._exit(OUT_OF_MEMORY)


def _set_soft(limit: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _address_space_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _resident_bytes() -> int:
    import psutil

    size: int = psutil.Process().memory_info().rss
    return size


def _read_request(requests: BinaryIO) -> Message:
    ending = threading.Timer(IDLE_SECONDS, os._exit, (0,))
    ending.daemon = True
    ending.start()
    try:
        return frames.read(requests)
    finally:
        ending.cancel()


def _claim_output() -> BinaryIO:
    """Return the standard output for the answers, and drop what decoders print to it."""
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _be_first_out_of_memory() -> None:
    """Let a system that is out of memory kill this process before the one that indexes or serves."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("700")


if __name__ == "__main__":
    main()
