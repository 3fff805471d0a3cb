"""`serve`: the page and the HTTP API."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import priority
from ..errors import LibraryBusy, PolyglanceError, UsageError
from .options import LibraryOption, PrecisionOption, RuntimeOption, open_library
from .output import encoder_note, note, progress_lines
from .stopping import PATIENCE_SECONDS

if TYPE_CHECKING:
    from socket import socket

    from ..library import Library
    from ..ui.web.policy import Policy
    from ..ui.web.server import Offers

log = logging.getLogger("polyglance")

WATCHER_SECONDS = 5.0
"""How often a process of many sees whether the one that watches has ended."""


class LogFormat(StrEnum):
    """How the server's log is written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class Serving:
    """What is served beside page and API, and by how many processes."""

    gradio_api: bool = False
    mcp: bool = False
    metrics: bool = False
    processes: int = 1
    watch: bool = False
    log_json: bool = False


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address to listen on. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port, 0 for any free one. [default: 7860]")] = None,
    auth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with user:password or a token, asked for from then on."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name the server is reached by, such as that of a proxy before it."),
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="A proxy, or a network of them, that says whom each request comes from."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow changes in the library's folders meanwhile.")] = False,
    gradio_api: Annotated[
        bool, typer.Option("--gradio-api", help="Offer searches to gradio_client, at /simple.")
    ] = False,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Offer searches to assistants, at /mcp (Model Context Protocol).")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, max=64, metavar="N", help="Processes that serve, each with the encoder in memory.")
    ] = 1,
    metrics: Annotated[bool, typer.Option("--metrics", help="Offer figures to Prometheus, at /metrics.")] = False,
    log_format: Annotated[
        LogFormat, typer.Option(help="How the log is written; json has a line for each request.")
    ] = LogFormat.TEXT,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    library: LibraryOption = None,
) -> None:
    """Serve the search page and the HTTP API over a library until Ctrl-C."""
    serving = Serving(gradio_api, mcp, metrics, processes, watch, log_format is LogFormat.JSON)
    with open_library(context, library, create=True) as opened:
        if encoder := opened.status().encoder:
            encoder_note(encoder.name)
        # Of many processes one watches: see `worker`.
        with watching(opened) if watch and processes == 1 else nullcontext():
            serve_until_stopped(opened, host, port, auth, allow_host or [], proxy or [], serving)


@contextmanager
def watching(library: Library, *, waits: bool = False) -> Iterator[None]:
    """Follow changes in a thread during this block; at its end, the batch in hand is finished.

    If another process watches: `waits` until that one has ended, or says so and does not watch.
    """
    from ..indexer.run.stop import Stop

    stop = Stop()

    def follow() -> None:
        priority.give_way()
        while not stop.asked:
            try:
                return library.watch(stop=stop, progress=progress_lines("Indexing"))
            except LibraryBusy as error:
                if not waits:
                    return note(f"Not watching: {error}")
            except PolyglanceError as error:
                return note(f"Not watching: {error}")
            ended.wait(WATCHER_SECONDS)
        return None

    ended = threading.Event()
    thread = threading.Thread(target=follow, name="polyglance-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        ended.set()
        thread.join(PATIENCE_SECONDS)


def serve_until_stopped(
    library: Library,
    host: str | None,
    port: int | None,
    auth: Path | None = None,
    names: Sequence[str] = (),
    proxies: Sequence[str] = (),
    serving: Serving = Serving(),
) -> None:
    """Serve the page and the API over `library`; host, port, password and proxies default to the settings'."""
    from ..ui.web import logs

    if serving.log_json:
        logs.use_json()
    say = log.info if serving.log_json else note
    say("Starting the page …")
    from ..ui.web import auth as authentication
    from ..ui.web.listening import listen
    from ..ui.web.policy import is_loopback, policy_for
    from ..ui.web.server import Offers, serve_on

    settings = library.settings
    address = settings.host if host is None else host
    secret = authentication.read(auth) if auth else None
    if secret is None and settings.auth is not None:
        secret = authentication.Secret.from_text(settings.auth.get_secret_value())

    trusted_proxies = proxies or settings.proxy

    def on_ready(url: str) -> None:
        typer.echo(f"polyglance is at {url} (Ctrl-C stops it)")
        if not is_loopback(address):
            say("Others who know the password can search these photos and add folders of this machine.")
            say("The connection is not encrypted: put a proxy with TLS before it where you do not trust the network.")
        if names and not trusted_proxies:
            say("Whoever comes through a proxy counts as one client: name the proxy with --proxy ADDRESS.")

    policy = policy_for(address, secret, names, trusted_proxies)
    offers = Offers(gradio_api=serving.gradio_api, mcp=serving.mcp, metrics=serving.metrics)
    with listen(address, settings.port if port is None else port) as listener:
        if serving.processes == 1:
            serve_on(listener, library, policy, offers, on_ready)
        else:
            _serve_by_many(library, policy, offers, listener, on_ready, serving)


def _serve_by_many(
    library: Library,
    policy: Policy,
    offers: Offers,
    listener: socket,
    on_ready: Callable[[str], None],
    serving: Serving,
) -> None:
    """Serve by several processes. Raises UsageError where that cannot be."""
    from ..ui.web.listening import address_of
    from ..ui.web.sharing import shared_by
    from ..ui.web.supervisor import Supervisor
    from . import worker

    if sys.platform == "win32":
        raise UsageError("--processes needs Linux or macOS.", "Start the server without it.")
    if offers.gradio_api:
        raise UsageError("--gradio-api needs a server of one process.", "Leave out --processes or --gradio-api.")
    with shared_by(serving.processes) as sharing:
        plan = worker.Plan(
            library.folder, library.settings, policy, offers, sharing, watch=serving.watch, log_json=serving.log_json
        )
        arguments = (plan, listener)
        Supervisor(serving.processes, worker.work, arguments, lambda: on_ready(address_of(listener))).run()
