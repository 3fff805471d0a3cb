"""The encoders of a library: the active one, that of a new library, and another one to switch to."""

from __future__ import annotations

from dataclasses import replace

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
        parts.catalog.encoders.activate(record.id, record.name, record.fingerprint)
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
    """The record of `encoder`, entered in the catalog if no record has its vectors of pictures; keeps it loaded.

    The record of an encoder with the same image side has the name of `encoder` and a fingerprint that it matches;
    `catalog.encoders.activate` stores them.
    """
    fingerprint = encoder.fingerprint
    records = parts.catalog.encoders.all()
    records.sort(key=lambda record: record.fingerprint != fingerprint.digest)  # others: precision, earlier version
    stored = next((record for record in records if _makes_vectors_of(parts, encoder, record)), None)
    if stored is not None and stored.name != encoder.name:
        of_these_vectors = replace(fingerprint, dtype=stored.dtype).digest
        digest = stored.fingerprint if fingerprint.matches(stored.fingerprint) else of_these_vectors
        record = replace(stored, name=encoder.name, fingerprint=digest)
    else:
        digest = stored.fingerprint if stored else fingerprint.digest
        record = parts.catalog.encoders.add(encoder.name, digest, encoder.dimension, fingerprint.dtype)
    with parts.loading:
        _keep_loaded(parts, record, encoder)
    return record


def load(parts: Parts, record: EncoderRecord) -> Encoder:
    """The encoder that made the vectors of `record`, loaded once.

    Raises EncoderUnavailable if it is not installed, EncoderError if its fingerprint has changed.
    """
    with parts.loading:
        if (record.id, record.name) not in parts.encoders:
            try:
                encoder = create(parts, record.name, parts.settings)
                if not encoder.fingerprint.matches(record.fingerprint):
                    # Precisions that do not meet: use that of the vectors, not today's default.
                    encoder = create(parts, record.name, _settings_for(parts, record))
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
            _keep_loaded(parts, record, encoder)
        return parts.encoders[record.id, record.name]


def load_active(parts: Parts) -> Encoder:
    """The encoder whose vectors answer. Raises as `active` and `load`."""
    return load(parts, active(parts))


def _settings_for(parts: Parts, record: EncoderRecord) -> Settings:
    return parts.settings.model_copy(update={"precision": record.dtype.split()[-1]})


def _makes_vectors_of(parts: Parts, encoder: Encoder, record: EncoderRecord) -> bool:
    """Whether the vectors of `record` are what `encoder` makes of pictures.

    An earlier version stored one digest of both sides, which an encoder with another text tower does not match. Then
    the encoder that made the vectors is asked for its image side, if it is on this machine.
    """
    fingerprint = encoder.fingerprint
    if fingerprint.matches(record.fingerprint):
        return True
    if record.dimension != encoder.dimension or record.name == encoder.name or not registry.is_ready(record.name):
        return False
    maker = create(parts, record.name, _settings_for(parts, record)).fingerprint
    return maker.matches(record.fingerprint) and fingerprint.matches(maker.digest)


def _keep_loaded(parts: Parts, record: EncoderRecord, encoder: Encoder) -> None:
    """Keep the encoder, in the place of one whose text tower it replaces. Under `parts.loading`."""
    for key in [key for key in parts.encoders if key[0] == record.id]:
        del parts.encoders[key]
    parts.encoders[record.id, record.name] = encoder
