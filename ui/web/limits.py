"""Limits for clients: how much they may ask for and send, and how long they may take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

MAX_COUNT = 1000
"""Most results one request may ask for."""

MAX_ID = 2**63 - 1  # of SQLite

MAX_UPLOAD_BYTES = 64 * 1024 * 1024
"""Largest picture that can be sent to search by; it is held in memory and never stored."""

MAX_UPLOAD_PIXELS = 100_000_000
"""Most pixels of such a picture."""

MAX_BODY_BYTES = 64 * 1024
"""Longest body that is no picture."""

PICTURE_PATHS = frozenset({"/api/v1/search", "/api/v1/similar", "/api/v1/thumbnail", "/simple/gradio_api/upload"})
"""Paths of requests whose body may be a picture."""

MAX_EVENT_BYTES = 512 * 1024
"""Longest body of an event of the blocks, which holds a small copy of the picture that is searched by."""

EVENT_PATH = "/simple/gradio_api/queue/join"

MAX_CHOSEN = 5000
"""Most photos that one request may name: to save them, or to mark them."""

MAX_TEXT = 4096
"""Longest text in a parameter or field, in characters; the query has a limit of its own, in the settings."""

MAX_VALUES = 16
"""How often one filter may be given."""

MAX_FOLDERS = 1000
"""Most folders listed of one folder."""


@dataclass(frozen=True)
class BodyLimits:
    """How long the body of a request may take, and how much memory all bodies may use together."""

    piece_seconds: float = 30.0
    """Longest wait for the next piece."""
    bytes_a_second: int = 32 * 1024
    """Slowest average, from `piece_seconds` after the start on."""
    total_seconds: float = 600.0
    memory_bytes: int = 4 * MAX_UPLOAD_BYTES
    """Pictures of all requests held at one time, in bytes as they were sent."""

    def seconds(self, received: int) -> float:
        """How long a body may take from its start if this many bytes have arrived."""
        return min(self.total_seconds, self.piece_seconds + received / self.bytes_a_second)


@dataclass(frozen=True)
class Limits:
    """How many connections there may be, and how long each may take."""

    connections: int = 1000
    per_address: int = 250
    """Connections from one IPv4 address or one IPv6 network of 64 bits."""
    header_seconds: float = 15.0
    """From the start of a connection, or the end of an answer, to the last header of the next request."""
    idle_seconds: int = 5
    """How long a connection is kept after an answer."""
    write_seconds: float = 30.0
    """How long a client may take to read `write_bytes` of an answer."""
    write_bytes: int = 32 * 1024
    body: BodyLimits = field(default_factory=BodyLimits)
    pictures_at_once: int = 4
    """Pictures decoded and searched by at one time. Further requests wait after their pictures have arrived, so that a
    slow client does not keep others waiting."""

    def of_each(self, processes: int) -> Limits:
        """The limits of each of so many worker processes.

        Memory is the machine's, so they divide it; one picture may always be received and decoded. Connections and
        descriptors are a process's own, so each may have as many as one process alone.
        """
        body = replace(self.body, memory_bytes=self.body.memory_bytes // processes)
        return replace(self, body=body, pictures_at_once=max(1, self.pictures_at_once // processes))


LIMITS = Limits()
