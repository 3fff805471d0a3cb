"""Printing results and progress in a terminal. Results and JSON go to stdout, progress and notes to stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..indexer.run.report import Failure
    from ..progress import Progress, Tick
    from ..search.answer import Answer

QUIET_SECONDS = 10.0
"""How often progress is reported where stderr is no terminal."""

LANGUAGE_NAMES = {
    "en": "English",
    "zh": "Chinese",
    "es": "Spanish",
    "fr": "French",
    "ru": "Russian",
    "ja": "Japanese",
    "ko": "Korean",
    "ar": "Arabic",
    "it": "Italian",
}


def print_json(document: BaseModel) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(document.model_dump(), ensure_ascii=False, indent=2))


def printable(path: Path) -> str:
    """A path as text that any terminal and JSON can take."""
    from ..data import paths

    return paths.display(os.fsencode(path))


def note(text: str) -> None:
    """Say something that is no result, on stderr."""
    typer.echo(text, err=True)


def encoder_note(name: str) -> None:
    """Say what the encoder called `name` has to say about its answers, if anything."""
    from ..encoders import registry

    if about := registry.card(name).note:
        note(about)


def print_answer(answer: Answer) -> None:
    """Print the photos found, one a line, best first."""
    from ..data import paths

    spoken = f" [{LANGUAGE_NAMES[answer.language]}]" if answer.language else ""
    note(f"{answer.query}{spoken}  {answer.took.total:.0f} ms")
    below = False
    for result in answer.results:
        if result.verdict == "unlikely" and not below and answer.is_relevant:
            note("      Less likely:")
            below = True
        date = (result.photo.facts.taken_at or "")[:10]
        where = paths.display(result.photo.path)
        more = f"  (+{result.count - 1} alike)" if result.count > 1 else ""
        why = f"  [{', '.join(result.why)}]" if result.why not in {("looks like",), ("filter",)} else ""
        share = f"{result.relevance:.0%}" if result.why == ("looks like",) else ""
        typer.echo(f"{result.rank:>4}  {share:>4}  {date:10}  #{result.photo.id:<6} {where}{more}{why}")
    if not answer.results and not answer.is_relevant:
        note("Nothing relevant was found. Without --relevant and --sort date, the nearest are shown.")
    elif not answer.results:
        note("No photo was found. 'polyglance status' shows what the library holds.")
    elif not answer.is_relevant:
        note("Nothing relevant was found; these are the nearest.")
    if answer.next:
        note(f"There is more: --cursor {answer.next}")
    if answer.changed:
        note("The library has changed since the page before.")
    encoder_note(answer.encoder)


def print_failures(failures: list[Failure], limit: int = 20) -> None:
    """List files that could not be read, each with its reason."""
    from ..data import paths

    for failure in failures[:limit]:
        note(f"  {paths.display(failure.path)}: {failure.reason} {failure.hint}".rstrip())
    if len(failures) > limit:
        note(f"  … and {len(failures) - limit} more: polyglance status --failed")


@contextmanager
def progress_bar(what: str, unit: str = "files") -> Iterator[Progress]:
    """Show files (or another `unit`) done, rate and time left on stderr.

    A bar in a terminal, a line now and then elsewhere.
    """
    if not sys.stderr.isatty():
        yield progress_lines(what, unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="", failed="")
        start = time.perf_counter()

        def show(tick: Tick) -> None:
            rate = f"{tick.done / (time.perf_counter() - start):.1f} {unit}/s"
            failed = f"{tick.failed} failed" if tick.failed else ""
            bar.update(task, completed=tick.done, total=tick.total, rate=rate, failed=failed)

        yield show


def progress_lines(what: str, unit: str = "files") -> Progress:
    """Print the progress of a run on stderr every QUIET_SECONDS.

    A run whose count starts again is timed as a run of its own.
    """
    start = printed_at = time.perf_counter()
    done_before = 0

    def show(tick: Tick) -> None:
        nonlocal start, printed_at, done_before
        now = time.perf_counter()
        if tick.done <= done_before:
            start = printed_at = now
        done_before = tick.done
        if now - printed_at >= QUIET_SECONDS:
            printed_at = now
            rate = tick.done / (now - start)
            left = (tick.total - tick.done) / rate
            note(f"{what}: {tick.done} of {tick.total} {unit}, {rate:.1f} a second, {left:.0f} s left")

    return show
