"""Encoders whose vectors the library holds, and which of them answers searches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, update

from . import seals, settings
from .database import Database, damaged
from .dialect import of
from .models import EncoderRow, Label, Labelling
from .records import EncoderRecord
from .settings import LibrarySettings


class Encoders:
    """The table of encoders."""

    def __init__(self, database: Database, library_settings: LibrarySettings) -> None:
        self._database = database
        self._settings = library_settings

    def all(self) -> list[EncoderRecord]:
        """All encoders this library holds vectors of."""
        columns = (EncoderRow.id, EncoderRow.name, EncoderRow.fingerprint, EncoderRow.dimension, EncoderRow.dtype)
        with self._database.reading() as connection:
            return [EncoderRecord(*row) for row in connection.execute(select(*columns).order_by(EncoderRow.id))]

    def active(self) -> EncoderRecord | None:
        """The encoder that answers searches; None before the first index run.

        Raises LibraryError if its record is not what was written.
        """
        active_id = self._settings.get("active_encoder")
        encoder = next((encoder for encoder in self.all() if str(encoder.id) == active_id), None)
        if encoder is not None:
            self._require_sealed(encoder)
        return encoder

    def activate(self, encoder_id: int, name: str | None = None, fingerprint: str | None = None) -> None:
        """Let an encoder answer from now on. The things that another encoder saw are dropped with it.

        `name` and `fingerprint` are new ones of an encoder that makes the same vectors of pictures.
        """
        record = next((record for record in self.all() if record.id == encoder_id), None)
        with self._database.writing() as connection:
            if record is not None and (name or fingerprint):
                changed = replace(record, name=name or record.name, fingerprint=fingerprint or record.fingerprint)
                values: dict[str, Any] = {"name": changed.name, "fingerprint": changed.fingerprint}
                values["seal"] = seals.seal_row("encoder", changed)
                connection.execute(update(EncoderRow).where(EncoderRow.id == encoder_id).values(values))
            connection.execute(delete(Label).where(Label.kind == "thing"))
            connection.execute(delete(Labelling).where(Labelling.kind == "thing"))
            settings.put(connection, "active_encoder", str(encoder_id))
            settings.bump_labels(connection)

    def add(self, name: str, fingerprint: str, dimension: int, dtype: str) -> EncoderRecord:
        """Return the record of this fingerprint; create it if it is new, correct it if it was damaged."""
        values: dict[str, Any] = {"name": name, "fingerprint": fingerprint, "dimension": dimension, "dtype": dtype}
        values["seal"] = seals.seal_row("encoder", values)
        with self._database.writing() as connection:
            connection.execute(of(connection).upsert(EncoderRow, ["fingerprint"], lambda _: values).values(values))
        return next(encoder for encoder in self.all() if encoder.fingerprint == fingerprint)

    def _require_sealed(self, encoder: EncoderRecord) -> None:
        with self._database.reading() as connection:
            row = connection.execute(select(EncoderRow.seal).where(EncoderRow.id == encoder.id)).first()
        if row is None or seals.seal_row("encoder", encoder) != row.seal:
            raise damaged("the record of the encoder is not what was written")
