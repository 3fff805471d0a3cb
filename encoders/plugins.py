"""Encoders of other packages: entry points of the group `polyglance.encoders`.

An encoder that cannot be loaded leads to one line that names its package. The other encoders still work.
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
    """Names of all encoders that packages register, loadable or not, without importing a package."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def registration(name: str) -> Registration | None:
    """The encoder that a package registers under `name`; None if no package does.

    Raises EncoderUnavailable if it cannot be loaded. Its functions raise EncoderUnavailable instead of other errors.
    """
    entries = tuple(entry_points(group=GROUP, name=name))
    if not entries:
        return None
    if len(entries) > 1:
        packages = " and ".join(sorted(_package(entry) for entry in entries))
        raise EncoderUnavailable(f"Two packages register an encoder {name}: {packages}.", "Uninstall one of them.")
    entry = entries[0]
    loaded: object = _call(entry, entry.load)
    if not isinstance(loaded, Registration) or loaded.name != name:
        raise _broken(entry, f"{entry.value} is no Registration of that name")
    fetch = loaded.fetch
    return replace(
        loaded,
        create=lambda settings: _create(entry, loaded, settings),
        is_ready=lambda: bool(_call(entry, loaded.is_ready)),
        fetch=None if fetch is None else lambda progress: _fetch(entry, fetch, progress),
    )


def registrations(reserved: Callable[[str], bool]) -> Iterator[Registration]:
    """All encoders that can be loaded, by name. Others, and those with a `reserved` name, are logged as warnings."""
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


def _create(entry: EntryPoint, loaded: Registration, settings: Settings) -> Encoder:
    encoder = _call(entry, lambda: loaded.create(settings))
    # A library stores this name and opens its encoder by it.
    if _call(entry, lambda: (encoder.name, encoder.dimension)) != (loaded.name, loaded.dimension):
        raise _broken(entry, "its name or dimension is not the one it is registered with")
    return encoder


def _fetch(entry: EntryPoint, fetch: Callable[[Progress], None], progress: Progress) -> None:
    def report(*numbers: Any) -> None:
        """Accept a Tick, or the two numbers that packages for polyglance 0.1 pass: fetched bytes, total bytes."""
        progress(numbers[0] if isinstance(numbers[0], Tick) else Tick(*numbers))

    _call(entry, lambda: fetch(report))


def _call(entry: EntryPoint, call: Callable[[], T]) -> T:
    """Call another package's code. Turns what it raises into EncoderUnavailable, except errors of polyglance."""
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
