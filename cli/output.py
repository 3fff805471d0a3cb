"""Printing results and progress in a terminal. Results and JSON go to stdout, progress and notes to stderr."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..indexer.run.report import Failure
    from ..progress import Progress, Tick
    from ..search.answer import Answer, Result

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
    """Say something that is no result, on stderr; above the progress bar, if there is one."""
    typer.echo(text, file=sys.stderr)  # not err=True, which looks for the stream below the bar's


class OneLine(logging.Formatter):
    """Formats a record's message as one line, whatever a client wrote into it. A traceback's lines are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the message without characters that could break its line."""
        from ..data import paths

        return paths.one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Return the traceback; none of its lines looks like a record."""
        return "".join(f"  {line}\n" for line in super().formatException(ei).splitlines()).rstrip()


class NoteHandler(logging.Handler):
    """Prints log lines as notes. A handler with a stream of its own would write into the progress bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(OneLine())

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        note(self.format(record))


def encoder_note(name: str) -> None:
    """Say what the encoder called `name` has to say about its answers, if anything."""
    from ..encoders import registry

    if about := registry.card(name).note:
        note(about)


def encoder_hint(name: str) -> None:
    """Say the same, but once a day."""
    from ..encoders import registry
    from . import hints

    if (about := registry.card(name).note) and hints.is_due(name):
        note(about)


def answer_head(answer: Answer) -> None:
    """Say what was asked for, in which language, and how long it took."""
    spoken = f" [{LANGUAGE_NAMES[answer.language]}]" if answer.language else ""
    note(f"{answer.query}{spoken}  {answer.took.total:.0f} ms")


def print_result(result: Result) -> None:
    """Print a photo in one line. In a terminal its path is a link to the file; a pipe gets the line alone."""
    from ..data import paths

    date = (result.photo.facts.taken_at or "")[:10]
    where = paths.display(result.photo.path)
    more = f"  (+{result.count - 1} alike)" if result.count > 1 else ""
    why = f"  [{', '.join(result.why)}]" if result.why not in {("looks like",), ("filter",)} else ""
    share = f"{result.relevance:.0%}" if result.why == ("looks like",) else ""
    before = f"{result.rank:>4}  {share:>4}  {date:10}  #{result.photo.id:<6} "
    if not sys.stdout.isatty():
        typer.echo(f"{before}{where}{more}{why}")
        return
    from rich.console import Console
    from rich.text import Text

    folder, slash, name = where.rpartition(os.sep)
    link = f"link {file_url(result.photo.path)}"
    line = Text.assemble(
        before, (folder + slash, f"dim {link}"), (name, f"bold {link}"), (more, "cyan"), (why, "green")
    )
    Console(highlight=False).print(line, soft_wrap=True)


def file_url(path: bytes) -> str:
    """The `file:` address of an absolute path; a terminal opens it on this machine only."""
    from urllib.parse import quote

    if os.name == "nt":
        return Path(os.fsdecode(path)).as_uri()
    return f"file://{quote(socket.gethostname())}{quote(path)}"


def answer_notes(answer: Answer) -> None:
    """Say what is left to know of an answer: whether anything is relevant, whether there is more."""
    if not answer.results and not answer.is_relevant:
        note("Nothing relevant was found. Without --relevant and --sort date, the nearest are shown.")
    elif not answer.results:
        note("No photo was found. 'polyglance status' shows what the library holds.")
    elif not answer.is_relevant:
        note("Nothing relevant was found; these are the nearest.")
    if answer.is_partial:
        note("Photos that only look right are missing: the engine that holds their vectors does not answer.")
    if answer.next:
        note(f"There is more: --cursor {answer.next}")
    if answer.changed:
        note("The library has changed since the page before.")
    encoder_hint(answer.encoder)


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
