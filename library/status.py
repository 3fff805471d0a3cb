"""What a library holds: roots and their state, failures, encoder, index, watcher."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..data import watch_state
from ..data.catalog.records import EncoderRecord, PhotoRecord, RootRecord
from ..data.vectors import index_files, stores
from ..data.watch_state import WatchState
from ..indexer.disk import health
from ..indexer.disk.mounts import mounts
from .parts import Parts


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds, as `polyglance status` tells it."""

    folder: Path
    roots: list[tuple[RootRecord, str]]
    """Each root with its state: "online", "offline" or "partly offline"."""
    failures: list[PhotoRecord]
    encoder: EncoderRecord | None
    index: str
    """How its vectors are searched: "exact", "clustered" in a large library, "milvus" or "pgvector"."""
    generation: int
    watch: WatchState | None
    """None if no process watches the library."""

    @property
    def photos(self) -> int:
        """Photos that can be found."""
        return sum(root.photos for root, _ in self.roots)


def status(parts: Parts) -> Status:
    """What the library holds now."""
    catalog = parts.catalog
    roots = catalog.roots.all()
    table = mounts()
    states = [health.state(root, table, partial(catalog.photos.some_paths, root.id)) for root in roots]
    encoder = catalog.encoders.active()
    return Status(
        folder=parts.folder,
        roots=list(zip(roots, states, strict=True)),
        failures=catalog.failures.all(),
        encoder=encoder,
        index=_index(parts, encoder),
        generation=catalog.generation(),
        watch=watch_state.read(parts.folder),
    )


def _index(parts: Parts, encoder: EncoderRecord | None) -> str:
    if parts.vectors:
        return stores.kind(parts.vectors)
    return index_files.kind(parts.catalog, encoder) if encoder else index_files.EXACT
