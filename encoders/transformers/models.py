"""Dual encoders of transformers by name: a short name, a hub id, or the directory of a checkpoint."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...config import Settings
from ...errors import EncoderUnavailable
from ...progress import Progress
from ..base import Card, Encoder, Registration
from ..runtimes import files
from . import checkpoint, hub
from .checkpoint import Checkpoint
from .known import KNOWN, KnownModel, by_name, card

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True)
class Source:
    """The repository on the hub, or the directory, that a name means."""

    name: str
    repo: str | None
    folder: Path
    languages: tuple[str, ...] | None = None


def registration(name: str) -> Registration | None:
    """The model of a short name, a hub id or a directory; None if `name` is none of them.

    Reads the files of a directory, or the cached files of a hub id. Raises NotADualEncoder, EncoderUnavailable if they
    cannot be used.
    """
    if model := by_name(name):
        return _known_registration(model)
    # resolve() would replace a link that the user may later point at another checkpoint.
    folder = Path(os.path.abspath(os.path.expanduser(name)))
    if name and folder.is_dir():
        source = Source(str(folder), None, folder)
    elif HUB_ID.fullmatch(name):
        source = Source(name, name, Path())
    else:
        return None
    local = _find_local(source)
    if local is None:
        return _make_registration(source, card(name, ()), dimension=0, download_bytes=None)
    return _make_registration(source, card(name, local.languages, f"From {local.path}."), local.dimension, 0)


def is_prepared(name: str) -> bool:
    """Whether something was compiled on this machine for the image tower of a model of a short name, or may have been.

    Only names of files are looked at. The encoder itself decides whether they fit.
    """
    model = by_name(name)
    local = _find_local(Source(model.name, model.repo, Path(), model.languages)) if model else None
    if local is None:
        return False
    places = [local.path / files.FOLDER, *files.CACHE.glob("*")]
    return any((place / "image.json").is_file() for place in places)


def known() -> tuple[Registration, ...]:
    """The models that have a short name, the best first."""
    return tuple(_known_registration(model) for model in KNOWN)


def _known_registration(model: KnownModel) -> Registration:
    source = Source(model.name, model.repo, Path(), model.languages)
    return _make_registration(source, card(model.name, model.languages), model.dimension, model.download_bytes)


def _make_registration(source: Source, encoder_card: Card, dimension: int, download_bytes: int | None) -> Registration:
    return Registration(
        source.name,
        dimension,
        encoder_card,
        create=partial(_create, source),
        is_ready=lambda: _find_local(source) is not None,
        fetch=partial(_fetch, source, source.repo) if source.repo else None,
        download_bytes=download_bytes,
    )


def _create(source: Source, settings: Settings) -> Encoder:
    from .altclip import DualEncoder

    local = _find_local(source)
    if local is None:
        raise EncoderUnavailable(
            f"{source.name} is not on this machine.", f"Fetch it: polyglance encoders pull {source.name}"
        )
    return DualEncoder(local, settings)


def _find_local(source: Source) -> Checkpoint | None:
    """The checkpoint if it is on this machine, None if it has to be fetched. Raises as `registration`."""
    if source.repo is None:
        return checkpoint.read(source.folder, source.name)
    folder = hub.cached(source.repo)
    if folder is None:
        return None
    try:
        return checkpoint.read(folder, source.name, source.languages)
    except EncoderUnavailable:  # a file is missing: it will be fetched
        return None


def _fetch(source: Source, repo: str, progress: Progress) -> None:
    """Download a model from the hub and check that it can be used. Raises as `registration`, and UnknownEncoder."""
    checkpoint.read(hub.download(repo, source.name, progress), source.name, source.languages)
