"""Snapshot files: the vector index of one encoder on the disk, a cache that is believed only if every byte is right.

Layout: a header of fixed size (HEADER), the seals of the vectors (8 bytes each, in the order of the index), the
serialised FAISS index. The header holds a SHA-256 over its other fields and all that follows: FAISS itself opens a
file with flipped bytes without a word.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import atomic

FOLDER = "snapshots"
MAGIC = b"PGLANCE\n"
VERSION = 1
HEADER = struct.Struct("<8sI32sQqQQ32s")
"""Magic, format version, fingerprint, generation, last vector id, vectors, bytes after the header, SHA-256."""

PREFIX_DIGITS = 16  # of the fingerprint, in the file's name


class SnapshotInvalid(Exception):
    """A snapshot that must not be used, and why; never shown to users, who lose nothing but a moment."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot file says. `seals` has shape (vectors,), `index` is the serialised FAISS index."""

    fingerprint: str
    generation: int
    last_id: int
    seals: npt.NDArray[np.uint64]
    index: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a snapshot file, not verified against what follows."""

    fingerprint: str
    generation: int
    last_id: int
    count: int
    length: int
    digest: bytes


def path_of(folder: Path, fingerprint: str) -> Path:
    """Where the snapshot of an encoder lies in the folder of snapshots."""
    return folder / f"{fingerprint[:PREFIX_DIGITS]}.faiss"


def write(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot whole or not at all, for one writer at a time. Raises OSError."""
    length = snapshot.seals.nbytes + snapshot.index.nbytes
    fields = (snapshot.fingerprint, snapshot.generation, snapshot.last_id, len(snapshot.seals), length)
    parts = (snapshot.seals.astype("<u8").data.cast("B"), snapshot.index.data.cast("B"))
    path.parent.mkdir(exist_ok=True)
    with atomic.whole_file(path) as temporary, temporary.open("wb") as file:
        file.write(_packed(*fields, _digest(_packed(*fields, b""), *parts)))
        for part in parts:
            file.write(part)


def read(path: Path, fingerprint: str) -> Snapshot:
    """Read and verify the snapshot of an encoder.

    Raises SnapshotInvalid, FileNotFoundError if there is none, OSError.
    """
    with path.open("rb") as file:
        header = _header(file.read(HEADER.size))
        if header.fingerprint != fingerprint:
            raise SnapshotInvalid("it is of another encoder")
        _check_length(header, os.fstat(file.fileno()).st_size)
        payload = np.fromfile(file, np.uint8)
    fields = (header.fingerprint, header.generation, header.last_id, header.count, header.length)
    if _digest(_packed(*fields, b""), payload.data) != header.digest:
        raise SnapshotInvalid("its checksum is wrong")
    seals = payload[: header.count * 8].view("<u8").astype(np.uint64)
    return Snapshot(header.fingerprint, header.generation, header.last_id, seals, payload[header.count * 8 :])


def peek(path: Path) -> Header:
    """Read the header alone. Raises SnapshotInvalid, OSError."""
    with path.open("rb") as file:
        header = _header(file.read(HEADER.size))
        _check_length(header, os.fstat(file.fileno()).st_size)
    return header


def _header(data: bytes) -> Header:
    if len(data) < HEADER.size:
        raise SnapshotInvalid("it is cut short")
    magic, version, fingerprint, generation, last_id, count, length, digest = HEADER.unpack(data)
    if magic != MAGIC:
        raise SnapshotInvalid("it is no snapshot")
    if version != VERSION:
        raise SnapshotInvalid(f"it is of format {version}, not {VERSION}")
    if not fingerprint.isascii():
        raise SnapshotInvalid("its fingerprint is no text")
    return Header(fingerprint.decode().rstrip("\0"), generation, last_id, count, length, digest)


def _check_length(header: Header, size: int) -> None:
    if size != HEADER.size + header.length or header.count * 8 > header.length:
        raise SnapshotInvalid("it is cut short, or something was added")


def _packed(fingerprint: str, generation: int, last_id: int, count: int, length: int, digest: bytes) -> bytes:
    return HEADER.pack(MAGIC, VERSION, fingerprint.encode(), generation, last_id, count, length, digest)


def _digest(*parts: bytes | memoryview) -> bytes:
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.digest()
