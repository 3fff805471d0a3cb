"""Options that several commands share, each accepted before and after the command's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..library import Library


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"polyglance {__version__}")
        raise typer.Exit


LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        readable=False,
        help="The library to use. [env: POLYGLANCE_LIBRARY]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
VersionOption = Annotated[
    bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
]
EncoderOption = Annotated[
    str | None,
    typer.Option("--encoder", metavar="NAME", help="auto, lite, altclip-m9, a hub id, or a directory."),
]
CountOption = Annotated[int, typer.Option("-k", "--count", help="How many photos to show.")]


@dataclass(frozen=True, slots=True)
class Common:
    """What was given before the command's name."""

    library: Path | None
    as_json: bool


def wants_json(context: typer.Context, as_json: bool) -> bool:
    """Whether `--json` stands before or after the command."""
    return as_json or context.find_object(Common).as_json  # type: ignore[union-attr]


def open_library(context: typer.Context, library: Path | None, *, create: bool = False) -> Library:
    """Open the library named by `--library`, the environment, the settings file, or the default."""
    from ..library import Library

    return Library.open(library or context.find_object(Common).library, create=create)  # type: ignore[union-attr]
