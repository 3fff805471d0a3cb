"""The socket that the server listens on, and its address."""

from __future__ import annotations

import errno
import socket

from ...errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host`, an address or localhost, and `port`. Raises UsageError if it cannot be."""
    if not 0 <= port <= 65535:
        raise UsageError(f"{port} is no port.", "Ports go from 0, which is any free one, to 65535.")
    name = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        listener = socket.create_server((name, port), family=family)
    except OSError as error:
        raise _cannot_listen(name, port, error) from error
    # Connections inherit this; asyncio sets it only for sockets that it makes itself. Without it the second part of an
    # answer waits 40 ms for the client to acknowledge the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    hint = "Choose another with --port, or 0 for any free one."
    if error.errno in {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}:
        return UsageError(f"Port {port} on {host} is in use.", hint)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return UsageError(f"Port {port} on {host} may not be used.", hint)
    return UsageError(f"Cannot listen on {host}, port {port}: {error.strerror}.", "Check --host and --port.")


def address_of(listener: socket.socket) -> str:
    """Return the address of the page, as it is typed into a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
