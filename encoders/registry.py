"""From an encoder's name to the encoder, and the choice that `auto` makes."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Settings
from .base import Encoder


@dataclass(frozen=True)
class Choice:
    """What `auto` decided, and the sentence that tells the user."""

    name: str
    reason: str


def create(name: str, settings: Settings) -> Encoder:
    """Return the encoder called `name`: `lite`, `altclip`, `altclip-m9`, `altclip-m18`, a hub id or a directory.

    Raises UnknownEncoder, EncoderUnavailable, NotADualEncoder. No tower is loaded yet.
    """
    raise NotImplementedError
