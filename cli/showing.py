"""How the results of a search are shown: as lines, as paths for other programs, with thumbnails, or opened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PictureError, PolyglanceError, UsageError
from .output import answer_head, answer_notes, note, print_json, print_result

if TYPE_CHECKING:
    from ..library import Library
    from ..search.answer import Answer

PathsOption = Annotated[bool, typer.Option("--paths", help="Print the paths alone, a line each.")]
Print0Option = Annotated[
    bool, typer.Option("--print0", help="Print the paths alone, a NUL byte after each: for xargs -0.")
]
PreviewOption = Annotated[bool, typer.Option("--preview", help="Show a thumbnail of each photo in the terminal.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the first photo in its program.")]

OPEN_SECONDS = 5.0
"""After this time a program that opens a photo counts as started."""


@dataclass(frozen=True, slots=True)
class Show:
    """What `--json`, `--paths`, `--print0`, `--preview` and `--open` ask for."""

    as_json: bool = False
    paths: bool = False
    print0: bool = False
    preview: bool = False
    open_first: bool = False

    def __post_init__(self) -> None:
        if self.as_json + self.print0 + self.paths + self.preview > 1 and not (self.paths and self.print0):
            raise UsageError(
                "Only one of --json, --paths, --print0 and --preview can be shown.", "Leave the others out."
            )


def show_answer(library: Library, answer: Answer, show: Show) -> None:
    """Print an answer as `show` says, and open its first photo if that is asked for. Raises PictureError."""
    if show.as_json:
        from ..answers import searching

        print_json(searching.Answer.from_search(answer))
    elif show.paths or show.print0:
        print_paths([result.photo.path for result in answer.results], b"\0" if show.print0 else b"\n")
    else:
        print_lines(library, answer, with_previews=show.preview)
    if show.open_first and answer.results:
        open_photo(answer.results[0].photo.path)


def print_paths(photo_paths: list[bytes], end: bytes) -> None:
    """Print exact paths, `end` after each; a terminal gets them as text that cannot control it."""
    from ..data import paths

    if end == b"\n" and sys.stdout.isatty():
        for path in photo_paths:
            typer.echo(paths.display(path))
        return
    typer.echo(b"".join(path + end for path in photo_paths), nl=False)


def print_lines(library: Library, answer: Answer, *, with_previews: bool) -> None:
    """Print a line for each photo, with its thumbnail below if that is asked for and the terminal can."""
    picture_class = None
    if with_previews:
        from . import preview

        picture_class = preview.picture_class()
        if picture_class is None:
            note("Thumbnails need a terminal with colours on standard input and output; they are left out.")
    answer_head(answer)
    has_divider = not answer.is_relevant
    for result in answer.results:
        if result.verdict == "unlikely" and not has_divider:
            note("      Less relevant:")
            has_divider = True
        print_result(result)
        if picture_class is not None:
            try:
                preview.print_picture(picture_class, library.thumbnail(result.photo.id))
            except (PolyglanceError, OSError):
                note("      (its thumbnail cannot be read)")
    answer_notes(answer)


def open_photo(path: bytes) -> None:
    """Open a photo with the program that the system has for it. Raises PictureError if there is none, or it fails.

    The path is absolute and an argument of its own, so no name is taken for an option or a command.
    """
    if sys.platform == "win32":
        os.startfile(os.fsdecode(path))
        return
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        raise PictureError("The photo cannot be opened: there is no xdg-open here.", "Install xdg-utils.")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [os.fsencode(opener), path], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        code = process.wait(OPEN_SECONDS)
    except subprocess.TimeoutExpired:
        return
    if code:
        raise PictureError("The photo could not be opened.", "Is there a program for pictures of its kind?")
