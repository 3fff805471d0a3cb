"""From an encoder's name to the encoder, and the choice that `auto` makes."""

from __future__ import annotations

import logging
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
"""What works at once and without a network."""
BEST = KNOWN[0]
"""What `auto` prefers: AltCLIP-m9."""


@dataclass(frozen=True)
class Choice:
    """What `auto` decided, and the sentence that tells the user."""

    name: str
    reason: str


@dataclass(frozen=True)
class EncoderInfo:
    """What a list of encoders says about one of them.

    `download_bytes` is 0 where nothing is downloaded and None where the size is not known; `ready` says
    whether it works on this machine without a network.
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
    if own := _built_in(name):
        return own
    found = plugins.registration(name) or models.registration(name)
    if found is None:
        known = ", ".join([*(own.name for own in built_in()), *plugins.names()])
        raise UnknownEncoder(
            f"There is no encoder called {name!r}, and no directory.",
            f"Encoders: {known}; a hub id 'owner/name' or the directory of a checkpoint works too.",
        )
    return found


def built_in() -> tuple[Registration, ...]:
    """The encoders that polyglance brings, the embedded one first."""
    return (EMBEDDED, *models.known())


def create(name: str, settings: Settings) -> Encoder:
    """Return the encoder called `name`: `lite`, `altclip-m9`, `altclip`, a package's, a hub id, a directory …

    A model that is not on this machine is fetched first, with a bar on stderr. No tower is loaded yet.
    Raises UnknownEncoder, EncoderUnavailable, NotADualEncoder.
    """
    found = find(name)
    _fetch(found, name)
    return found.create(settings)


def pull(name: str, settings: Settings, progress: Progress | None = None) -> None:
    """Fetch what the encoder needs to work without a network; nothing to do for an embedded one or a directory.

    `progress` counts bytes; without it a bar is shown on stderr. A model that is
    here is not looked up again, so that its vectors stay comparable. Raises as `create`.
    """
    _fetch(find(name), name, progress)


def is_ready(name: str) -> bool:
    """Whether the encoder works on this machine without a network; False too if there is no such encoder."""
    try:
        return find(name).is_ready()
    except PolyglanceError:
        return False


def card(name: str) -> Card:
    """What is known of the encoder called `name` without loading it; nothing if there is no such encoder here."""
    try:
        return find(name).card
    except PolyglanceError:
        return Card()


def listing(settings: Settings) -> tuple[EncoderInfo, ...]:
    """Return the encoders with a name of their own, `lite` first, then the settings' one if it is another.

    A package's encoder that is broken is left out, with a line in the log.
    """
    found = [*built_in(), *plugins.registrations(reserved=lambda name: _built_in(name) is not None)]
    if settings.encoder != "auto" and is_ready(settings.encoder):
        own = find(settings.encoder)
        found += [own] if own.name not in {each.name for each in found} else []
    return tuple(
        EncoderInfo(
            each.name,
            each.dimension,
            each.card.languages,
            each.download_bytes,
            _works(each),
            each.card.description,
        )
        for each in found
    )


def resolve(name: str, settings: Settings) -> str:
    """Return the name of an encoder, deciding for the user (and logging why) if it is `auto`."""
    if name != "auto":
        return name
    choice = choose_auto(settings)
    log.info(choice.reason)
    return choice.name


def choose_auto(settings: Settings) -> Choice:
    """Choose AltCLIP-m9 if it is on this machine or the hub has it, else the embedded one; four seconds at most."""
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


def _built_in(name: str) -> Registration | None:
    return next((own for own in built_in() if own.name == name), None)


def _works(registration: Registration) -> bool:
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
