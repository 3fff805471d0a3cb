"""What identifies an encoder's outputs, found without loading its weights."""

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
from . import contents
from .checkpoint import PREPROCESSOR_FILES, TOKENIZER_FILES, Checkpoint

CHECKSUMS = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "checksums.json"
"""Checksums of local weights files, remembered: hashing 3.5 GB takes seconds."""

NOT_IDENTITY = frozenset(
    {"_commit_hash", "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}
)
"""Keys of JSON files that say where a checkpoint came from or how it was stored, not what it computes."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(checkpoint: Checkpoint, dtype: str) -> Fingerprint:
    """Return the identity of `checkpoint`'s outputs when it computes in `dtype`.

    A checkpoint has the same identity in the hub's cache and in a directory of its own. The versions of the
    libraries are left out: an update of transformers must not throw a library's vectors away.
    """
    return Fingerprint(
        weights=weights_sha256(checkpoint),
        preprocessing=f"pil, {preprocessing_sha256(checkpoint)}",
        dimension=checkpoint.dimension,
        normalisation="l2",
        dtype=dtype,
    )


def weights_sha256(checkpoint: Checkpoint) -> str:
    """SHA-256 of the weights file; of the files' SHA-256 one after the other where there are several."""
    sums = [file_sha256(file) for file in checkpoint.weights if file.suffix != ".json"]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def preprocessing_sha256(checkpoint: Checkpoint) -> str:
    """SHA-256 over configuration, picture preparation, tokenizer and how texts are cut and padded."""
    digest = hashlib.sha256()
    for name in ("config.json", *PREPROCESSOR_FILES, *TOKENIZER_FILES):
        file = checkpoint.path / name
        if not file.is_file():
            continue
        if name == "config.json" or name in PREPROCESSOR_FILES:
            said = contents.read_object(file, checkpoint.name)
            data = json.dumps(_essence(said), sort_keys=True).encode()
        else:
            data = file.read_bytes()
        digest.update(f"{name} {len(data)} ".encode() + data)
    digest.update(f"text {checkpoint.text_length} {checkpoint.family.pads_to_length}".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, remembered for as long as path, size, times and inode stay the same."""
    # In the hub's cache a snapshot's entry links to a blob that is named by its SHA-256.
    if path.is_symlink() and SHA256.fullmatch(blob := path.readlink().name):
        return blob
    key = str(path.resolve())
    stat = path.stat()
    stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    known = _remembered()
    entry = known.get(key)
    if isinstance(entry, dict) and entry.get("stamp") == stamp and SHA256.fullmatch(str(entry.get("sha256"))):
        return str(entry["sha256"])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _remember({**known, key: {"stamp": stamp, "sha256": digest}})
    return digest


def _essence(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _essence(item) for key, item in value.items() if key not in NOT_IDENTITY}
    return value


def _remembered() -> dict[str, Any]:
    try:
        value = json.loads(CHECKSUMS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _remember(entries: dict[str, Any]) -> None:
    # A cache that cannot be written costs time, nothing else.
    with contextlib.suppress(OSError):
        CHECKSUMS.parent.mkdir(parents=True, exist_ok=True)
        with atomic.whole_file(CHECKSUMS, durable=False) as temporary:
            temporary.write_text(json.dumps(entries), encoding="utf-8")
