"""`status`: what a library holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption, LibraryOption, open_library, wants_json
from .output import encoder_note, print_json, printable

if TYPE_CHECKING:
    from ..library import Status as LibraryStatus


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(status)


def status(
    context: typer.Context,
    failed: Annotated[
        bool, typer.Option("--failed", help="List the files that could not be read, with reasons.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show folders, counts, encoder and the files that could not be read."""
    with open_library(context, library) as opened:
        library_status = opened.status()
    if wants_json(context, as_json):
        from ..answers.status import Status, StatusWithFailures

        print_json((StatusWithFailures if failed else Status).from_library(library_status))
    else:
        print_status(library_status, with_failures=failed)


def print_status(status: LibraryStatus, *, with_failures: bool) -> None:
    """Print what a library holds, for reading."""
    from ..data import paths

    typer.echo(f"Library   {printable(status.folder)}")
    typer.echo(f"Photos    {status.photos}")
    for root, state in status.roots:
        typer.echo(f"Folder    {paths.display(root.path)}  ({root.photos} photos, {state})")
        if root.missing:
            typer.echo(f"  {root.missing} of them were not found and are kept. If they were deleted:")
            typer.echo(f"  polyglance index {paths.display(root.path)} --yes")
    print_watch(status)
    if status.encoder:
        typer.echo(f"Encoder   {status.encoder.name}  ({status.encoder.dimension} dimensions)")
        encoder_note(status.encoder.name)
    if status.failures:
        hint = "" if with_failures else "  (reasons: polyglance status --failed)"
        typer.echo(f"Failed    {len(status.failures)} files{hint}")
    if with_failures:
        for photo in status.failures:
            typer.echo(f"  {paths.display(photo.path)}: {photo.error}")


def print_watch(status: LibraryStatus) -> None:
    """Print which process watches the library, and the folders that it does not watch natively."""
    from ..data import paths

    if status.watch is None:
        typer.echo("Watched   no  (polyglance watch)")
        return
    typer.echo(f"Watched   by process {status.watch.process}")
    names = {root.id: paths.display(root.path) for root, _ in status.roots}
    for each in status.watch.roots:
        if each.note and each.root_id in names:
            typer.echo(f"  {names[each.root_id]}: {each.how} ({each.note})")
