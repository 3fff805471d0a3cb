"""The model hub: its local cache, whether it answers, and downloads of models.

huggingface_hub manages the cache, the addresses and the log-in. It neither resumes a download that another process
began nor compares checksums. `transfer` therefore fetches large files into huggingface_hub's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import EncoderUnavailable, UnknownEncoder
from ...progress import Progress, Tick
from .checkpoint import WEIGHTS, dual_config
from .transfer import READ_SECONDS, RemoteFile, fetch, gigabytes

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

# huggingface_hub reads it when it is imported: only our requests leave the machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

ANSWER_SECONDS = 3.0
SHARDS = {
    "model.safetensors.index.json": "model-*-of-*.safetensors",
    "pytorch_model.bin.index.json": "pytorch_model-*-of-*.bin",
}


def split_revision(repo: str) -> tuple[str, str]:
    """Split `owner/name@revision`; the revision is `main` if none is given."""
    repo_id, _, revision = repo.partition("@")
    return repo_id, revision or "main"


def cached(repo: str) -> Path | None:
    """Return the directory of a repository's complete snapshot in the cache, or None. Never contacts the hub."""
    from huggingface_hub import try_to_load_from_cache

    repo_id, revision = split_revision(repo)
    config = try_to_load_from_cache(repo_id, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    # `download` fetches the weights last, but another program may have filled the cache in part.
    return folder if any((folder / name).exists() for name in WEIGHTS) else None


def cache_folder() -> Path:
    """Where fetched models are kept."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def answers(repo: str) -> bool:
    """Whether the hub says, within about three seconds and in one attempt, that it has this repository."""
    result: list[bool] = []
    # A silent name server blocks longer than the HTTP client's timeouts. The thread is then left behind.
    thread = threading.Thread(target=lambda: result.append(_ask_hub(repo)), daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS + 0.5)
    return bool(result and result[0])


def download(repo: str, name: str, progress: Progress) -> Path:
    """Fetch the missing files of a repository's configuration, tokenizer and weights (in one format).

    Returns the snapshot's directory. An interrupted download is resumed. Raises UnknownEncoder if the hub has no such
    model, NotADualEncoder if it is of another kind, EncoderUnavailable if the hub cannot be reached, refuses, or sends
    wrong bytes.
    """
    repo_id, revision = split_revision(repo)
    with _translate_errors(name):
        commit, files = _list_files(repo_id, revision, name)
        small_files = [file for file in files if not file.large]
        snapshot = _snapshot(repo_id, revision, small_files)
        _verify_small(snapshot, small_files, name)
        dual_config(snapshot, name)  # before gigabytes are fetched for nothing
        _fetch_large(repo_id, commit, files, progress)
        return _snapshot(repo_id, revision, files)


def _fetch_large(repo_id: str, commit: str, files: list[RemoteFile], progress: Progress) -> None:
    large = [file for file in files if file.large]
    total = sum(file.size for file in files)
    fetched = total - sum(file.size for file in large)
    folder = _storage(repo_id)
    _require_space(folder, sum(file.size for file in large if not (folder / "blobs" / file.checksum).exists()))
    for file in large:
        fetch(repo_id, commit, file, folder, partial(_report, progress, fetched, total))
        fetched += file.size
    progress(Tick(total, total))


def _report(progress: Progress, base: int, total: int, count: int) -> None:
    progress(Tick(base + count, total))


def _snapshot(repo_id: str, revision: str, files: list[RemoteFile]) -> Path:
    """Let huggingface_hub fetch the small files and link the large ones, which its cache already has."""
    from huggingface_hub import snapshot_download

    names = [file.name for file in files]
    return Path(snapshot_download(repo_id, revision=revision, allow_patterns=names, tqdm_class=_silent_bar()))


def _ask_hub(repo: str) -> bool:
    from huggingface_hub import HfApi, get_token

    repo_id, revision = split_revision(repo)
    try:
        with _translate_errors(repo):
            info = HfApi().model_info(repo_id, revision=revision, timeout=ANSWER_SECONDS)
    except (EncoderUnavailable, UnknownEncoder):
        return False
    return not info.gated or get_token() is not None


def _list_files(repo_id: str, revision: str, name: str) -> tuple[str, list[RemoteFile]]:
    """Return the commit and the files to fetch."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(repo_id, revision=revision, files_metadata=True, timeout=READ_SECONDS)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    names = choose_files(list(siblings))
    if not any(file in names for file in WEIGHTS) or info.sha is None:
        raise EncoderUnavailable(
            f"The hub's {name} has no weights that transformers can load.", "Choose another model."
        )
    return info.sha, [_remote_file(siblings[file]) for file in names]


def choose_files(names: list[str]) -> list[str]:
    """Choose from a repository's files the configuration, the vocabulary, and the weights in one format."""
    weights = next((file for file in WEIGHTS if file in names), None)
    small = [name for name in names if "/" not in name and name.endswith((".json", ".txt", ".model"))]
    files = [name for name in small if not name.endswith(".index.json")]
    if weights is not None:
        shards = SHARDS.get(weights)
        files += [weights, *(name for name in names if shards is not None and fnmatch(name, shards))]
    return files


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
            f"The download needs {gigabytes(size)}, and {gigabytes(free)} are free at {folder.parent}.",
            "Make room, or set HF_HOME to a folder on another disk.",
        )


def _verify_small(snapshot: Path, files: list[RemoteFile], name: str) -> None:
    """Compare the small files with their git blob SHA-1, and delete those that differ."""
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
    """Return a tqdm class that shows nothing, because `progress` reports the whole download."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    class Silent(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

    return Silent


def unreachable(name: str) -> EncoderUnavailable:
    """The error for a model that is not on this machine while the hub cannot be reached."""
    return EncoderUnavailable(
        f"{name} is not on this machine and the model hub cannot be reached.",
        f"Connect once and run 'polyglance encoders pull {name}', or use --encoder lite.",
    )


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    """Translate errors of huggingface_hub and its HTTP client into errors of polyglance, one line each."""
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
