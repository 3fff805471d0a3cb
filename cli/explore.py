"""`explore`: the things that a library's photos show, and the places where they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption, LibraryOption, open_library, wants_json
from .output import print_json

if TYPE_CHECKING:
    from ..library.exploring import Explored, Tile

LanguageOption = Annotated[
    str, typer.Option("--language", metavar="CODE", help="Of the names: en, zh, es, fr, ru, ja, ko, ar or it.")
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(explore)


def explore(
    context: typer.Context, language: LanguageOption = "en", library: LibraryOption = None, as_json: JsonOption = False
) -> None:
    """List the things that the photos show, and the places where they were taken, with numbers of photos."""
    with open_library(context, library) as opened:
        explored = opened.explore(language)
    if wants_json(context, as_json):
        from ..answers.exploring import Explore

        print_json(Explore.from_library(explored))
    else:
        print_explored(explored)


def print_explored(explored: Explored) -> None:
    """Print what a library holds, for reading."""
    for title, tiles in (("Things", explored.things), ("Places", explored.places)):
        typer.echo(title if tiles else f"{title}: none were recognised yet.")
        for tile in tiles:
            typer.echo(f"{tile.photos:>8}  {_label(tile)}")


def _label(tile: Tile) -> str:
    is_city = tile.country and tile.key != tile.country
    return f"{tile.name}, {tile.country}" if is_city else tile.name
