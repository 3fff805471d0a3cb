"""`search`, `similar`, `match`: what asks a library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import CountOption, EncoderOption, JsonOption, LibraryOption, open_library, wants_json
from .output import print_answer, print_json, printable

if TYPE_CHECKING:
    from ..search.engine import Answer


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(search)
    app.command()(similar)
    app.command()(match)


def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUERY…", help="What the picture shows.")],
    count: CountOption = 10,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos by what they show, in any of the nine languages."""
    with open_library(context, library) as opened:
        answer = opened.search(" ".join(words), count)
    _show(answer, wants_json(context, as_json))


def similar(
    context: typer.Context,
    picture: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture file, or a photo id.")],
    count: CountOption = 10,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos like a picture file or like a photo of the library."""
    by_id = picture.removeprefix("#").isdecimal() and not Path(picture).exists()
    with open_library(context, library) as opened:
        answer = opened.similar(int(picture.removeprefix("#")) if by_id else picture, count)
    _show(answer, wants_json(context, as_json))


def match(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(readable=False, metavar="IMAGE", help="A picture file.")],
    texts: Annotated[list[str], typer.Argument(metavar="TEXT…", help="Texts to choose from.")],
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how well each text fits a picture: zero-shot matching, probabilities that sum to 1."""
    from ..library import match as match_picture

    name, probabilities = match_picture(image, texts, encoder)
    ranked = sorted(zip(texts, probabilities, strict=True), key=lambda pair: -pair[1])
    if wants_json(context, as_json):
        scored = [{"text": text, "probability": round(p, 6)} for text, p in ranked]
        print_json({"image": printable(image), "encoder": name, "texts": scored})
    else:
        for text, probability in ranked:
            typer.echo(f"{probability:>7.2%}  {text}")


def _show(answer: Answer, as_json: bool) -> None:
    if as_json:
        from .. import documents

        print_json(documents.answer(answer))
    else:
        print_answer(answer)
