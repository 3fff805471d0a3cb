"""The fingerprint of a checkpoint, computed without loading its weights."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import platformdirs

from ... import atomic
from ..base import Fingerprint
from . import contents, precision
from .checkpoint import PREPROCESSOR_FILES, TOKENIZER_FILES, Checkpoint

CHECKSUMS = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "checksums.json"
"""Cached checksums of local weights files, because hashing 3.5 GB takes seconds."""

NOT_IDENTITY = frozenset(
    {"_commit_hash", "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}
)
"""Keys of JSON files that describe a checkpoint's origin or storage, and do not affect its outputs."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(checkpoint: Checkpoint, dtype: str) -> Fingerprint:
    """Return the fingerprint of `checkpoint` when it computes in `dtype`.

    A checkpoint has the same fingerprint in the hub's cache and in any directory. Versions of Python packages are not
    part of it, because an update of transformers must not make a library's vectors unusable.
    """
    return Fingerprint(
        weights=weights_sha256(checkpoint),
        preprocessing=f"pil, {preprocessing_sha256(checkpoint)}",
        dimension=checkpoint.dimension,
        normalisation="l2",
        dtype=dtype,
        meets=precision.MEET,
    )


def weights_sha256(checkpoint: Checkpoint) -> str:
    """SHA-256 of the weights file. If there are several, the SHA-256 of their concatenated SHA-256."""
    sums = [file_sha256(file) for file in checkpoint.weights if file.suffix != ".json"]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def preprocessing_sha256(checkpoint: Checkpoint) -> str:
    """SHA-256 of the configuration, the image processor, the tokenizer, and how texts are truncated and padded."""
    digest = hashlib.sha256()
    for name in ("config.json", *PREPROCESSOR_FILES, *TOKENIZER_FILES):
        file = checkpoint.path / name
        if not file.is_file():
            continue
        if name == "config.json" or name in PREPROCESSOR_FILES:
            document = contents.read_object(file, checkpoint.name)
            data = json.dumps(_strip_origin(document), sort_keys=True).encode()
        else:
            data = file.read_bytes()
        digest.update(f"{name} {len(data)} ".encode() + data)
    digest.update(f"text {checkpoint.text_length} {checkpoint.family.pads_to_length}".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, cached as long as path, size, times and inode stay the same."""
    # In the hub's cache a snapshot's file is a link to a blob whose name is its SHA-256.
    if path.is_symlink() and SHA256.fullmatch(blob := path.readlink().name):
        return blob
    key = str(path.resolve())
    stat = path.stat()
    stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    checksums = _load_checksums()
    entry = checksums.get(key)
    if isinstance(entry, dict) and entry.get("stamp") == stamp and SHA256.fullmatch(str(entry.get("sha256"))):
        return str(entry["sha256"])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _save_checksums({**checksums, key: {"stamp": stamp, "sha256": digest}})
    return digest


def _strip_origin(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strip_origin(item) for key, item in value.items() if key not in NOT_IDENTITY}
    return value


def _load_checksums() -> dict[str, Any]:
    try:
        value = json.loads(CHECKSUMS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _save_checksums(entries: dict[str, Any]) -> None:
    # Without the cache everything still works, but takes longer.
    with contextlib.suppress(OSError):
        CHECKSUMS.parent.mkdir(parents=True, exist_ok=True)
        with atomic.whole_file(CHECKSUMS, durable=False) as temporary:
            temporary.write_text(json.dumps(entries), encoding="utf-8")
