"""Connections of clients: how many there may be, and how long each may keep the server waiting.

uvicorn ends only connections that are idle after an answer. It does not end those whose client never sends a request,
sends half of one, or never reads its answer (docs/adr/0019-hostile-clients.md).
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

from .addresses import Network, client_key, is_in
from .limits import LIMITS, Limits
from .repeats import once_a_minute

log = logging.getLogger("polyglance.connections")
log.addFilter(once_a_minute)

OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
FRESH_SECONDS = 0.1
"""A new connection is not ended to make room within this time: its request may not have been read yet."""


def _refusal() -> bytes:
    content = {"type": "about:blank", "title": "Service Unavailable", "status": 503}
    body = json.dumps(content | {"detail": "There are too many connections.", "hint": "Try again later."}).encode()
    head = "HTTP/1.1 503 Service Unavailable", "Content-Type: application/problem+json", "Retry-After: 5"
    return "\r\n".join((*head, "Connection: close", f"Content-Length: {len(body)}", "", "")).encode() + body


REFUSAL = _refusal()


class ConnectionTable:
    """All open connections of one server, by address; addresses in `proxies` have no limit of their own."""

    def __init__(self, limits: Limits = LIMITS, proxies: Collection[Network] = ()) -> None:
        self.limits = limits
        self._proxies = tuple(proxies)
        self._all: set[Connection] = set()
        self._by_address: defaultdict[str, set[Connection]] = defaultdict(set)

    def enter(self, connection: Connection) -> bool:
        """Add a connection. Return False if there are too many and none of them can be ended to make room."""
        address = connection.address
        neighbours = self._by_address[client_key(address)]
        if not is_in(address, self._proxies) and not self._make_room(neighbours, self.limits.per_address):
            log.warning("Too many connections from %s: further ones are refused.", address)
            return False
        if not self._make_room(self._all, self.limits.connections):
            log.warning("There are %d connections: further ones are refused.", self.limits.connections)
            return False
        self._all.add(connection)
        self._by_address[client_key(address)].add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Remove a connection, if it is in the table."""
        self._all.discard(connection)
        neighbours = self._by_address[client_key(connection.address)]
        neighbours.discard(connection)
        if not neighbours:
            del self._by_address[client_key(connection.address)]

    def end_overdue(self, now: float) -> None:
        """End the connections whose clients have kept the server waiting for too long."""
        for connection in [each for each in self._all if each.is_overdue(now)]:
            self._end(connection)

    def end_all(self) -> None:
        """End every connection, also one that is being answered."""
        for connection in list(self._all):
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        self.leave(connection)
        connection.transport.abort()

    def _make_room(self, connections: set[Connection], limit: int) -> bool:
        """Whether there is room for one more, made by ending the connection that has waited longest for a request."""
        if len(connections) < limit:
            return True
        waiting = [each for each in connections if each.can_make_room]
        if waiting:
            self._end(max(waiting, key=lambda each: each.seconds_without_request))
        return bool(waiting)


class Connection(H11Protocol):
    """The connection of one client."""

    def __init__(self, *arguments: Any, table: ConnectionTable, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._table = table
        self._since = self.loop.time()
        self._unread: tuple[int, float] | None = None
        """(bytes of an answer that wait for the client to read, since when their number has not fallen much)."""

    @property
    def address(self) -> str:
        """The client's address; empty if it is not known any more."""
        return self.client[0] if self.client else ""

    @property
    def seconds_without_request(self) -> float:
        """How long the client has been expected to send a request; 0 while one is being answered."""
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            return 0.0
        return self.loop.time() - self._since

    @property
    def can_make_room(self) -> bool:
        """Whether it can be ended without loss: its client only has to connect again."""
        return self.seconds_without_request > (FRESH_SECONDS if self.cycle is None else 0.0)

    def is_overdue(self, now: float) -> bool:
        """Whether the client does not read an answer, or does not complete a request, for longer than it may."""
        if self.flow.write_paused or self.transport.is_closing():
            return self._is_stalled(now)
        return self.seconds_without_request > self._table.limits.header_seconds

    def _is_stalled(self, now: float) -> bool:
        size = self.transport.get_write_buffer_size()
        if self._unread is None or size <= self._unread[0] - self._table.limits.write_bytes:
            self._unread = (size, now)
        return now - self._unread[1] > self._table.limits.write_seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection, or refuse it if there are too many."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if not self._table.enter(self):
            transport.write(REFUSAL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from the table."""
        self._table.leave(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the time for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Continue an answer: the client has read most of it."""
        self._unread = None
        super().resume_writing()

    def _should_upgrade(self) -> bool:
        """Refuse WebSockets: uvicorn would use another class for them, without these limits."""
        return False


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one line that connections cannot be accepted; asyncio would print a traceback at each attempt."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in OUT_OF_RESOURCES:
        log.error("Connections cannot be accepted: %s. They wait. Raise the limit: ulimit -n.", error.strerror)
    elif isinstance(error, ValueError) and "_start_serving" in context.get("message", ""):
        return  # asyncio tries again after a second, also if the server has closed its socket in the meantime
    else:
        loop.default_exception_handler(context)
