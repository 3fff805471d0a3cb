"""How results, tables and progress look in a terminal. JSON goes to stdout, progress to stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..indexer.run.pipeline import Failure, Tick
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
    for found in answer.results:
        date = (found.photo.facts.taken_at or "")[:10]
        where = paths.display(found.photo.path)
        more = f"  (+{found.count - 1} alike)" if found.count > 1 else ""
        why = f"  [{', '.join(found.why)}]" if found.why not in {("looks like",), ("filter",)} else ""
        typer.echo(f"{found.rank:>4}  {found.relevance:>4.0%}  {date:10}  #{found.photo.id:<6} {where}{more}{why}")
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


def print_failures(failures: list[Failure], shown: int = 20) -> None:
    """List files that could not be read, each with its reason."""
    from ..data import paths

    for failure in failures[:shown]:
        note(f"  {paths.display(failure.path)}: {failure.reason} {failure.hint}".rstrip())
    if len(failures) > shown:
        note(f"  … and {len(failures) - shown} more: polyglance status --failed")


@contextmanager
def progress_bar(what: str, unit: str = "files") -> Iterator[Callable[[Tick], None]]:
    """Show files (or another `unit`) done, rate and time left on stderr.

    A bar in a terminal, a line now and then elsewhere.
    """
    if not sys.stderr.isatty():
        yield progress_lines(what, unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="", failed="")
        start = time.perf_counter()

        def show(tick: Tick) -> None:
            rate = f"{tick.done / (time.perf_counter() - start):.1f} {unit}/s"
            failed = f"{tick.failed} failed" if tick.failed else ""
            bar.update(task, completed=tick.done, total=tick.total, rate=rate, failed=failed)

        yield show


def progress_lines(what: str, unit: str = "files") -> Callable[[Tick], None]:
    """Say on stderr how far a run is, if it takes longer than QUIET_SECONDS, and then every so often.

    One that follows another, counting from the start again, is timed by itself.
    """
    start = said = time.perf_counter()
    before = 0

    def show(tick: Tick) -> None:
        nonlocal start, said, before
        now = time.perf_counter()
        if tick.done <= before:
            start = said = now
        before = tick.done
        if now - said >= QUIET_SECONDS:
            said = now
            rate = tick.done / (now - start)
            left = (tick.total - tick.done) / rate
            note(f"{what}: {tick.done} of {tick.total} {unit}, {rate:.1f} a second, {left:.0f} s left")

    return show
