"""`serve`: the page and the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import LibraryOption, open_library
from .output import encoder_note, note

if TYPE_CHECKING:
    from ..library import Library


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for any free one. [default: 7860]")] = None,
    library: LibraryOption = None,
) -> None:
    """Serve the search page and the HTTP API over a library until Ctrl-C."""
    with open_library(context, library, create=True) as opened:
        if encoder := opened.status().encoder:
            encoder_note(encoder.name)
        serve_until_stopped(opened, host, port)


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
