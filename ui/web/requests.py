"""Reading request lines: letters that a client sent as they are, as `curl '…?q=雪山'` does, are percent-encoded."""

from __future__ import annotations

import re

import h11

_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class RequestReader(h11.Connection):
    """The server's side of a connection, which accepts request targets with bytes that are not ASCII.

    HTTP wants these bytes percent-encoded, and h11 refuses a request line that has them. curl and many scripts send
    them anyway. Nothing else is accepted: spaces, control characters and everything after the line stay as they are.
    """

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return the next event, as `h11.Connection.next_event` does. Raises h11.RemoteProtocolError."""
        if self.their_state is h11.IDLE:
            # h11 has no other place where a request line can be changed: the bytes of a pipelined request are in its
            # buffer before the request in front of it has ended.
            encode_target(self._receive_buffer._data)
        return super().next_event()


def encode_target(buffer: bytearray) -> None:
    """Percent-encode in place the bytes that are not ASCII in the first line, if it is complete, after its method."""
    if buffer.isascii():
        return
    end = buffer.find(b"\n")
    method = buffer.find(b" ", 0, max(end, 0))
    if method >= 0 and not buffer[method:end].isascii():
        buffer[method:end] = _NOT_ASCII.sub(lambda match: b"%%%02X" % match.group()[0], buffer[method:end])
