"""`watch`: index, then follow the folders; `exclude`: what to leave out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .index import print_doubts, summarise_changes
from .options import (
    EncoderOption,
    JsonOption,
    LibraryOption,
    PrecisionOption,
    RuntimeOption,
    library_folder,
    open_library,
    wants_json,
)
from .output import note, print_failures, print_json, progress_bar, progress_lines
from .stopping import stoppable

if TYPE_CHECKING:
    from ..indexer.run.report import Report


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(watch)
    app.command()(exclude)


def watch(
    context: typer.Context,
    folders: Annotated[
        list[Path] | None, typer.Argument(readable=False, metavar="FOLDER…", help="Photo folders to add.")
    ] = None,
    encoder: EncoderOption = None,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    library: LibraryOption = None,
) -> None:
    """Index folders, then stay and follow what changes in all folders of the library, until Ctrl-C."""
    from ..indexer.run.places import check_folders, refuse_library

    if folders:
        refuse_library(check_folders(folders), os.fsencode(library_folder(context, library)))
    with open_library(context, library, create=bool(folders)) as opened, stoppable() as stop:
        if folders:
            with progress_bar("Indexing") as show:
                print_watched(opened.index(folders, encoder=encoder, progress=show, stop=stop))
        roots = opened.status().roots
        note(f"Watching {len(roots)} folder{'s' if len(roots) != 1 else ''}; Ctrl-C ends it.")
        opened.watch(stop=stop, progress=progress_lines("Indexing"), on_report=print_watched)
        note("Stopped watching; all is kept.")


def exclude(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None, typer.Argument(metavar="PATTERN…", help="Lines as in a .gitignore: drafts/ *.tmp.jpg")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take these patterns out of the list again.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leave files and folders out of the library, or list what is left out."""
    with open_library(context, library) as opened:
        excluded = opened.excluded()
        if patterns:
            if remove and (unknown := [pattern for pattern in patterns if pattern not in excluded]):
                raise UsageError(f"{unknown[0]!r} is not on the list.", "Run 'polyglance exclude' to see it.")
            kept = [pattern for pattern in excluded if pattern not in patterns]
            excluded = kept if remove else kept + list(dict.fromkeys(patterns))
            opened.exclude(excluded)
    if wants_json(context, as_json):
        from ..answers.indexing import Excluded

        print_json(Excluded(excluded=excluded))
        return
    for pattern in excluded:
        typer.echo(pattern)
    if patterns:
        note("The next 'polyglance index', or the running 'watch', applies this.")
    else:
        note("Hidden files and what systems keep for themselves (@eaDir, .Trash*, ._* …) are left out anyway.")


def print_watched(report: Report) -> None:
    """Print what changed in one line with the time, if anything did."""
    changes = summarise_changes(report)
    if changes:
        typer.echo(f"{time.strftime('%H:%M:%S')}  {changes} in {report.seconds:.1f} s")
    print_doubts(report)
    if report.tally.failures:
        print_failures(report.tally.failures)
