"""Documents about encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, RootModel

from ..encoders.registry import EncoderInfo
from .base import Document


class Encoder(Document):
    """An encoder."""

    name: str
    ready: bool = Field(description="Whether it works on this machine without a network.")
    dimension: int | None = Field(description="Length of its vectors.")
    languages: list[str] = Field(description="ISO 639-1.")
    download_bytes: int | None = Field(description="Bytes to fetch; 0 if there is nothing to fetch, null if not known.")
    description: str


class LibraryEncoder(Encoder):
    """An encoder, seen from one library."""

    active: bool = Field(description="Whether it answers the library's searches.")


class Encoders(RootModel[list[Encoder]]):
    """The encoders there are."""

    @classmethod
    def from_registry(cls, known: Sequence[EncoderInfo]) -> Self:
        """In the order of `registry.listing`."""
        return cls.model_validate([_fields(encoder) for encoder in known])


class LibraryEncoders(RootModel[list[LibraryEncoder]]):
    """The encoders there are; at most one of them answers."""

    @classmethod
    def from_registry(cls, known: Sequence[EncoderInfo], active: str | None) -> Self:
        """In the order of `registry.listing`; `active` is the name of the one that answers."""
        return cls.model_validate([_fields(encoder) | {"active": encoder.name == active} for encoder in known])


def _fields(encoder: EncoderInfo) -> dict[str, Any]:
    return {
        "name": encoder.name,
        "ready": encoder.ready,
        "dimension": encoder.dimension,
        "languages": list(encoder.languages),
        "download_bytes": encoder.download_bytes,
        "description": encoder.description,
    }
