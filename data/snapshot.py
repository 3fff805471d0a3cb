"""Snapshot files: the vector index of one encoder on the disk, a cache that is believed only if every byte is right.

Layout: a header of fixed size (HEADER), the seals of the vectors (8 bytes each, in the order of the index), the
serialised FAISS index. The header holds a SHA-256 over its other fields and all that follows: FAISS itself opens a
file with flipped bytes without a word.
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

from . import atomic

FOLDER = "snapshots"
MAGIC = b"PGLANCE\n"
VERSION = 1
HEADER = struct.Struct("<8sI32sQqQQ32s")
"""Magic, format version, fingerprint, generation, last vector id, vectors, bytes after the header, SHA-256."""

CHUNK = 1 << 20
PREFIX_DIGITS = 16  # of the fingerprint, in the file's name


class SnapshotInvalid(Exception):
    """A snapshot that must not be used, and why; never shown to users, who lose nothing but a moment."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says, but the index itself. `seals` has shape (vectors,), in the order of the index."""

    fingerprint: str
    generation: int
    last_id: int
    seals: npt.NDArray[np.uint64]


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


def write(path: Path, snapshot: Snapshot, index: Callable[[Callable[[bytes], object]], None]) -> None:
    """Write a snapshot whole or not at all, for one writer at a time; `index` is called with what it is to write by.

    Nothing is held in memory but what `index` hands over at a time. Raises OSError.
    """
    path.parent.mkdir(exist_ok=True)
    seals = snapshot.seals.astype("<u8").tobytes()
    with atomic.whole_file(path) as temporary, temporary.open("wb+") as file:
        file.write(bytes(HEADER.size))
        file.write(seals)
        index(file.write)
        length = file.tell() - HEADER.size
        fields = (snapshot.fingerprint, snapshot.generation, snapshot.last_id, len(snapshot.seals), length)
        file.seek(HEADER.size)
        digest = _digest(_packed(*fields, b""), file)
        file.seek(0)
        file.write(_packed(*fields, digest))


@contextlib.contextmanager
def opened(path: Path, fingerprint: str) -> Iterator[tuple[Snapshot, BinaryIO]]:
    """Verify the snapshot of an encoder, and yield it with the file, from which the index is to be read.

    Raises SnapshotInvalid, FileNotFoundError if there is none, OSError.
    """
    with path.open("rb") as file:
        header = _header(file.read(HEADER.size))
        if header.fingerprint != fingerprint:
            raise SnapshotInvalid("it is of another encoder")
        _check_length(header, os.fstat(file.fileno()).st_size)
        fields = (header.fingerprint, header.generation, header.last_id, header.count, header.length)
        if _digest(_packed(*fields, b""), file) != header.digest:
            raise SnapshotInvalid("its checksum is wrong")
        file.seek(HEADER.size)
        seals = np.frombuffer(file.read(header.count * 8), "<u8").astype(np.uint64)
        yield Snapshot(header.fingerprint, header.generation, header.last_id, seals), file


def verify(path: Path, fingerprint: str) -> None:
    """Raise what `opened` raises."""
    with opened(path, fingerprint):
        pass


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


def _digest(header: bytes, payload: BinaryIO) -> bytes:
    state = hashlib.sha256(header)
    while part := payload.read(CHUNK):
        state.update(part)
    return state.digest()
