"""Serving the page and the HTTP API: on this machine only, unless there is a password or token."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import re
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from functools import partial
from typing import cast

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from ...errors import UsageError
from ...library import Library
from .. import api
from ..page import app, assets
from . import addresses, problems
from .auth import Secret
from .connections import Connection, Crowd, on_loop_error
from .descriptors import within_descriptors
from .gate import THIS_MACHINE, Gate, Policy, is_address, is_loopback
from .jobs import Jobs
from .limits import LIMITS, Limits
from .repeats import once_a_minute

log = logging.getLogger("polyglance")

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)

GRACE_SECONDS = 2
"""How long requests in progress may take after Ctrl-C."""

ACCEPTED_AT_ONCE = 32
"""Few, because each has a descriptor before `Connection` can refuse it."""
QUEUED = 1024
"""Connections that wait in the system to be accepted."""


def serve(
    library: Library,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    secret: Secret | None = None,
    names: Collection[str] = (),
    proxies: Collection[str] = (),
) -> None:
    """Serve until Ctrl-C or SIGTERM. `on_ready` gets the address once the server answers; port 0 is any free one.

    With a `secret`, which every request must carry then, `host` may be an address that others reach, and `names` host
    names that lead to it. `proxies` are the addresses, or networks, of those whose X-Forwarded-For is believed. Raises
    UsageError if it cannot listen there.
    """
    policy = policy_for(host, secret, names, proxies)
    limits = within_descriptors(LIMITS)
    with listen(host, port) as listener:
        application = build(library, policy, limits)
        server = Server(application, address_of(listener), on_ready, limits=limits, proxies=policy.proxies)
        threading.Thread(target=_warm_up, args=(library,), daemon=True, name="polyglance-warm-up").start()
        server.run(sockets=[listener])


def policy_for(host: str, secret: Secret | None, names: Collection[str] = (), proxies: Collection[str] = ()) -> Policy:
    """Who is served at this address. Raises UsageError if others can reach it and nothing keeps them out."""
    is_open = not is_loopback(host)
    if is_open and not is_address(host):
        raise UsageError(f"{host or 'Nothing'} is not an address of this machine.", "Give an IP address, or localhost.")
    if secret is None and (is_open or names):
        what = f"{host} can be reached by others" if is_open else "Another name than localhost can be reached by others"
        raise UsageError(
            f"{what}, and there is no password.",
            "Put user:password or a token into a file only you can read, and add --auth FILE (or use POLYGLANCE_AUTH).",
        )
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise UsageError(f"{wrong[0][:80]} is no host name.", "For example: --allow-host photos.example.org")
    return Policy(secret, is_open, frozenset(name.lower() for name in names), addresses.networks(proxies))


def build(library: Library, policy: Policy = THIS_MACHINE, limits: Limits = LIMITS) -> FastAPI:
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
        openapi_url=f"{api.PREFIX}/openapi.json",
        description=api.openapi.DESCRIPTION,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    api.install(whole, library, jobs, with_password=policy.secret is not None)
    whole.include_router(assets.router())
    problems.register(whole)
    whole.mount("/", app.OnlyThePage(page))
    whole.add_middleware(Gate, policy=policy, bounds=limits.body)
    return whole


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
    # Connections take it over; asyncio does it for sockets of its own only. Without it the second part of an answer
    # waits 40 ms for the client to acknowledge the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


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

    def __init__(
        self,
        application: FastAPI,
        address: str,
        on_ready: Callable[[str], None],
        *,
        limits: Limits = LIMITS,
        proxies: Collection[addresses.Network] = (),
    ) -> None:
        self._crowd = Crowd(limits, proxies)
        super().__init__(
            uvicorn.Config(
                application,
                http=cast("type[asyncio.Protocol]", partial(Connection, crowd=self._crowd)),
                log_level="warning",
                access_log=False,
                server_header=False,
                # Who a client is decides how long it waits after wrong passwords: only a proxy that was named may say.
                proxy_headers=bool(proxies),
                forwarded_allow_ips=[str(network) for network in proxies],
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=GRACE_SECONDS + 1,
                backlog=ACCEPTED_AT_ONCE,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(once_a_minute)
        self._address = address
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        asyncio.get_running_loop().set_exception_handler(on_loop_error)
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUED)  # asyncio has one number for this and for how many it accepts at once
        if self.started:
            self._on_ready(self._address)

    async def on_tick(self, counter: int) -> bool:
        """End connections that are overdue; called ten times a second."""
        self._crowd.end_overdue(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, after GRACE_SECONDS at most: then the connections are closed, and their requests end by themselves."""
        deadline = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._crowd.end_all)
        await super().shutdown(sockets)
        deadline.cancel()

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
