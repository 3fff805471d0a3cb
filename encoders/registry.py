"""From an encoder's name to the encoder, and the choice that `auto` makes."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config import LANGUAGES, Settings
from ..errors import EncoderUnavailable, PolyglanceError, UnknownEncoder
from . import checkpoint, hub
from .base import Encoder
from .checkpoint import Checkpoint
from .hub import Progress
from .known import KNOWN, by_name

log = logging.getLogger("polyglance")

LITE = "lite"
BEST = KNOWN[0]
"""What `auto` prefers: AltCLIP-m9."""
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")


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


def create(name: str, settings: Settings) -> Encoder:
    """Return the encoder called `name`: `lite`, `altclip-m9`, `altclip`, a hub id, a directory …

    A model that is not on this machine is fetched first, with a bar on stderr. No tower is loaded yet.
    Raises UnknownEncoder, EncoderUnavailable, NotADualEncoder.
    """
    if name == LITE:
        from .lite import LiteEncoder

        return LiteEncoder(settings)
    found = _local(name)
    if found is None:
        with _bar_on_stderr(name) as progress:
            found = _fetched(name, progress)
    from .altclip import DualEncoder

    return DualEncoder(found, settings)


def pull(name: str, settings: Settings, progress: Progress | None = None) -> None:
    """Fetch what the encoder needs to work without a network; nothing to do for `lite` or a directory.

    `progress` is called with (bytes here, bytes in all); without it a bar is shown on stderr. A model that is
    here is not looked up again, so that its vectors stay comparable. Raises as `create`.
    """
    if name == LITE or _local(name) is not None:
        return
    if progress is not None:
        _fetched(name, progress)
        return
    with _bar_on_stderr(name) as bar:
        _fetched(name, bar)


def is_ready(name: str) -> bool:
    """Whether the encoder works on this machine without a network; False too if there is no such encoder."""
    try:
        return name == LITE or _local(name) is not None
    except PolyglanceError:
        return False


def listing(settings: Settings) -> tuple[EncoderInfo, ...]:
    """Return the encoders with a name of their own, `lite` first, then the settings' one if it is another."""
    from . import lite

    about_lite = "Built in: works at once and offline, coarser answers."
    infos = [EncoderInfo(LITE, lite.DIMENSION, LANGUAGES, 0, True, about_lite)]
    infos += [
        EncoderInfo(
            model.name,
            model.dimension,
            model.languages,
            model.download_bytes,
            is_ready(model.name),
            model.description,
        )
        for model in KNOWN
    ]
    if settings.encoder not in ("auto", LITE) and is_ready(settings.encoder):
        own = _local(settings.encoder)
        if own is not None and own.name not in (info.name for info in infos):
            infos.append(EncoderInfo(own.name, own.dimension, own.languages, 0, True, f"From {own.path}."))
    return tuple(infos)


def resolve(name: str, settings: Settings) -> str:
    """Return the name of an encoder, deciding for the user (and logging why) if it is `auto`."""
    if name != "auto":
        return name
    choice = choose_auto(settings)
    log.info(choice.reason)
    return choice.name


def choose_auto(settings: Settings) -> Choice:
    """Choose AltCLIP-m9 if it is on this machine or the hub has it, else `lite`; four seconds at most."""
    if is_ready(BEST.name):
        return Choice(BEST.name, f"Using {BEST.name}, which is on this machine.")
    if hub.answers(BEST.repo):
        size = (BEST.download_bytes or 0) / 1e9
        return Choice(BEST.name, f"Using {BEST.name}, which is downloaded once ({size:.1f} GB).")
    return Choice(
        LITE,
        f"Using the lite encoder, because {BEST.name} is not on this machine and the model hub cannot be "
        f"reached; once it can, 'polyglance reencode --encoder {BEST.name}' upgrades.",
    )


@dataclass(frozen=True)
class _Source:
    """Where a name leads: a repository on the hub, or a directory."""

    name: str
    repo: str | None
    folder: Path
    languages: tuple[str, ...] | None = None


def _source(name: str) -> _Source:
    """Raises UnknownEncoder."""
    if model := by_name(name):
        return _Source(model.name, model.repo, Path(), model.languages)
    # resolve() would replace a link that the user may later point at another checkpoint.
    folder = Path(os.path.abspath(os.path.expanduser(name)))
    if name and folder.is_dir():
        return _Source(str(folder), None, folder)
    if HUB_ID.fullmatch(name):
        return _Source(name, name, Path())
    known = ", ".join([LITE, *(model.name for model in KNOWN)])
    raise UnknownEncoder(
        f"There is no encoder called {name!r}, and no directory.",
        f"Encoders: {known}; a hub id 'owner/name' or the directory of a checkpoint works too.",
    )


def _local(name: str) -> Checkpoint | None:
    """Return the checkpoint if it is on this machine, None if it has to be fetched. Raises as `create`."""
    source = _source(name)
    if source.repo is None:
        return checkpoint.read(source.folder, source.name)
    folder = hub.cached(source.repo)
    if folder is None:
        return None
    try:
        return checkpoint.read(folder, source.name, source.languages)
    except EncoderUnavailable:  # a file is missing: fetching it is what mends that
        return None


def _fetched(name: str, progress: Progress) -> Checkpoint:
    """Download a model of the hub. Raises as `create`."""
    source = _source(name)
    assert source.repo is not None, "a directory is never fetched"
    return checkpoint.read(hub.download(source.repo, source.name, progress), source.name, source.languages)


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
        yield lambda here, total: bar.update(task, completed=here, total=total)
