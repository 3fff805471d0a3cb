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
        found = opened.status()
    if wants_json(context, as_json):
        from ..answers.status import Status, StatusWithFailures

        print_json((StatusWithFailures if failed else Status).from_library(found))
    else:
        print_status(found, with_failures=failed)


def print_status(found: LibraryStatus, *, with_failures: bool) -> None:
    """The same for people."""
    from ..data import paths

    typer.echo(f"Library   {printable(found.folder)}")
    typer.echo(f"Photos    {found.photos}")
    for root, state in found.roots:
        typer.echo(f"Folder    {paths.display(root.path)}  ({root.photos} photos, {state})")
        if root.missing:
            typer.echo(f"  {root.missing} of them were not found and are kept. If they were deleted:")
            typer.echo(f"  polyglance index {paths.display(root.path)} --yes")
    print_watch(found)
    if found.encoder:
        typer.echo(f"Encoder   {found.encoder.name}  ({found.encoder.dimension} dimensions)")
        encoder_note(found.encoder.name)
    if found.failures:
        hint = "" if with_failures else "  (reasons: polyglance status --failed)"
        typer.echo(f"Failed    {len(found.failures)} files{hint}")
    if with_failures:
        for photo in found.failures:
            typer.echo(f"  {paths.display(photo.path)}: {photo.error}")


def print_watch(found: LibraryStatus) -> None:
    """Who watches the library, and where that is not the whole truth."""
    from ..data import paths

    if found.watch is None:
        typer.echo("Watched   no  (polyglance watch)")
        return
    typer.echo(f"Watched   by process {found.watch.process}")
    names = {root.id: paths.display(root.path) for root, _ in found.roots}
    for each in found.watch.roots:
        if each.note and each.root_id in names:
            typer.echo(f"  {names[each.root_id]}: {each.how} ({each.note})")
