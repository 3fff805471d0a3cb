"""`check`: verifying a library's files, and repairing them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Common, JsonOption, LibraryOption, wants_json
from .output import note, print_json, progress_bar

if TYPE_CHECKING:
    from ..data.check.check import Report

MAX_LISTED = 10
"""Findings of one kind that are listed in a terminal; `--json` has all."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(check)


def check(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every thumbnail and photo as well.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that the library is what was written; --repair mends it. Photos are only read."""
    from ..library import check as check_library

    place = library or context.find_object(Common).library  # type: ignore[union-attr]
    with progress_bar("Checking") as show:
        report = check_library(place, repair=repair, deep=deep, progress=show)
    if wants_json(context, as_json):
        from ..answers.checking import Check

        print_json(Check.from_report(report))
    else:
        print_check(report)
    if not report.ok:
        raise typer.Exit(1)


def print_check(report: Report) -> None:
    """Print one line per finding, and the totals."""
    counts: Counter[str] = Counter()
    for finding in report.findings:
        counts[finding.code] += 1
        if counts[finding.code] <= MAX_LISTED:
            state = "mended" if finding.repaired else "harmless" if finding.is_harmless else "found"
            typer.echo(f"{state}  {finding.code}: {finding.message}. {finding.advice}".rstrip())
    for code, number in counts.items():
        if number > MAX_LISTED:
            typer.echo(f"… and {number - MAX_LISTED} more of {code}: polyglance check --json")
    mended = sum(finding.repaired for finding in report.findings)
    left = sum(not finding.repaired and not finding.is_harmless for finding in report.findings)
    result = f"{mended} mended, {left} left" if mended or left else "all is well"
    typer.echo(f"{report.photos} photos, {report.vectors} vectors: {result} ({report.seconds:.1f} s).")
    if report.deep:
        note(
            f"Files read: {report.compared} are as they were indexed; {report.not_compared} are gone or changed since, "
            "which 'polyglance index' will see."
        )
