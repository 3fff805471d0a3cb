"""Encoders that other packages bring: entry points of the group `polyglance.encoders`.

One that is broken is one line that names its package; it leaves the others alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from ..config import Settings
from ..errors import EncoderUnavailable, PolyglanceError
from ..progress import Progress, Tick
from .base import Encoder, Registration

GROUP = "polyglance.encoders"

log = logging.getLogger("polyglance")

T = TypeVar("T")


def names() -> list[str]:
    """Names of all encoders that packages register, loadable or not; no package is imported."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def registration(name: str) -> Registration | None:
    """The encoder that a package registers under `name`, None if none does. Raises EncoderUnavailable if it is broken.

    What its functions raise later is one line as well.
    """
    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        return None
    if len(found) > 1:
        packages = " and ".join(sorted(_package(entry) for entry in found))
        raise EncoderUnavailable(f"Two packages register an encoder {name}: {packages}.", "Uninstall one of them.")
    entry = found[0]
    loaded: object = _guarded(entry, entry.load)
    if not isinstance(loaded, Registration) or loaded.name != name:
        raise _broken(entry, f"{entry.value} is no Registration of that name")
    fetch = loaded.fetch
    return replace(
        loaded,
        create=lambda settings: _created(entry, loaded, settings),
        is_ready=lambda: bool(_guarded(entry, loaded.is_ready)),
        fetch=None if fetch is None else lambda progress: _fetched(entry, fetch, progress),
    )


def registrations(reserved: Callable[[str], bool]) -> Iterator[Registration]:
    """All that can be loaded, by name; of another one, and of one with a `reserved` name, a warning is logged."""
    for name in names():
        if reserved(name):
            log.warning(
                f"An installed package registers an encoder {name}, which is a name of polyglance's own: ignored."
            )
            continue
        try:
            loaded = registration(name)
        except EncoderUnavailable as error:
            log.warning(str(error))
        else:
            if loaded is not None:
                yield loaded


def _created(entry: EntryPoint, loaded: Registration, settings: Settings) -> Encoder:
    encoder = _guarded(entry, lambda: loaded.create(settings))
    # A library remembers its encoder by this name, and asks for it again.
    if _guarded(entry, lambda: (encoder.name, encoder.dimension)) != (loaded.name, loaded.dimension):
        raise _broken(entry, "its name or dimension is not the one it is registered with")
    return encoder


def _fetched(entry: EntryPoint, fetch: Callable[[Progress], None], progress: Progress) -> None:
    def report(*numbers: Any) -> None:
        """Take a Tick, or what packages for polyglance 0.1 pass: bytes that are here, bytes of all files."""
        progress(numbers[0] if isinstance(numbers[0], Tick) else Tick(*numbers))

    _guarded(entry, lambda: fetch(report))


def _guarded(entry: EntryPoint, call: Callable[[], T]) -> T:
    """What `call` returns; what another package's code raises becomes one line, save errors that are one already."""
    try:
        return call()
    except PolyglanceError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise _broken(entry, f"{type(error).__name__}{f': {reason[0][:160]}' if reason else ''}") from error


def _broken(entry: EntryPoint, reason: str) -> EncoderUnavailable:
    package = _package(entry)
    return EncoderUnavailable(
        f"The encoder {entry.name} of the package {package} cannot be used ({reason}).",
        f"Update the package, or remove it: pip uninstall {package}",
    )


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.module
