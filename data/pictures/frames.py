"""Messages between this process and the ones that decode: a JSON header, then blocks of bytes.

Not pickle: a decoder that a hostile picture has taken over must not be able to run code in the process it answers.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")
MAX_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message: values that JSON can hold, and blocks of bytes."""

    values: dict[str, Any]
    blocks: Sequence[bytes] = field(default=())


def write(stream: BinaryIO, message: Message) -> None:
    """Write one message and flush. Raises OSError if nobody reads any more."""
    sizes = [len(block) for block in message.blocks]
    header = json.dumps({**message.values, "blocks": sizes}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for block in message.blocks:
        stream.write(block)
    stream.flush()


def read(stream: BinaryIO) -> Message:
    """Read the next message. Raises EOFError if the stream ends before or within it, ValueError if it is none."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes")
    values = json.loads(_exactly(stream, length))
    return Message(values, [_exactly(stream, int(size)) for size in values.pop("blocks")])


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
