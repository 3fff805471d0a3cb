"""`train pairs`: the pictures of the library with what is written about them, as a file to train with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption, LibraryOption, open_library, wants_json
from .output import note, print_json, printable


def pairs(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", metavar="PAIRS.jsonl", help="The file to write; an existing one is replaced.")
    ],
    favourites: Annotated[bool, typer.Option("--favourites", help="Favourites only.")] = False,
    folders: Annotated[
        bool, typer.Option("--folders/--no-folders", help="Whether the name of a picture's folder is a text.")
    ] = True,
    held_out: Annotated[
        float, typer.Option("--held-out", metavar="SHARE", min=0, max=0.9, help="Share of the pictures that validate.")
    ] = 0.1,
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="The language of texts that do not show theirs.")
    ] = "en",
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the library's pictures with their captions, keywords and folder names, for `train align`."""
    with open_library(context, library) as opened:
        written = opened.write_pairs(
            output, favourites_only=favourites, folders=folders, held_out=held_out, language=language
        )
    if wants_json(context, as_json):
        from ..answers.pairs import WrittenPairs

        print_json(WrittenPairs.from_pairs(written, printable(output)))
        return
    texts = ", ".join(f"{count} {code}" for code, count in sorted(written.texts.items()))
    typer.echo(f"Wrote {written.pictures} pictures to {printable(output)}, {written.held_out} held out.")
    typer.echo(f"Texts: {texts}.")
    if written.without_text:
        note(f"{written.without_text} pictures have no caption, keyword or folder name, and were left out.")
    if written.left_out:
        note(f"{written.left_out} pictures were left out because their path is not UTF-8.")
