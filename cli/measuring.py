"""What the commands of `evaluate` share: encoder, cache, progress bars, result file, exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .output import encoder_note, note, printable, progress_bar

if TYPE_CHECKING:
    from ..config import Settings
    from ..encoders.base import Encoder
    from ..evaluation.vectors import Failure
    from ..progress import Progress, Tick

PARTLY = 3
"""Exit code: done, but some pictures were left out."""

MAX_NAMED = 20
"""Pictures left out that are named."""


def create_encoder(name: str | None) -> tuple[Encoder, Settings]:
    """Return the encoder called `name` (None: that of the settings), and the settings."""
    from ..config import load
    from ..encoders import registry

    settings = load()
    return registry.create(registry.resolve(name or settings.encoder, settings), settings), settings


def cache_folder(folder: Path | None) -> Path:
    """Return the folder that vectors are kept in: `folder`, or the default if it is None."""
    from ..evaluation.cache import default_folder

    return folder or default_folder()


@contextmanager
def encoding_bars(suffix: str = "") -> Iterator[tuple[Progress, Progress]]:
    """Give the progress functions of pictures and texts; each bar appears at the first call and goes at the last."""
    with ExitStack() as stack:
        yield (
            make_bar(stack, f"Encoding pictures{suffix}", "pictures"),
            make_bar(stack, f"Encoding texts{suffix}", "texts"),
        )


def make_bar(stack: ExitStack, what: str, unit: str) -> Progress:
    """A progress function whose bar appears at the first call and goes at the last."""
    bar_stack = stack.enter_context(ExitStack())
    bars: list[Any] = []

    def show(tick: Tick) -> None:
        if not bars:
            bars.append(bar_stack.enter_context(progress_bar(what, unit)))
        if tick.done:
            bars[0](tick)
        if tick.done == tick.total:
            bar_stack.close()
            bars.clear()

    return show


def write_file(path: Path, text: str) -> None:
    """Write a result file. Raises DataError."""
    from ..errors import DataError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be written: {error.strerror}.", "Name another --output.") from error
    note(f"Wrote {printable(path)}")


def finish(failures: tuple[Failure, ...], encoder: str = "") -> None:
    """Print the pictures that were left out, and end with code 3 if there are any."""
    encoder_note(encoder)
    if not failures:
        return
    note(f"{len(failures)} pictures were left out:")
    for failure in failures[:MAX_NAMED]:
        note(f"  {failure.path}: {failure.reason}")
    if len(failures) > MAX_NAMED:
        note(f"  … and {len(failures) - MAX_NAMED} more")
    raise typer.Exit(PARTLY)
