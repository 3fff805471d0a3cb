"""`encoders`: listing the encoders, fetching one, and preparing one for this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import completion
from .options import JsonOption, LibraryOption, PrecisionOption, RuntimeOption, open_library, wants_json
from .output import note, print_json

if TYPE_CHECKING:
    from ..config import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(
        help="List the encoders, fetch one, or prepare one for this machine.", invoke_without_command=True
    )
    group.callback()(list_encoders)
    group.command()(pull)
    group.command()(prepare)
    app.add_typer(group, name="encoders")


def list_encoders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the encoders and which of them are on this machine; `encoders pull NAME` fetches one."""
    if context.invoked_subcommand:
        return
    from ..config import load
    from ..encoders import registry

    settings = load()
    known = registry.listing(settings)
    if wants_json(context, as_json):
        from ..answers.encoders import Encoders

        print_json(Encoders.from_registry(known))
        return
    for encoder in known:
        size = f"{encoder.download_bytes / 1e9:.1f} GB " if encoder.download_bytes else ""
        state = "ready" if encoder.ready else f"{size}to fetch"
        calibrated = ", calibrated" if encoder.ready and _is_calibrated(encoder.name, settings) else ""
        typer.echo(f"{encoder.name:12} {state + calibrated:16} {encoder.description}")
    note("A hub id (owner/name) or a directory with a checkpoint works as well. Fetch: polyglance encoders pull NAME")


def pull(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="altclip-m9, altclip, altclip-m18, or a hub id.",
            autocompletion=completion.encoders,
        ),
    ],
) -> None:
    """Fetch an encoder's files once, so that it works offline. A stopped download resumes."""
    from ..config import load
    from ..encoders import registry

    registry.pull(name, load())
    if registry.card(name).is_embedded:
        typer.echo(f"{name} is embedded: there is nothing to fetch.")
        return
    typer.echo(f"{name} is ready. Switch a library to it: polyglance reencode --encoder {name}")


def prepare(
    context: typer.Context,
    runtime: RuntimeOption = None,
    precision: PrecisionOption = None,
    library: LibraryOption = None,
) -> None:
    """Make the library's encoder faster on this machine: quantise it with some of the photos, measure, keep the best.

    It takes minutes, and is done once for an encoder. A long index run does it by itself.
    """
    with open_library(context, library) as opened:
        opened.prepare(say=note)
        typer.echo(f"{opened.status().encoder.name} is prepared for this machine.")  # type: ignore[union-attr]


def _is_calibrated(name: str, settings: Settings) -> bool:
    """Whether a calibration is used for the encoder. Its fingerprint is only made if one is stored under its name."""
    from ..encoders import calibrations, registry

    if name not in calibrations.encoder_names(settings.calibrations):
        return False
    return calibrations.read(settings.calibrations, registry.create(name, settings).fingerprint) is not None
