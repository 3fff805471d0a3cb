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
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import PictureError
from . import files, frames, images, memory, thumbnails
from .frames import Message
from .images import Picture
from .limits import Limits, set_soft_limit, too_much_memory
from .stopwatch import Stopwatch

IDLE_SECONDS = 60.0
"""A process that gets no request in this time ends."""

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

        set_soft_limit(resource.RLIMIT_CORE, 0)  # a crash must not leave a picture's pixels behind
    frames.write(answers, Message({"ready": True}))
    with suppress(EOFError, BrokenPipeError):
        while True:
            request = _read_request(requests)
            frames.write(answers, _answer(request, requests, answers))


def _answer(request: Message, requests: BinaryIO, answers: BinaryIO) -> Message:
    values = request.values
    watch = Stopwatch()
    try:
        if values["kind"] == "bytes":
            return _decode(request.blocks[0], values, watch)
        root, relative = request.blocks
        data = files.read_below(root, relative, max_bytes=values["max_bytes"])
        content_hash = files.content_hash(data).hex()
        watch.lap("read")
        frames.write(answers, Message({"content_hash": content_hash}))
        if not frames.read(requests).values["decode"]:
            return Message({})
        watch.restart()
        return _decode(data, values, watch)
    except PictureError as error:
        return Message({"error": error.message, "hint": error.hint, "may_pass": error.may_pass})


def _decode(data: bytes, values: Values, watch: Stopwatch) -> Message:
    """Return the answer with the picture in `data`: its size and facts, and its pixels or a JPEG copy or both."""
    limit = values["memory_bytes"]
    try:
        with Limits(limit, values["seconds"]):
            picture = images.decode(data, side=values["side"], max_pixels=values["max_pixels"], watch=watch)
            return _make_message(picture, values, watch)
    except MemoryError as error:
        raise too_much_memory(limit) from error
    except PictureError as error:
        if isinstance(error.__cause__, MemoryError):
            raise too_much_memory(limit) from error
        raise


def _make_message(picture: Picture, values: Values, watch: Stopwatch) -> Message:
    image, side = picture.image, values["jpeg_side"]
    values_of_picture = {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "facts": asdict(picture.facts),
        "exposure": asdict(picture.exposure),
        "size": image.size,
    }
    pixels = image.tobytes() if values["pixels"] else b""
    watch.lap("deliver")
    jpeg = thumbnails.encode_jpeg(image, side, values["quality"]) if side else b""
    watch.lap("thumbnail")
    return Message({**values_of_picture, "seconds": watch.seconds}, [pixels, jpeg])


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
