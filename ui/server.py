"""Serving the page and the HTTP API, on this machine only."""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from ..errors import UsageError
from ..library import Library
from . import api, app, assets, media, problems
from .gate import Gate, is_loopback
from .jobs import Jobs

log = logging.getLogger("polyglance")

GRACE_SECONDS = 2
"""How long requests in progress may take after Ctrl-C."""


def serve(library: Library, *, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. `on_ready` gets the address once the server answers; port 0 is any free one.

    Raises UsageError if it cannot listen there.
    """
    with listen(host, port) as listener:
        server = Server(build(library), address_of(listener), on_ready)
        threading.Thread(target=_warm_up, args=(library,), daemon=True, name="polyglance-warm-up").start()
        server.run(sockets=[listener])


def build(library: Library) -> FastAPI:
    """Return the whole web application over `library`: page, pictures, HTTP API."""
    page = app.mounted()
    jobs = Jobs(library)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with page.router.lifespan_context(page):
            yield
        await run_in_threadpool(jobs.close)

    whole = FastAPI(
        title="polyglance",
        version="1",
        # The usual documentation pages load scripts from another server; the schema alone does not.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    whole.include_router(api.router(library, jobs))
    whole.include_router(media.router(library))
    whole.include_router(assets.router())
    problems.register(whole)
    whole.mount("/", app.OnlyThePage(page))
    whole.add_middleware(Gate)
    return whole


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port`. Raises UsageError if that is not this machine, or not possible."""
    if not is_loopback(host):
        raise UsageError(
            f"{host} is not an address of this machine alone.",
            "polyglance has no passwords yet, so it serves 127.0.0.1, ::1 or localhost only.",
        )
    if not 0 <= port <= 65535:
        raise UsageError(f"{port} is no port.", "Ports go from 0, which is any free one, to 65535.")
    name = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        return socket.create_server((name, port), family=family)
    except OSError as error:
        raise _cannot_listen(name, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    other = "Choose another with --port, or 0 for any free one."
    if error.errno in {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}:
        return UsageError(f"Port {port} on {host} is in use.", other)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return UsageError(f"Port {port} on {host} may not be used.", other)
    return UsageError(f"Cannot listen on {host}, port {port}: {error.strerror}.", "Check --host and --port.")


def address_of(listener: socket.socket) -> str:
    """Return the address of the page, as it is typed into a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn that says when it listens and that ends, when told to, by returning."""

    def __init__(self, application: FastAPI, address: str, on_ready: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._address = address
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready(self._address)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM; unlike uvicorn, do not raise them again: the library is closed after us."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _warm_up(library: Library) -> None:
    """Load what a search needs, so that the first one does not wait."""
    try:
        library.search("a first search", 1)
    except Exception as error:  # nobody asked; whoever searches is told
        log.debug("The first search failed.", exc_info=error)
