"""`serve`: the page and the HTTP API."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import priority
from ..errors import PolyglanceError
from .options import LibraryOption, PrecisionOption, RuntimeOption, open_library
from .output import encoder_note, note, progress_lines
from .stopping import PATIENCE_SECONDS

if TYPE_CHECKING:
    from ..library import Library


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
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    library: LibraryOption = None,
) -> None:
    """Serve the search page and the HTTP API over a library until Ctrl-C."""
    with open_library(context, library, create=True) as opened:
        if encoder := opened.status().encoder:
            encoder_note(encoder.name)
        with watching(opened) if watch else nullcontext():
            serve_until_stopped(opened, host, port, auth, allow_host or [], proxy or [], gradio_api=gradio_api, mcp=mcp)


@contextmanager
def watching(library: Library) -> Iterator[None]:
    """Follow changes in a thread during this block; at its end, the batch in hand is finished."""
    from ..indexer.run.stop import Stop

    stop = Stop()

    def follow() -> None:
        priority.give_way()
        try:
            library.watch(stop=stop, progress=progress_lines("Indexing"))
        except PolyglanceError as error:
            note(f"Not watching: {error}")

    thread = threading.Thread(target=follow, name="polyglance-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        thread.join(PATIENCE_SECONDS)


def serve_until_stopped(
    library: Library,
    host: str | None,
    port: int | None,
    auth: Path | None = None,
    names: Sequence[str] = (),
    proxies: Sequence[str] = (),
    *,
    gradio_api: bool = False,
    mcp: bool = False,
) -> None:
    """Serve the page and the API over `library`; host, port, password and proxies default to the settings'."""
    note("Starting the page …")
    from ..ui.web import auth as authentication
    from ..ui.web.policy import is_loopback
    from ..ui.web.server import Offers
    from ..ui.web.server import serve as serve_library

    settings = library.settings
    address = settings.host if host is None else host
    secret = authentication.read(auth) if auth else None
    if secret is None and settings.auth is not None:
        secret = authentication.Secret.from_text(settings.auth.get_secret_value())

    trusted_proxies = proxies or settings.proxy

    def on_ready(url: str) -> None:
        typer.echo(f"polyglance is at {url} (Ctrl-C stops it)")
        if not is_loopback(address):
            note("Others who know the password can search these photos and add folders of this machine.")
            note("The connection is not encrypted: put a proxy with TLS before it where you do not trust the network.")
        if names and not trusted_proxies:
            note("Whoever comes through a proxy counts as one client: name the proxy with --proxy ADDRESS.")

    serve_library(
        library,
        host=address,
        port=settings.port if port is None else port,
        on_ready=on_ready,
        secret=secret,
        names=names,
        proxies=trusted_proxies,
        offers=Offers(gradio_api=gradio_api, mcp=mcp),
    )
