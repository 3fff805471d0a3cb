"""`calibrate`: fit what an encoder calls relevant to captioned pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .evaluate import CacheOption, DataArgument, FormatOption, ImagesOption, LanguagesOption, MissingOption
from .measuring import cache_folder, create_encoder, encoding_bars
from .options import EncoderOption
from .output import note, printable

if TYPE_CHECKING:
    from ..evaluation.calibration import Quality


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(calibrate)


def calibrate(
    data: DataArgument,
    kind: FormatOption = "auto",
    images: ImagesOption = None,
    languages: LanguagesOption = "",
    encoder: EncoderOption = None,
    allow_missing: MissingOption = False,
    cache: CacheOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, and store nothing.")] = False,
) -> None:
    """Fit what an encoder calls relevant to captioned pictures: on one half, measured on the other half.

    The result is stored for all libraries of the encoder, unless it is worse than what the encoder has.
    """
    from .. import datasets
    from ..encoders import calibrations
    from ..evaluation import calibration, retrieval

    loaded = datasets.load_retrieval(data, kind, images)
    calibration.check(loaded)
    instance, settings = create_encoder(encoder)
    chosen = languages.split(",") if languages else ()
    with encoding_bars() as (image_progress, text_progress):
        first, second = (
            retrieval.evaluate(
                instance,
                loaded.half(half),
                settings,
                cache_folder(cache),
                languages=chosen,
                allow_missing=allow_missing,
                image_progress=image_progress,
                text_progress=text_progress,
            )
            for half in ("first", "second")
        )
    fitted = calibration.fit(first, second)
    typer.echo(f"before  {_percent(fitted.before)}")
    typer.echo(f"after   {_percent(fitted.after)}")
    if dry_run:
        return
    if fitted.after.f1 < fitted.before.f1:
        note("It is worse than before, so nothing was stored. Give more pictures.")
        return
    file = calibrations.write(settings.calibrations, instance.name, instance.fingerprint, fitted.margin)
    note(f"Stored for {instance.name} in {printable(file)}. Servers that are running use it after a restart.")


def _percent(quality: Quality) -> str:
    precision = "  –  " if quality.precision is None else f"{quality.precision:.1%}"
    return f"precision {precision}  recall {quality.recall:.1%}"
