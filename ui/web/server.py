"""Serving the page and the HTTP API: on this machine only, unless there is a password or token."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from ...config import TILES
from ...errors import LibraryBusy
from ...library import Library
from .. import api, assistants
from ..page import assets, installing
from . import health, logs, problems
from . import metrics as metrics_of_server
from .addresses import Network
from .auth import Secret
from .connections import Connection, ConnectionTable, on_loop_error
from .descriptors import within_descriptors
from .frontends import Frontends
from .gate import Gate
from .jobs import Jobs
from .limits import LIMITS, Limits
from .listening import address_of, listen
from .metrics import Metrics
from .observing import Observer
from .policy import THIS_MACHINE, Policy, policy_for
from .repeats import once_a_minute
from .sharing import ALONE, Sharing
from .tracing import Tracing

log = logging.getLogger("polyglance")

GRACE_SECONDS = 2
"""How long requests in progress may take after Ctrl-C."""

ACCEPTED_AT_ONCE = 32
"""Few, because each connection has a descriptor before `Connection` can refuse it."""
QUEUED = 1024
"""Most connections that wait in the system to be accepted."""


@dataclass(frozen=True)
class Offers:
    """What is served for other programs beside the HTTP API, if the user asks for it.

    `gradio_api` needs a server of one process.
    """

    gradio_api: bool = False
    mcp: bool = False
    metrics: bool = False


def serve(
    library: Library,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    secret: Secret | None = None,
    names: Collection[str] = (),
    proxies: Collection[str] = (),
    offers: Offers = Offers(),
) -> None:
    """Serve until Ctrl-C or SIGTERM. `on_ready` gets the address once the server answers; port 0 is any free one.

    With a `secret`, which every request must then carry, `host` may be an address that others can reach, and `names`
    host names that lead to it. `proxies` are the addresses, or networks, of proxies whose X-Forwarded-For is believed.
    Raises UsageError if it cannot listen there.
    """
    policy = policy_for(host, secret, names, proxies)
    with listen(host, port) as listener:
        serve_on(listener, library, policy, offers, on_ready)


def serve_on(
    listener: socket.socket,
    library: Library,
    policy: Policy,
    offers: Offers,
    on_ready: Callable[[str], None],
    sharing: Sharing = ALONE,
) -> None:
    """Serve connections to `listener`, alone or as one of the processes that share it. Raises UsageError."""
    limits = within_descriptors(LIMITS.of_each(sharing.processes))
    application = build(library, policy, limits, offers, ahead=True, sharing=sharing)
    # Of many, the process that is idle shall have the next connection: none takes several.
    at_once = ACCEPTED_AT_ONCE if sharing.processes == 1 else 1
    server = Server(
        application, address_of(listener), on_ready, limits=limits, proxies=policy.proxies, accepted_at_once=at_once
    )
    threading.Thread(target=_warm_up, args=(library,), daemon=True, name="polyglance-warm-up").start()
    server.run(sockets=[listener])


def build(
    library: Library,
    policy: Policy = THIS_MACHINE,
    limits: Limits = LIMITS,
    offers: Offers = Offers(),
    *,
    ahead: bool = False,
    sharing: Sharing = ALONE,
    tracing: Tracing | None = None,
) -> FastAPI:
    """Return the complete web application for `library`: page, pictures, HTTP API. Raises UsageError.

    What Gradio makes is built when it is first asked for, or at the start if `ahead`. `tracing` makes the spans.
    """
    is_alone = sharing.processes == 1
    frontends = Frontends(library, has_api=offers.gradio_api, ahead=ahead, has_blocks=is_alone)
    jobs = Jobs(library)
    metrics = Metrics(library, jobs.state, sharing) if offers.metrics else None
    tools = assistants.make_endpoint(library) if offers.mcp else None

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with frontends.running(), tools.running() if tools else contextlib.nullcontext():
            yield
        await run_in_threadpool(jobs.close)

    application = FastAPI(
        title="polyglance",
        version="1",
        # FastAPI's documentation pages load scripts from another server.
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{api.PREFIX}/openapi.json",
        description=api.openapi.DESCRIPTION,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    api.install(application, library, jobs, policy.secret, limits)
    application.include_router(health.router(library))
    if metrics:
        application.include_router(metrics_of_server.router(metrics))
    application.include_router(assets.router())
    application.include_router(installing.router())
    problems.register(application)
    if tools:
        application.router.routes.extend(tools.routes)
    if is_alone:
        application.add_route("/simple", lambda _: RedirectResponse("simple/"), include_in_schema=False)
    application.mount("/", frontends)
    tiles = TILES.fullmatch(library.settings.map_tiles or "")
    pictures_of = tiles[1] if tiles else None
    application.add_middleware(Gate, policy=policy, bounds=limits.body, pictures_of=pictures_of, sharing=sharing)
    application.add_middleware(Observer, metrics=metrics, tracing=tracing)
    return application


class Server(uvicorn.Server):
    """uvicorn that calls `on_ready` when it listens, and returns after SIGINT and SIGTERM."""

    def __init__(
        self,
        application: FastAPI,
        address: str,
        on_ready: Callable[[str], None],
        *,
        limits: Limits = LIMITS,
        proxies: Collection[Network] = (),
        accepted_at_once: int = ACCEPTED_AT_ONCE,
    ) -> None:
        self._connections = ConnectionTable(limits, proxies)
        super().__init__(
            uvicorn.Config(
                application,
                http=cast("type[asyncio.Protocol]", partial(Connection, table=self._connections)),
                log_config=None if logs.is_json() else uvicorn.config.LOGGING_CONFIG,
                log_level="warning",
                access_log=False,
                server_header=False,
                # The client's address decides how long it waits after wrong passwords: only named proxies may state it.
                proxy_headers=bool(proxies),
                forwarded_allow_ips=[str(network) for network in proxies],
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=GRACE_SECONDS + 1,
                backlog=accepted_at_once,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(once_a_minute)
        self._address = address
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then call `on_ready`."""
        asyncio.get_running_loop().set_exception_handler(on_loop_error)
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUED)  # asyncio has one number for this and for ACCEPTED_AT_ONCE
        if self.started:
            self._on_ready(self._address)

    async def on_tick(self, counter: int) -> bool:
        """End connections that are overdue; called ten times a second."""
        self._connections.end_overdue(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish requests for GRACE_SECONDS at most; closing the connections then ends those that are left."""
        deadline = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._connections.end_all)
        await super().shutdown(sockets)
        deadline.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM. Unlike uvicorn, do not raise them again: the caller has to close the library."""
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
    """Run a search to load the encoder and the vectors, so that the first request does not wait.

    Then make the labels that an older library lacks, unless another process is writing, and what explores them.
    """
    try:
        library.search("a first search", 1)
        with contextlib.suppress(LibraryBusy):
            library.label()
        library.explore()
    except Exception as error:  # the next search reports it to its user
        log.debug("The first search failed.", exc_info=error)
