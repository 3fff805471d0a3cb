"""The encoders of a library: the active one, that of a new library, and another one to switch to."""

from __future__ import annotations

from ..config import Settings
from ..data.catalog.records import EncoderRecord
from ..encoders import registry
from ..encoders.base import Encoder
from ..errors import EncoderError, EncoderUnavailable, LibraryMissing, UnknownEncoder, UsageError
from .parts import Parts


def active(parts: Parts) -> EncoderRecord:
    """The record of the encoder whose vectors answer. Raises LibraryMissing if nothing was indexed."""
    record = parts.catalog.encoders.active()
    if record is None:
        raise LibraryMissing(
            f"Nothing was indexed in the library {parts.folder}.", "Run 'polyglance index FOLDER' first."
        )
    return record


def active_or_new(parts: Parts, name: str | None) -> EncoderRecord:
    """The active encoder's record; in a new library, the encoder `name` (None: the default) becomes active.

    Raises UsageError if the library has another encoder than `name`, and what `registry.create` raises.
    """
    record = parts.catalog.encoders.active()
    if name is None and parts.own_encoder is not None:
        name = parts.own_encoder.name
    if record is None:
        record = register(parts, create(parts, name or parts.settings.encoder, parts.settings))
        parts.catalog.encoders.activate(record.id)
    elif name not in {None, "auto", record.name}:
        raise UsageError(
            f"This library's encoder is {record.name}.",
            f"Switch it with 'polyglance reencode --encoder {name}', or use another --library.",
        )
    return record


def create(parts: Parts, name: str, settings: Settings) -> Encoder:
    """The encoder called `name`; the caller's own goes before one that is registered."""
    if parts.own_encoder is not None and parts.own_encoder.name == name:
        return parts.own_encoder
    return registry.create(registry.resolve(name, settings), settings)


def register(parts: Parts, encoder: Encoder) -> EncoderRecord:
    """Enter `encoder` in the catalog, if it is not there, and keep it loaded; return its record."""
    fingerprint = encoder.fingerprint
    stored = [record.fingerprint for record in parts.catalog.encoders.all()]
    matching = filter(fingerprint.matches, stored)  # of another precision or an earlier version
    digest = fingerprint.digest if fingerprint.digest in stored else next(matching, fingerprint.digest)
    record = parts.catalog.encoders.add(encoder.name, digest, encoder.dimension, fingerprint.dtype)
    with parts.loading:
        parts.encoders[record.id] = encoder
    return record


def load(parts: Parts, record: EncoderRecord) -> Encoder:
    """The encoder that made the vectors of `record`, loaded once.

    Raises EncoderUnavailable if it is not installed, EncoderError if its fingerprint has changed.
    """
    with parts.loading:
        if record.id not in parts.encoders:
            try:
                encoder = create(parts, record.name, parts.settings)
                if not encoder.fingerprint.matches(record.fingerprint):
                    # Precisions that do not meet: use that of the vectors, not today's default.
                    encoder = create(
                        parts, record.name, parts.settings.model_copy(update={"precision": record.dtype.split()[-1]})
                    )
            except UnknownEncoder as error:
                raise EncoderUnavailable(
                    f"This library was indexed with the encoder {record.name}, which is not here.",
                    "Install its package, open the library with Library.open(…, encoder=…), or switch it: "
                    f"polyglance reencode --encoder {registry.EMBEDDED.name}",
                ) from error
            if not encoder.fingerprint.matches(record.fingerprint):
                raise EncoderError(
                    f"The encoder {record.name} here is not the one this library was indexed with.",
                    f"Run 'polyglance reencode --encoder {record.name}' to bring the library up to it.",
                )
            parts.encoders[record.id] = encoder
        return parts.encoders[record.id]


def load_active(parts: Parts) -> Encoder:
    """The encoder whose vectors answer. Raises as `active` and `load`."""
    return load(parts, active(parts))
