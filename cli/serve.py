"""`serve`: the page and the HTTP API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PolyglanceError
from .options import LibraryOption, open_library
from .output import encoder_note, note, progress_lines
from .stopping import PATIENCE_SECONDS

if TYPE_CHECKING:
    from ..library import Library


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for any free one. [default: 7860]")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow changes in the library's folders meanwhile.")] = False,
    library: LibraryOption = None,
) -> None:
    """Serve the search page and the HTTP API over a library until Ctrl-C."""
    with open_library(context, library, create=True) as opened:
        if encoder := opened.status().encoder:
            encoder_note(encoder.name)
        with watching(opened) if watch else nullcontext():
            serve_until_stopped(opened, host, port)


@contextmanager
def watching(library: Library) -> Iterator[None]:
    """Follow changes in a thread meanwhile; the batch in hand is finished at the end."""
    from ..indexer.stop import Stop

    stop = Stop()

    def follow() -> None:
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


def serve_until_stopped(library: Library, host: str | None, port: int | None) -> None:
    """Serve the page and the API over `library`; host and port default to the settings'."""
    note("Starting the page …")
    from ..ui.server import serve as serve_library

    serve_library(
        library,
        host=library.settings.host if host is None else host,
        port=library.settings.port if port is None else port,
        on_ready=lambda address: typer.echo(f"polyglance is at {address} (Ctrl-C stops it)"),
    )
