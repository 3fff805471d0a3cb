"""`demo`: index sample pictures and search them in nine languages, without a download."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Common, LibraryOption
from .output import LANGUAGE_NAMES, encoder_note, note, progress_bar
from .serve import serve_until_stopped

if TYPE_CHECKING:
    from ..library import Library


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(demo)


def demo(
    context: typer.Context,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the page at the end.")] = True,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port of the page, 0 for any free one.")] = None,
    library: LibraryOption = None,
) -> None:
    """Index some sample pictures, search them in nine languages, then serve the page."""
    from ..config import load
    from ..data.sample import PICTURES, copy_sample
    from ..encoders.registry import EMBEDDED
    from ..library import Library

    settings = load()
    folder = library or context.find_object(Common).library or settings.library.parent / "demo"  # type: ignore[union-attr]
    place = folder.expanduser().absolute()
    pictures = place.with_name(f"{place.name}-pictures")  # beside the library, which indexes nothing inside itself
    with Library.open(folder) as opened:
        copy_sample(pictures)
        note(f"Indexing {len(PICTURES)} sample pictures with the embedded encoder …")
        for root, _ in opened.status().roots:
            if root.path == os.fsencode(place / "pictures"):  # earlier versions put the pictures there
                opened.forget(root.path)
        with progress_bar("Indexing") as show:
            report = opened.index([pictures], encoder=EMBEDDED.name, progress=show)
        typer.echo(f"{opened.status().photos} pictures in {report.seconds:.1f} s.")
        right = search_in_nine_languages(opened)
        typer.echo(f"\nFound by meaning: {right} of {len(LANGUAGE_NAMES) * 4} first.")
        encoder_note(EMBEDDED.name)
        note("Your own photos: polyglance index ~/Pictures, then polyglance search …")
        if serve:
            serve_until_stopped(opened, None, port)


def search_in_nine_languages(library: Library) -> int:
    """Search the same four things in each language and print the first results; return how many are right."""
    from ..data.sample import EXPECTED, WORDS

    right = 0
    for code, words in WORDS.items():
        typer.echo(f"\n{LANGUAGE_NAMES[code]}")
        for word, expected in zip(words, EXPECTED, strict=True):
            answer = library.search(word, 1)
            name = answer.results[0].photo.path.rpartition(b"/")[2].decode()
            is_right = name.startswith(expected)
            right += is_right
            typer.echo(f"  {'✓' if is_right else '✗'} {name:22} {answer.took.total:5.1f} ms   {word}")
    return right
