"""`status`: what a library holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import JsonOption, LibraryOption, open_library, wants_json
from .output import encoder_note, print_json

if TYPE_CHECKING:
    from ..library import Status


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
        print_json(document(found, with_failures=failed))
    else:
        print_status(found, with_failures=failed)


def document(found: Status, *, with_failures: bool) -> dict[str, Any]:
    """The `--json` document of `status`: docs/design.md section 7; `failures` is added by `--failed`."""
    from ..data import paths

    result = {
        "photos": found.photos,
        "failed": len(found.failures),
        "roots": [
            {"path": paths.display(root.path), "state": state, "photos": root.photos} for root, state in found.roots
        ],
        "encoder": found.encoder.name if found.encoder else None,
        "dimension": found.encoder.dimension if found.encoder else None,
        "index": "exact",
        "generation": found.generation,
        "watch": None,
    }
    if with_failures:
        result["failures"] = [{"path": paths.display(photo.path), "reason": photo.error} for photo in found.failures]
    return result


def print_status(found: Status, *, with_failures: bool) -> None:
    """The same for people."""
    from ..data import paths

    typer.echo(f"Library   {found.folder}")
    typer.echo(f"Photos    {found.photos}")
    for root, state in found.roots:
        typer.echo(f"Folder    {paths.display(root.path)}  ({root.photos} photos, {state})")
    if found.encoder:
        typer.echo(f"Encoder   {found.encoder.name}  ({found.encoder.dimension} dimensions)")
        encoder_note(found.encoder.name)
    if found.failures:
        hint = "" if with_failures else "  (reasons: polyglance status --failed)"
        typer.echo(f"Failed    {len(found.failures)} files{hint}")
    if with_failures:
        for photo in found.failures:
            typer.echo(f"  {paths.display(photo.path)}: {photo.error}")
