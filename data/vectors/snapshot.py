"""Snapshot files: the vector index of one encoder on the disk, a cache that is used only if every byte is right.

Layout: the serialised FAISS index, which FAISS maps into memory from the beginning of a file; the ids of the vectors,
ascending, and their seals (8 bytes each); a footer of fixed size (FOOTER). The footer has a SHA-256 over its other
fields and all bytes before it, because FAISS itself opens a file with flipped bytes without an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ... import atomic

FOLDER = "snapshots"
MAGIC = b"PGLANCE\n"
VERSION = 3
FOOTER = struct.Struct("<8sI32sQqQQQd32s")
"""Magic, format version, fingerprint, generation, last vector id, number of vectors, tuning, SHA-256."""

CHUNK = 1 << 20
PREFIX_DIGITS = 16  # of the fingerprint, in the file's name


class SnapshotInvalid(Exception):
    """A snapshot that must not be used, and why. It is never shown to users, who only wait a moment longer."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How an index in clusters is searched: `probes` of them, with a recall (0 to 1) of the exact first ten.

    `trained` is the number of vectors there were when the clusters were found. All zero for an exact index.
    """

    probes: int = 0
    trained: int = 0
    recall: float = 0.0


NO_CLUSTERS = Tuning()


@dataclass(frozen=True, slots=True)
class Header:
    """The footer of a snapshot, not yet verified."""

    fingerprint: str
    generation: int
    last_id: int
    count: int
    tuning: Tuning = NO_CLUSTERS

    def packed(self, digest: bytes) -> bytes:
        """The footer with this digest."""
        numbers = (self.generation, self.last_id, self.count, self.tuning.probes, self.tuning.trained)
        return FOOTER.pack(MAGIC, VERSION, self.fingerprint.encode(), *numbers, self.tuning.recall, digest)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot without its index; `ids`, ascending, and `seals` have shape (vectors,)."""

    fingerprint: str
    generation: int
    ids: npt.NDArray[np.int64]
    seals: npt.NDArray[np.uint64]
    tuning: Tuning = NO_CLUSTERS

    @property
    def header(self) -> Header:
        """The part that is read without the vectors."""
        last = int(self.ids[-1]) if len(self.ids) else 0
        return Header(self.fingerprint, self.generation, last, len(self.ids), self.tuning)


def path_of(folder: Path, fingerprint: str) -> Path:
    """The path of an encoder's snapshot in the folder of snapshots."""
    return folder / f"{fingerprint[:PREFIX_DIGITS]}.faiss"


def write(path: Path, snapshot: Snapshot, index: Callable[[Callable[[bytes], object]], None]) -> None:
    """Write a snapshot whole or not at all, for one writer at a time; `index` is called with a function that writes.

    Memory holds only what `index` passes at a time. Raises OSError.
    """
    path.parent.mkdir(exist_ok=True)
    with atomic.whole_file(path) as temporary, temporary.open("wb") as file:
        state = hashlib.sha256()

        def put(data: bytes) -> None:
            state.update(data)
            file.write(data)

        index(put)
        put(snapshot.ids.astype("<i8").tobytes())
        put(snapshot.seals.astype("<u8").tobytes())
        state.update(snapshot.header.packed(b""))
        file.write(snapshot.header.packed(state.digest()))


@contextlib.contextmanager
def opened(path: Path, fingerprint: str) -> Iterator[tuple[Snapshot, BinaryIO]]:
    """Verify the snapshot of an encoder, and yield it with the file, which begins with the index.

    Raises SnapshotInvalid, FileNotFoundError if there is none, OSError.
    """
    with path.open("rb") as file:
        header, digest, size = _header(file)
        if header.fingerprint != fingerprint:
            raise SnapshotInvalid("it is of another encoder")
        if _digest(file, size, header) != digest:
            raise SnapshotInvalid("its checksum is wrong")
        file.seek(size - 16 * header.count)
        ids = np.frombuffer(file.read(8 * header.count), "<i8").astype(np.int64)
        seals = np.frombuffer(file.read(8 * header.count), "<u8").astype(np.uint64)
        if (np.diff(ids) <= 0).any() or (int(ids[-1]) if len(ids) else 0) != header.last_id:
            raise SnapshotInvalid("its ids are out of order")
        file.seek(0)
        yield Snapshot(header.fingerprint, header.generation, ids, seals, header.tuning), file


def verify(path: Path, fingerprint: str) -> None:
    """Raise what `opened` raises."""
    with opened(path, fingerprint):
        pass


def peek(path: Path) -> Header:
    """Read the footer alone. Raises SnapshotInvalid, OSError."""
    with path.open("rb") as file:
        return _header(file)[0]


def _header(file: BinaryIO) -> tuple[Header, bytes, int]:
    """(header, digest, number of bytes before the footer)."""
    size = os.fstat(file.fileno()).st_size - FOOTER.size
    if size < 0:
        raise SnapshotInvalid("it is cut short")
    file.seek(size)
    magic, version, fingerprint, generation, last_id, count, *tuning, digest = FOOTER.unpack(file.read(FOOTER.size))
    if magic != MAGIC:
        raise SnapshotInvalid("it is no snapshot of this format, it is cut short, or something was added")
    if version != VERSION:
        raise SnapshotInvalid(f"it is of format {version}, not {VERSION}")
    if not fingerprint.isascii():
        raise SnapshotInvalid("its fingerprint is no text")
    if 16 * count > size:
        raise SnapshotInvalid("it is cut short")
    return Header(fingerprint.decode().rstrip("\0"), generation, last_id, count, Tuning(*tuning)), digest, size


def _digest(file: BinaryIO, size: int, header: Header) -> bytes:
    state = hashlib.sha256()
    file.seek(0)
    while size and (part := file.read(min(CHUNK, size))):
        state.update(part)
        size -= len(part)
    state.update(header.packed(b""))
    return state.digest()
