"""The command line: parsing and printing only, one command group per file."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

import typer

from ..errors import PolyglanceError, Stopped
from . import (
    calibrate,
    check,
    demo,
    doctor,
    encoders,
    evaluate,
    explore,
    index,
    migrate,
    search,
    serve,
    status,
    train,
    watch,
)
from .options import Common, DebugOption, JsonOption, LibraryOption, VersionOption
from .output import NoteHandler, printable
from .usage import explain, show_help, use_plain_help

SIGINT_CODE = 130
"""The code that typer returns after Ctrl-C."""

app = typer.Typer(
    name="polyglance",
    help="Find your pictures by what they show, in nine languages, on your own machine.",
    epilog="Start with: polyglance demo   or   polyglance index ~/Pictures",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (
    *(demo, index, watch, search, explore, status, check, migrate, doctor, encoders, evaluate, calibrate, train, serve),
):
    group.register(app)
use_plain_help(app)


@app.callback()
def main(
    context: typer.Context,
    library: LibraryOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Find your pictures by what they show, in nine languages, on your own machine."""
    context.obj = Common(library, as_json)
    show_help(context)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every error is one line on stderr (`--debug` adds the traceback)."""
    debug = "--debug" in arguments
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[NoteHandler()])
    logging.getLogger("polyglance").setLevel(logging.INFO)
    try:
        code = int(app(_without_debug(arguments), prog_name="polyglance", standalone_mode=False) or 0)
        return _fail(str(Stopped()), 1, debug) if code == SIGINT_CODE else code
    except PolyglanceError as error:
        return _fail(str(error), error.exit_code, debug)
    except typer.TyperException as error:
        return _fail(explain(error), getattr(error, "exit_code", 2), debug)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(str(Stopped()), 1, debug)
    except BrokenPipeError:
        return 0
    except OSError as error:
        where = f" ({printable(Path(os.fsdecode(error.filename)))})" if error.filename else ""
        return _fail(f"{error.strerror or error}{where}. What was done is kept; mend that and run again.", 1, debug)
    except Exception as error:  # noqa: BLE001 - users must never see a traceback
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return _fail(f"Something went wrong inside polyglance ({reason}). Run again with --debug.", 1, debug)


def _without_debug(arguments: list[str]) -> list[str]:
    return [argument for argument in arguments if argument != "--debug"]


def _fail(message: str, exit_code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    typer.echo("Error: " + " ".join(message.split()), err=True)
    return exit_code
