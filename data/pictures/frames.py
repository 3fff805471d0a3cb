"""Messages between this process and the ones that decode: a JSON header, then blocks of bytes.

They are not pickled: a decoder that a hostile picture controls must not be able to run code in the process that reads
its answers.
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
    """Write one message and flush. Raises OSError if the reader is gone."""
    sizes = [len(block) for block in message.blocks]
    header = json.dumps({**message.values, "blocks": sizes}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for block in message.blocks:
        stream.write(block)
    stream.flush()


def read(stream: BinaryIO) -> Message:
    """Read the next message. Raises EOFError if the stream ends before or within it, ValueError if it is no message."""
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes")
    values = json.loads(_read_exactly(stream, length))
    return Message(values, [_read_exactly(stream, int(size)) for size in values.pop("blocks")])


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
