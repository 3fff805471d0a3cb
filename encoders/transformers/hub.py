"""The model hub: what of it is cached here, whether it answers, and downloads that resume and are verified.

huggingface_hub keeps the cache, the addresses and the log-in. It neither resumes a download that another
process began nor compares checksums, so the large files are fetched here, to where it looks for them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ...errors import EncoderUnavailable, UnknownEncoder
from ...progress import Progress, Tick
from .checkpoint import WEIGHTS, dual_config

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

# Read by huggingface_hub when it is imported: nothing but what we ask for leaves the machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

ANSWER_SECONDS = 3.0
READ_SECONDS = 30.0
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try after the connection broke; the count starts again whenever bytes arrived."""
PARTIAL_CONTENT = 206
SHARDS = {
    "model.safetensors.index.json": "model-*-of-*.safetensors",
    "pytorch_model.bin.index.json": "pytorch_model-*-of-*.bin",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository: `checksum` is its SHA-256 if `large` (Git LFS), else its git blob SHA-1."""

    name: str
    size: int
    checksum: str
    large: bool


def split_revision(repo: str) -> tuple[str, str]:
    """Split `owner/name@revision`; the revision is `main` if none is given."""
    repo_id, _, revision = repo.partition("@")
    return repo_id, revision or "main"


def cached(repo: str) -> Path | None:
    """Return the directory of a repository's whole snapshot in the cache, or None. Never contacts the hub."""
    from huggingface_hub import try_to_load_from_cache

    repo_id, revision = split_revision(repo)
    config = try_to_load_from_cache(repo_id, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    # Weights come last in `download`, but another program may have filled the cache in part.
    return folder if any((folder / name).exists() for name in WEIGHTS) else None


def answers(repo: str) -> bool:
    """Whether the hub has this repository and says so within about three seconds. One try."""
    result: list[bool] = []
    # A silent name server blocks longer than the HTTP client's timeouts: hence a thread to walk away from.
    thread = threading.Thread(target=lambda: result.append(_asks(repo)), daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS + 0.5)
    return bool(result and result[0])


def download(repo: str, name: str, progress: Progress) -> Path:
    """Fetch what is missing of a repository's configuration, tokenizer and one form of its weights.

    Returns the snapshot's directory. A download that was cut off goes on where it stopped. Raises
    UnknownEncoder if the hub has no such model, NotADualEncoder if it is of another kind, EncoderUnavailable
    if the hub cannot be reached, refuses, or sends wrong bytes.
    """
    repo_id, revision = split_revision(repo)
    with _clear_errors(name):
        commit, files = _listing(repo_id, revision, name)
        small = [file for file in files if not file.large]
        snapshot = _snapshot(repo_id, revision, small)
        _verify_small(snapshot, small, name)
        dual_config(snapshot, name)  # before gigabytes are fetched for nothing
        _fetch_large(repo_id, commit, files, progress)
        return _snapshot(repo_id, revision, files)


def _fetch_large(repo_id: str, commit: str, files: list[RemoteFile], progress: Progress) -> None:
    large = [file for file in files if file.large]
    total = sum(file.size for file in files)
    here = total - sum(file.size for file in large)
    folder = _storage(repo_id)
    _require_space(folder, sum(file.size for file in large if not (folder / "blobs" / file.checksum).exists()))
    for file in large:
        _fetch(repo_id, commit, file, folder, partial(_report, progress, here, total))
        here += file.size
    progress(Tick(total, total))


def _report(progress: Progress, base: int, total: int, count: int) -> None:
    progress(Tick(base + count, total))


def _snapshot(repo_id: str, revision: str, files: list[RemoteFile]) -> Path:
    """Let huggingface_hub fetch the small files, and link the large ones that are in its cache by now."""
    from huggingface_hub import snapshot_download

    names = [file.name for file in files]
    return Path(snapshot_download(repo_id, revision=revision, allow_patterns=names, tqdm_class=_silent_bar()))


def _asks(repo: str) -> bool:
    from huggingface_hub import HfApi, get_token

    repo_id, revision = split_revision(repo)
    try:
        with _clear_errors(repo):
            info = HfApi().model_info(repo_id, revision=revision, timeout=ANSWER_SECONDS)
    except (EncoderUnavailable, UnknownEncoder):
        return False
    return not info.gated or get_token() is not None


def _listing(repo_id: str, revision: str, name: str) -> tuple[str, list[RemoteFile]]:
    """Return the commit and the files to fetch."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(repo_id, revision=revision, files_metadata=True, timeout=READ_SECONDS)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    wanted = wanted_files(list(siblings))
    if not any(file in wanted for file in WEIGHTS) or info.sha is None:
        raise EncoderUnavailable(
            f"The hub's {name} has no weights that transformers can load.", "Choose another model."
        )
    return info.sha, [_remote_file(siblings[file]) for file in wanted]


def wanted_files(names: list[str]) -> list[str]:
    """Choose from a repository's files: configuration and vocabulary, and one form of the weights."""
    form = next((weights for weights in WEIGHTS if weights in names), None)
    small = [name for name in names if "/" not in name and name.endswith((".json", ".txt", ".model"))]
    wanted = [name for name in small if not name.endswith(".index.json")]
    if form is not None:
        shards = SHARDS.get(form)
        wanted += [form, *(name for name in names if shards is not None and fnmatch(name, shards))]
    return wanted


def _remote_file(sibling: RepoSibling) -> RemoteFile:
    if sibling.lfs is not None:
        return RemoteFile(sibling.rfilename, sibling.lfs.size, sibling.lfs.sha256, large=True)
    return RemoteFile(sibling.rfilename, sibling.size or 0, sibling.blob_id or "", large=False)


def _storage(repo_id: str) -> Path:
    """The repository's directory in the hub's cache."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE).expanduser() / f"models--{repo_id.replace('/', '--')}"


def _require_space(folder: Path, size: int) -> None:
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise EncoderUnavailable(
            f"The download needs {_gigabytes(size)}, and {_gigabytes(free)} are free at {folder.parent}.",
            "Make room, or set HF_HOME to a folder on another disk.",
        )


def _fetch(repo_id: str, commit: str, file: RemoteFile, folder: Path, advance: Callable[[int], None]) -> None:
    """Bring a large file into the cache under its SHA-256, going on with what an earlier download left."""
    blob = folder / "blobs" / file.checksum
    lock = folder.parent / ".locks" / folder.name / f"{file.checksum}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if not blob.exists():
            partial = blob.with_name(f"{file.checksum}.incomplete")
            with partial.open("a+b") as target:
                checksum = _fill(target, _address(repo_id, commit, file), file, advance)
            if checksum != file.checksum:
                partial.unlink()
                raise EncoderUnavailable(
                    f"{file.name} arrived damaged (its checksum is not the hub's) and was thrown away.",
                    "Try again; if it happens again, something between here and the hub changes downloads.",
                )
            partial.replace(blob)
    advance(file.size)


def _address(repo_id: str, commit: str, file: RemoteFile) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repo_id, file.name, revision=commit)


def _fill(target: BufferedRandom, url: str, file: RemoteFile, advance: Callable[[int], None]) -> str:
    """Append to `target` until it has the file's size, through broken connections; return its SHA-256."""
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    target.seek(0)
    digest = hashlib.file_digest(target, "sha256")
    failures = 0
    while (here := target.tell()) < file.size:
        advance(here)
        try:
            for chunk in _stream(url, here):
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
                    f"The download of {file.name} was cut off at {_gigabytes(target.tell())} of "
                    f"{_gigabytes(file.size)} ({reason}).",
                    "Run the same command again: it goes on where it stopped.",
                )
            time.sleep(PAUSES[failures])
            failures += 1
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def _stream(url: str, start: int) -> Iterator[bytes | None]:
    """Yield a file's bytes from `start` on; None first if the server sends it from the beginning instead."""
    from huggingface_hub import get_session, hf_raise_for_status
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream("GET", url, headers=headers, timeout=READ_SECONDS, follow_redirects=True) as response:
        hf_raise_for_status(response)
        if start and response.status_code != PARTIAL_CONTENT:
            yield None
        # As it arrives: with chunks of a fixed size, what came before a break would be lost with the chunk.
        yield from response.iter_bytes()


def _verify_small(snapshot: Path, files: list[RemoteFile], name: str) -> None:
    """Compare the small files with their git blob SHA-1, and throw away those that differ."""
    damaged = []
    for file in files:
        path = snapshot / file.name
        if not file.large and file.checksum:
            data = path.read_bytes()
            header = f"blob {len(data)}\0".encode()
            if hashlib.sha1(header + data, usedforsecurity=False).hexdigest() != file.checksum:
                damaged.append(file.name)
                path.resolve().unlink()
                path.unlink(missing_ok=True)
    if damaged:
        raise EncoderUnavailable(
            f"{', '.join(damaged)} of {name} arrived damaged and was thrown away.",
            "Try again; if it happens again, something between here and the hub changes downloads.",
        )


def _silent_bar() -> type:
    """Return a tqdm that shows nothing: `progress` tells about the whole download instead."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    class Silent(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

    return Silent


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"


def unreachable(name: str) -> EncoderUnavailable:
    """The error for an encoder that is neither here nor to be had."""
    return EncoderUnavailable(
        f"{name} is not on this machine and the model hub cannot be reached.",
        f"Connect once and run 'polyglance encoders pull {name}', or use --encoder lite.",
    )


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """Turn the errors of huggingface_hub and its HTTP client into ours, one line each."""
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except errors.GatedRepoError as error:
        raise EncoderUnavailable(
            f"{name} is only for those who accept its licence on the model hub.",
            "Accept it on the model's page, run 'hf auth login', then try again.",
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError) as error:
        raise UnknownEncoder(
            f"The model hub has no public model called {name}.",
            "Check its id (owner/name); for a private one run 'hf auth login'.",
        ) from error
    except (httpx.TransportError, errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError) as error:
        raise unreachable(name) from error
    except errors.HfHubHTTPError as error:
        raise EncoderUnavailable(
            f"The model hub answered {error.response.status_code} for {name}.",
            "Try again later, or use --encoder lite.",
        ) from error
    except OSError as error:
        raise EncoderUnavailable(
            f"{name} cannot be stored in the model cache ({error.strerror or type(error).__name__}).",
            "Make room or fix its permissions, or set HF_HOME to another folder.",
        ) from error
