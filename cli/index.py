"""`index`, `reencode`, `forget`: the commands that change the photos of a library."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..progress import Progress, silent
from . import completion
from .options import (
    EncoderOption,
    JsonOption,
    LibraryOption,
    PrecisionOption,
    RuntimeOption,
    WorkersOption,
    has_library,
    library_folder,
    open_library,
    wants_json,
)
from .output import encoder_hint, note, print_failures, print_json, progress_bar
from .stopping import stoppable

if TYPE_CHECKING:
    from ..indexer.run.report import Report
    from ..library import Library

PARTLY = 3
"""Exit code: done, but some files failed, or folders were left out because another process indexes them."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(index)
    app.command()(reencode)
    app.command()(forget)


def index(
    context: typer.Context,
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER…",
            help="Photo folders, or s3://bucket/prefix; all of the library if there is none.",
        ),
    ] = None,
    encoder: EncoderOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="What is missing is gone for good, even if that is most of a folder.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also show where the time went, stage by stage, and what limits it.")
    ] = False,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Index photo folders: scan, encode what changed, forget what is gone. The folders are only read.

    Without a folder, all folders of the library are compared again, but those that another process is indexing.
    """
    from ..indexer.run.places import check_folders, refuse_library

    if folders:
        photo_folders = check_folders(folders)  # before a library is created
        refuse_library(photo_folders, os.fsencode(library_folder(context, library)))
    elif encoder:
        raise UsageError("--encoder is for a new library.", f"Switch one with: polyglance reencode --encoder {encoder}")
    create = bool(folders) or has_library(context, library)  # one of an older version is upgraded
    with open_library(context, library, create=create) as opened, stoppable() as stop:

        def run(confirmed: bool, progress: Progress = silent) -> Report:
            if folders:
                return opened.index(folders, encoder=encoder, confirmed=confirmed, progress=progress, stop=stop)
            return opened.rescan(confirmed=confirmed, progress=progress, stop=stop)

        with progress_bar("Indexing") as show:
            report = run(yes, show)
        can_ask = report.doubts and not as_json and sys.stdin.isatty() and sys.stderr.isatty()
        if can_ask and typer.confirm(f"{report.doubts[0].message} Remove them from the library?", err=True):
            print_report(report)
            report = run(True)
        if not folders:
            print_absent(opened)
            for error in report.busy:
                note(f"{error.message} It was left out of this run.")
    if wants_json(context, as_json):
        from ..answers.indexing import IndexRun, ProfiledIndexRun

        print_json((ProfiledIndexRun if profile else IndexRun).from_report(report))
    else:
        print_report(report)
        if profile:
            print_profile(report)
    if report.tally.failures:
        print_failures(report.tally.failures)
    if report.tally.failures or report.doubts or report.busy:
        raise typer.Exit(PARTLY)


def reencode(
    context: typer.Context,
    encoder: Annotated[
        str,
        typer.Option("--encoder", metavar="NAME", help="The encoder to switch to.", autocompletion=completion.encoders),
    ],
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    workers: WorkersOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Switch a library to another encoder: new vectors beside the old, which answer until all is done."""
    with open_library(context, library) as opened, stoppable() as stop, progress_bar("Encoding") as show:
        tally = opened.reencode(encoder, progress=show, stop=stop)
    if wants_json(context, as_json):
        from ..answers.indexing import Reencoded

        print_json(Reencoded(encoder=encoder, encoded=tally.encoded, failed=len(tally.failures)))
    else:
        reason = "" if tally.encoded else " No picture was encoded: the library has the vectors of its image tower."
        typer.echo(f"Encoded {tally.encoded} pictures with {encoder}, which answers from now on.{reason}")
    if tally.failures:
        print_failures(tally.failures)
        raise typer.Exit(PARTLY)


def forget(
    context: typer.Context,
    folder: Annotated[
        str,
        typer.Argument(metavar="FOLDER", help="A folder that was indexed.", autocompletion=completion.roots),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop a folder from the library. Its files are not touched, and favourites are kept for when it returns."""
    with open_library(context, library) as opened:
        forgettable = opened.would_forget(folder)
        failed = f" and {forgettable.failed} files that could not be read" if forgettable.failed else ""
        favourites = f" Favourites among them: {forgettable.favourites}; they are marked again when they return."
        dropped = f"This drops {forgettable.photos} photos{failed} from the library, with their vectors and thumbnails."
        note(dropped + favourites * bool(forgettable.favourites))
        photos = 0 if dry_run else opened.forget(folder)
    if wants_json(context, as_json):
        from ..answers.indexing import Forgotten

        print_json(Forgotten(forgotten=photos, photos=forgettable.photos, favourites=forgettable.favourites))
    elif not dry_run:
        typer.echo(f"Forgot {photos} photos; the files are where they were.")


def print_report(report: Report) -> None:
    """Print what an index run did in one line, and notes."""
    counted = ", ".join(f"{count} {what}" for what, count in _counts(report).items() if count) or "no pictures found"
    rate = f", {report.images_per_second:.1f} pictures/s" if report.tally.encoded else ""
    typer.echo(f"{counted} in {report.seconds:.1f} s{rate}.")
    if report.tally.still_failed:
        note(
            f"{report.tally.still_failed} files could not be read before and are unchanged: polyglance status --failed"
        )
    print_doubts(report)
    encoder_hint(report.encoder)
    if report.tally.added:
        note("Now try: polyglance search snowy mountains")


def print_profile(report: Report) -> None:
    """Print what each stage of a run took, and which stage limits it."""
    from ..answers.indexing import RunProfile

    profile = RunProfile.from_profile(report.profile)
    if profile.limit is None:
        note("No file was read, so there is nothing to profile.")
        return
    typer.echo(f"{'stage':10}{'pictures':>9}{'wall s':>9}{'CPU s':>9}{'pictures/s':>12}{'share':>7}")
    for stage in profile.stages:
        if stage.pictures:
            counts = f"{stage.pictures:9}{stage.wall_seconds:9.2f}{stage.cpu_seconds:9.2f}"
            limits = "  limits the run" if stage.stage == profile.limit else ""
            typer.echo(f"{stage.stage:10}{counts}{stage.pictures_per_second or 0:12.1f}{stage.share:7.0%}{limits}")
    available = profile.seconds * profile.processors
    typer.echo(
        f"{'all':10}{'':9}{profile.seconds:9.2f}{profile.cpu_seconds:9.2f}{'':12}"
        f"{profile.cpu_seconds / available:7.0%} of {profile.processors} processors"
    )


def print_absent(library: Library) -> None:
    """Print which folders of the library are not there now; their photos are kept."""
    from ..data import paths

    for root, state in library.status().roots:
        if state != "online":
            note(f"{paths.display(root.path)} is {state}; its photos are kept.")


def print_doubts(report: Report) -> None:
    """Print which photos were not found and are kept, and the next step."""
    for doubt in report.doubts:
        note(f"{doubt.message} {doubt.hint}")


def summarise_changes(report: Report) -> str:
    """Return what changed, as "3 added, 1 moved"; empty if nothing did."""
    return ", ".join(f"{count} {what}" for what, count in _counts(report).items() if count and what != "unchanged")


def _counts(report: Report) -> dict[str, int]:
    from ..answers.indexing import Counts

    return Counts.from_tally(report.tally).model_dump()
