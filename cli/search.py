"""`search`, `similar`, `match` and `favourite`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .options import (
    CountOption,
    EncoderOption,
    JsonOption,
    LibraryOption,
    PrecisionOption,
    RuntimeOption,
    open_library,
    wants_json,
)
from .output import note, print_json, printable
from .showing import OpenOption, PathsOption, PreviewOption, Print0Option, Show, show_answer

AllOption = Annotated[bool, typer.Option("--all", help="Show near-duplicates and bursts photo by photo.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(search)
    app.command()(similar)
    app.command()(match)
    app.command()(favourite)


def search(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUERY…", help="What the picture shows; sums and filters as well.")
    ] = None,
    count: CountOption = 10,
    sort: Annotated[
        str, typer.Option("--sort", metavar="ORDER", help="relevance, or date: what is relevant, newest first.")
    ] = ("relevance"),
    separate: AllOption = False,
    relevant: Annotated[bool, typer.Option("--relevant", help="Only what likely is what you asked for.")] = False,
    cursor: Annotated[
        str | None, typer.Option("--cursor", metavar="CURSOR", help="The next page: 'next' of the one before.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Take + - : and quotes for text.")] = False,
    paths: PathsOption = False,
    print0: Print0Option = False,
    preview: PreviewOption = False,
    open_first: OpenOption = False,
    after: options.AfterOption = None,
    before: options.BeforeOption = None,
    date: options.DateOption = None,
    root: options.RootOption = None,
    in_: options.InOption = None,
    folder: options.FolderOption = None,
    camera: options.CameraOption = None,
    lens: options.LensOption = None,
    type_: options.TypeOption = None,
    is_: options.IsOption = None,
    has: options.HasOption = None,
    orientation: options.OrientationOption = None,
    aspect: options.AspectOption = None,
    size: options.SizeOption = None,
    near: options.NearOption = None,
    thing: options.ThingOption = None,
    place: options.PlaceOption = None,
    within: options.WithinOption = None,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos by what they show or are called, in any of the nine languages: docs/searching.md has examples."""
    filters = {
        "after": after,
        "before": before,
        "date": date,
        "root": root,
        "in": in_,
        "folder": folder,
        "camera": camera,
        "lens": lens,
        "type": type_,
        "is": is_,
        "has": has,
        "orientation": orientation,
        "aspect": aspect,
        "size": size,
        "near": near,
        "thing": thing,
        "place": place,
        "within": within,
    }
    show = Show(wants_json(context, as_json), paths, print0, preview, open_first)
    with open_library(context, library) as opened:
        answer = opened.search(
            " ".join(words or []),
            count,
            filters={name: values for name, values in filters.items() if values},
            plain=plain,
            cursor=cursor,
            sort=sort,
            collapse=not separate,
            only_relevant=relevant,
        )
        show_answer(opened, answer, show)


def similar(
    context: typer.Context,
    picture: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture file, or a photo id.")],
    count: CountOption = 10,
    paths: PathsOption = False,
    print0: Print0Option = False,
    preview: PreviewOption = False,
    open_first: OpenOption = False,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find photos like a picture file or like a photo of the library."""
    show = Show(wants_json(context, as_json), paths, print0, preview, open_first)
    by_id = picture.removeprefix("#").isdecimal() and not Path(picture).exists()
    with open_library(context, library) as opened:
        answer = opened.similar(int(picture.removeprefix("#")) if by_id else picture, count)
        show_answer(opened, answer, show)


def favourite(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Photo ids, as search shows them.")],
    remove: Annotated[bool, typer.Option("--remove", help="They are favourites no longer.")] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mark photos as favourites, for `is:favourite` to find."""
    numbers = [_photo_id(each) for each in ids]
    with open_library(context, library) as opened:
        copies = len(set(opened.mark(numbers, favourite=not remove)) - set(numbers))
    if wants_json(context, as_json):
        from ..answers.photos import FavouriteMarks

        print_json(FavouriteMarks(favourite=not remove, ids=numbers))
    else:
        alike = f", and {copies} with the same bytes" if copies else ""
        note(f"{len(numbers)} photo{'s' if len(numbers) != 1 else ''} {'un' * remove}marked{alike}.")


def match(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(readable=False, metavar="IMAGE", help="A picture file.")],
    texts: Annotated[list[str], typer.Argument(metavar="TEXT…", help="Texts to choose from.")],
    encoder: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how well each text fits a picture: zero-shot matching, probabilities that sum to 1."""
    from ..search.match import match_file

    name, probabilities = match_file(image, texts, encoder)
    ranked = sorted(zip(texts, probabilities, strict=True), key=lambda pair: -pair[1])
    if wants_json(context, as_json):
        from ..answers.searching import Match

        print_json(Match.from_probabilities(printable(image), name, ranked))
    else:
        for text, probability in ranked:
            typer.echo(f"{probability:>7.2%}  {text}")


def _photo_id(text: str) -> int:
    from ..errors import UsageError

    number = text.removeprefix("#")
    if not number.isdecimal() or len(number) > 18:
        raise UsageError(f"{text[:40]} is no photo id.", "Search shows ids as #12.")
    return int(number)
