"""Connections of clients: how many there may be, and how long each may keep the server waiting.

uvicorn ends a connection that is idle after an answer, and nothing else: not one that never sends a request, sends half
of one, or never reads its answer (docs/adr/0019-hostile-clients.md).
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from .addresses import Network, group, is_in
from .limits import LIMITS, Limits
from .repeats import once_a_minute

log = logging.getLogger("polyglance.connections")
log.addFilter(once_a_minute)

OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
FRESH_SECONDS = 0.1
"""How long a new connection is left alone: its request may have come and not been read yet."""


def _refusal() -> bytes:
    content = {"type": "about:blank", "title": "Service Unavailable", "status": 503}
    body = json.dumps(content | {"detail": "There are too many connections.", "hint": "Try again later."}).encode()
    head = "HTTP/1.1 503 Service Unavailable", "Content-Type: application/problem+json", "Retry-After: 5"
    return "\r\n".join((*head, "Connection: close", f"Content-Length: {len(body)}", "", "")).encode() + body


REFUSAL = _refusal()


class Crowd:
    """All open connections of one server, by address; `proxies` may have as many as they like of the whole."""

    def __init__(self, limits: Limits = LIMITS, proxies: Collection[Network] = ()) -> None:
        self.limits = limits
        self._proxies = tuple(proxies)
        self._all: set[Connection] = set()
        self._by_address: defaultdict[str, set[Connection]] = defaultdict(set)

    def enter(self, connection: Connection) -> bool:
        """Count a connection. False if it is one too many, and no other one waits for a request and can make room."""
        address = connection.address
        neighbours = self._by_address[group(address)]
        if not is_in(address, self._proxies) and not self._has_room(neighbours, self.limits.per_address):
            log.warning("Too many connections from %s: further ones are refused.", address)
            return False
        if not self._has_room(self._all, self.limits.connections):
            log.warning("There are %d connections: further ones are refused.", self.limits.connections)
            return False
        self._all.add(connection)
        self._by_address[group(address)].add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Count it no longer, if it was counted."""
        self._all.discard(connection)
        neighbours = self._by_address[group(connection.address)]
        neighbours.discard(connection)
        if not neighbours:
            del self._by_address[group(connection.address)]

    def end_overdue(self, now: float) -> None:
        """End the connections whose clients have kept the server waiting for too long."""
        for connection in [each for each in self._all if each.is_overdue(now)]:
            self._end(connection)

    def end_all(self) -> None:
        """End every connection, whatever it does."""
        for connection in list(self._all):
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        self.leave(connection)
        connection.transport.abort()

    def _has_room(self, connections: set[Connection], most: int) -> bool:
        """Whether there is room for one more, if need be by ending the one that has waited longest for a request."""
        if len(connections) < most:
            return True
        waiting = [each for each in connections if each.can_make_room]
        if waiting:
            self._end(max(waiting, key=lambda each: each.seconds_without_request))
        return bool(waiting)


class Connection(H11Protocol):
    """The connection of one client."""

    def __init__(self, *arguments: Any, crowd: Crowd, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._crowd = crowd
        self._since = self.loop.time()
        self._unread: tuple[int, float] | None = None
        """Bytes of an answer that wait for the client to read, and since when there are not many fewer."""

    @property
    def address(self) -> str:
        """Where it comes from; empty if that is not known any more."""
        return self.client[0] if self.client else ""

    @property
    def seconds_without_request(self) -> float:
        """How long the client has been expected to send a request; 0 while one is being answered."""
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            return 0.0
        return self.loop.time() - self._since

    @property
    def can_make_room(self) -> bool:
        """Whether it can be ended and its client, if it means well, only has to connect again."""
        return self.seconds_without_request > (FRESH_SECONDS if self.cycle is None else 0.0)

    def is_overdue(self, now: float) -> bool:
        """Whether the client reads nothing of an answer, or sends no whole request, for longer than it may."""
        if self.flow.write_paused or self.transport.is_closing():
            return self._is_unread(now)
        return self.seconds_without_request > self._crowd.limits.header_seconds

    def _is_unread(self, now: float) -> bool:
        size = self.transport.get_write_buffer_size()
        if self._unread is None or size <= self._unread[0] - self._crowd.limits.write_bytes:
            self._unread = (size, now)
        return now - self._unread[1] > self._crowd.limits.write_seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or refuse it if there are too many."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if not self._crowd.enter(self):
            transport.write(REFUSAL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._crowd.leave(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request from now on."""
        self._since = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Go on with an answer of which the client has read most."""
        self._unread = None
        super().resume_writing()

    def _should_upgrade(self) -> bool:
        """Speak HTTP only: a WebSocket would be a connection of another class, without these limits."""
        return False


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say in one line that connections cannot be accepted: asyncio, which tries again, prints a traceback for each."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in OUT_OF_RESOURCES:
        log.error("Connections cannot be accepted: %s. They wait. Raise the limit: ulimit -n.", error.strerror)
    elif isinstance(error, ValueError) and "_start_serving" in context.get("message", ""):
        return  # asyncio tries again a second later, also if the server has ended and closed its socket meanwhile
    else:
        loop.default_exception_handler(context)
