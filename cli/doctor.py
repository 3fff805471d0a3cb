"""`doctor`: what this machine and the library are, and what would make them faster or safer."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .options import JsonOption, LibraryOption, library_folder, wants_json
from .output import print_json

if TYPE_CHECKING:
    from ..library.doctor import Advice, Check, Facts

WIDEST = 110
"""Longer lines are hard to read, however wide the terminal is."""
COLOURS = {"ok": "green", "broken": "red", "safer": "yellow", "faster": "cyan", "more": "blue", "next": "magenta"}
STATE_WIDTH, SUBJECT_WIDTH = 8, 11


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(doctor)


def doctor(context: typer.Context, library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show what this machine has, and what would make polyglance faster or safer on it."""
    from ..config import load
    from ..library.doctor import examine

    folder = Path(library_folder(context, library)).expanduser().absolute()
    with waiting():
        facts, checks = examine(folder, load())
    if wants_json(context, as_json):
        from ..answers.doctor import Doctor

        print_json(Doctor.from_examination(facts, checks))
    else:
        print_examination(facts, checks)


@contextmanager
def waiting() -> Iterator[None]:
    """Say in a terminal what is waited for: libraries that are loaded take seconds."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("Looking at this machine"):
        yield


def print_examination(facts: Facts, checks: tuple[Check, ...]) -> None:
    """Print a line for each subject, then what to do, the most urgent first."""
    from ..library.doctor.advice import to_do

    system = facts.system
    typer.secho(f"polyglance {system.polyglance}, Python {system.python}, {system.name}\n", bold=True)
    for check in checks:
        text = check.text.replace(f"{Path.home()}{os.sep}", f"~{os.sep}")
        print_wrapped(check.state, f"{check.subject:{SUBJECT_WIDTH}}{text}", STATE_WIDTH + SUBJECT_WIDTH)
    advice = list(to_do(checks))
    if not advice:
        typer.echo("\nThere is nothing to do.")
        return
    typer.secho("\nWhat to do, the most urgent first" if len(advice) > 1 else "\nWhat to do", bold=True)
    for each in advice:
        print_advice(each)


def print_advice(advice: Advice) -> None:
    """Print why, and the commands, which are never wrapped: they are there to be copied."""
    typer.echo()
    print_wrapped(advice.kind, advice.text, STATE_WIDTH)
    for command in advice.commands:
        typer.echo(" " * STATE_WIDTH + "  " + typer.style(command, bold=True))


def print_wrapped(state: str, text: str, indent: int) -> None:
    """Print `text` after its state; in a terminal, further lines begin at `indent`."""
    head = typer.style(f"{state:{STATE_WIDTH}}", fg=COLOURS[state], bold=state != "ok")
    if sys.stdout.isatty():
        width = min(shutil.get_terminal_size().columns, WIDEST) - STATE_WIDTH
        after = " " * (indent - STATE_WIDTH)
        lines = textwrap.wrap(
            text, max(width, 24), subsequent_indent=after, break_long_words=False, break_on_hyphens=False
        )
        text = ("\n" + " " * STATE_WIDTH).join(lines)
    typer.echo(head + text)
