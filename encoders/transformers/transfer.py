"""Downloads one large file of the model hub into huggingface_hub's cache: resumed, and verified by its SHA-256."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path

from filelock import FileLock

from ...errors import EncoderUnavailable

READ_SECONDS = 30.0
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new attempt after a broken connection. Received bytes start the sequence again."""
PARTIAL_CONTENT = 206


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository: `checksum` is its SHA-256 if `large` (Git LFS), else its git blob SHA-1."""

    name: str
    size: int
    checksum: str
    large: bool


def fetch(repo_id: str, commit: str, file: RemoteFile, folder: Path, advance: Callable[[int], None]) -> None:
    """Fetch a large file into the cache, under its SHA-256 as name. An interrupted download is resumed."""
    blob = folder / "blobs" / file.checksum
    lock = folder.parent / ".locks" / folder.name / f"{file.checksum}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if not blob.exists():
            partial = blob.with_name(f"{file.checksum}.incomplete")
            with partial.open("a+b") as target:
                checksum = _append_rest(target, _file_url(repo_id, commit, file), file, advance)
            if checksum != file.checksum:
                partial.unlink()
                raise EncoderUnavailable(
                    f"{file.name} arrived damaged (its checksum is not the hub's) and was thrown away.",
                    "Try again; if it happens again, something between here and the hub changes downloads.",
                )
            partial.replace(blob)
    advance(file.size)


def _file_url(repo_id: str, commit: str, file: RemoteFile) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repo_id, file.name, revision=commit)


def _append_rest(target: BufferedRandom, url: str, file: RemoteFile, advance: Callable[[int], None]) -> str:
    """Append to `target` until it has the file's size, reconnecting if need be. Return its SHA-256."""
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    target.seek(0)
    digest = hashlib.file_digest(target, "sha256")
    failures = 0
    while (size := target.tell()) < file.size:
        advance(size)
        try:
            for chunk in _stream(url, size):
                if chunk is None:  # the server starts at the beginning
                    target.truncate(0)
                    digest = hashlib.sha256()
                    continue
                target.write(chunk)
                digest.update(chunk)
                failures = 0
                advance(target.tell())
            reason = "the connection ended early"
        except httpx.TransportError as error:
            reason = type(error).__name__
        if target.tell() < file.size:
            target.flush()
            if failures == len(PAUSES):
                raise EncoderUnavailable(
                    f"The download of {file.name} was cut off at {gigabytes(target.tell())} of "
                    f"{gigabytes(file.size)} ({reason}).",
                    "Run the same command again: it goes on where it stopped.",
                )
            time.sleep(PAUSES[failures])
            failures += 1
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def _stream(url: str, start: int) -> Iterator[bytes | None]:
    """Yield a file's bytes from `start` on. None comes first if the server sends the whole file instead."""
    from huggingface_hub import get_session, hf_raise_for_status
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream("GET", url, headers=headers, timeout=READ_SECONDS, follow_redirects=True) as response:
        hf_raise_for_status(response)
        if start and response.status_code != PARTIAL_CONTENT:
            yield None
        # In chunks as they arrive: of a chunk of fixed size, a broken connection would lose the received part.
        yield from response.iter_bytes()


def gigabytes(count: int) -> str:
    """A number of bytes as text, in GB or MB."""
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"
