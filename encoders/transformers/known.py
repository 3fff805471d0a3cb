"""The models that have a short name, and their facts for the list of encoders."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import LANGUAGES
from ..base import Card


@dataclass(frozen=True)
class KnownModel:
    """A model on the hub with a short name. `download_bytes` is None if the size is unknown."""

    name: str
    repo: str
    dimension: int
    languages: tuple[str, ...]
    download_bytes: int | None
    description: str


LANGUAGES_OF_M18 = (*LANGUAGES, "th", "hi", "uk", "tr", "vi", "pl", "nl", "pt", "de")

KNOWN = (
    KnownModel(
        "altclip-m9",
        "BAAI/AltCLIP-m9",
        768,
        LANGUAGES,
        3_460_000_000,
        "AltCLIP-m9: the best answers, in nine languages.",
    ),
    KnownModel(
        "altclip",
        "BAAI/AltCLIP",
        768,
        ("en", "zh"),
        3_460_000_000,
        "AltCLIP: the bilingual original, English and Chinese.",
    ),
    KnownModel(
        "altclip-m18",
        "BAAI/AltCLIP-m18",
        1024,
        LANGUAGES_OF_M18,
        None,
        "AltCLIP-m18: eighteen languages.",
    ),
)


def card(name: str, languages: tuple[str, ...], default_description: str = "") -> Card:
    """The card of the model called `name`. One without a short name gets the default description."""
    model = by_name(name)
    return Card(model.description if model else default_description, languages)


def by_name(name: str) -> KnownModel | None:
    """Return the model with that short name or hub id, else None."""
    return next((model for model in KNOWN if name in (model.name, model.repo)), None)
