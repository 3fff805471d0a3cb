"""The registry of encoders: finds and creates them by name, and chooses one for `auto`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..config import Settings
from ..errors import PolyglanceError, UnknownEncoder
from ..progress import Progress
from . import plugins
from .base import Card, Encoder, Registration
from .lite.encoder import REGISTRATION
from .transformers import hub, models
from .transformers.known import KNOWN

log = logging.getLogger("polyglance")

EMBEDDED = REGISTRATION
"""The encoder that works at once and without a network."""
BEST = KNOWN[0]
"""The model that `auto` prefers: AltCLIP-m9."""


@dataclass(frozen=True)
class Choice:
    """The encoder that `auto` chose, and a sentence for the user that says why."""

    name: str
    reason: str


@dataclass(frozen=True)
class EncoderInfo:
    """One line of a list of encoders.

    `download_bytes` is 0 if nothing is downloaded and None if the size is unknown; `ready` says whether the encoder
    works on this machine without a network.
    """

    name: str
    dimension: int
    languages: tuple[str, ...]
    download_bytes: int | None
    ready: bool
    description: str


def find(name: str) -> Registration:
    """The encoder called `name`: polyglance's own, one that a package registers, a hub id, or a directory.

    Raises UnknownEncoder, EncoderUnavailable, NotADualEncoder.
    """
    if built_in_encoder := _find_built_in(name):
        return built_in_encoder
    registration = plugins.registration(name) or models.registration(name)
    if registration is None:
        known = ", ".join([*(each.name for each in built_in()), *plugins.names()])
        raise UnknownEncoder(
            f"There is no encoder called {name!r}, and no directory.",
            f"Encoders: {known}; a hub id 'owner/name' or the directory of a checkpoint works too.",
        )
    return registration


def built_in() -> tuple[Registration, ...]:
    """The encoders that polyglance brings, the embedded one first."""
    return (EMBEDDED, *models.known())


def create(name: str, settings: Settings) -> Encoder:
    """Return the encoder called `name`: `lite`, `altclip-m9`, `altclip`, a package's, a hub id, a directory …

    A model that is not on this machine is fetched first, with a bar on stderr. No tower is loaded yet.
    Raises UnknownEncoder, EncoderUnavailable, NotADualEncoder.
    """
    registration = find(name)
    _fetch(registration, name)
    let_threads_sleep()
    return registration.create(settings)


def let_threads_sleep() -> None:
    """Let OpenMP's threads sleep while they wait for each other; torch reads the variable when it is first imported.

    By default they spin, for whole time slices of a processor that others use too. Beside two busy processes a query of
    AltCLIP took 2.8 times its quiet time on two cores, and 1.5 times with threads that sleep (docs/adr/0036).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pull(name: str, settings: Settings, progress: Progress | None = None) -> None:
    """Fetch what the encoder needs to work without a network. Does nothing for an embedded encoder or a directory.

    `progress` counts bytes; without it a bar is shown on stderr. A model that is on this machine is not looked up on
    the hub, so that its vectors stay comparable. Raises as `create`.
    """
    _fetch(find(name), name, progress)


def is_ready(name: str) -> bool:
    """Whether the encoder works on this machine without a network; False too if there is no such encoder."""
    try:
        return find(name).is_ready()
    except PolyglanceError:
        return False


def card(name: str) -> Card:
    """The card of the encoder called `name`, without loading it; an empty card if there is no such encoder."""
    try:
        return find(name).card
    except PolyglanceError:
        return Card()


def listing(settings: Settings) -> tuple[EncoderInfo, ...]:
    """Return the encoders that have a short name, `lite` first, and the settings' encoder if it is not among them.

    An encoder of a package that cannot be loaded is left out, with a line in the log.
    """
    registrations = [*built_in(), *plugins.registrations(reserved=lambda name: _find_built_in(name) is not None)]
    if settings.encoder != "auto" and is_ready(settings.encoder):
        configured = find(settings.encoder)
        names = {registration.name for registration in registrations}
        registrations += [configured] if configured.name not in names else []
    return tuple(
        EncoderInfo(
            registration.name,
            registration.dimension,
            registration.card.languages,
            registration.download_bytes,
            _is_ready(registration),
            registration.card.description,
        )
        for registration in registrations
    )


def resolve(name: str, settings: Settings) -> str:
    """Return the name of an encoder. For `auto` one is chosen, and the reason is logged."""
    if name != "auto":
        return name
    choice = choose_auto(settings)
    log.info(choice.reason)
    return choice.name


def choose_auto(settings: Settings) -> Choice:
    """Choose AltCLIP-m9 if it is on this machine or the hub has it, else the embedded encoder. Takes 4 s at most."""
    if is_ready(BEST.name):
        return Choice(BEST.name, f"Using {BEST.name}, which is on this machine.")
    if hub.answers(BEST.repo):
        size = (BEST.download_bytes or 0) / 1e9
        return Choice(BEST.name, f"Using {BEST.name}, which is downloaded once ({size:.1f} GB).")
    return Choice(
        EMBEDDED.name,
        f"Using the {EMBEDDED.name} encoder, because {BEST.name} is not on this machine and the model hub cannot be "
        f"reached; once it can, 'polyglance reencode --encoder {BEST.name}' upgrades.",
    )


def _find_built_in(name: str) -> Registration | None:
    return next((registration for registration in built_in() if registration.name == name), None)


def _is_ready(registration: Registration) -> bool:
    try:
        return registration.is_ready()
    except PolyglanceError as error:
        log.warning(str(error))
        return False


def _fetch(registration: Registration, name: str, progress: Progress | None = None) -> None:
    if registration.is_ready() or registration.fetch is None:
        return
    if progress is not None:
        registration.fetch(progress)
        return
    with _bar_on_stderr(name) as bar:
        registration.fetch(bar)


@contextmanager
def _bar_on_stderr(name: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"Fetching {name}", total=None)
        yield lambda tick: bar.update(task, completed=tick.done, total=tick.total)
