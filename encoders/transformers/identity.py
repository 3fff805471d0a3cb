"""The fingerprint of a checkpoint, computed without loading its weights."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs

from ... import atomic
from ..base import Fingerprint
from . import contents, precision, sides, towers
from .checkpoint import PREPROCESSOR_FILES, TOKENIZER_FILES, Checkpoint

CHECKSUMS = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "checksums.json"
"""Cached checksums of local weights files, because hashing 3.5 GB takes seconds."""

SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(checkpoint: Checkpoint, dtype: str) -> Fingerprint:
    """Return the fingerprint of `checkpoint` when it computes in `dtype`.

    Checkpoints with the same image tower have the same image side, so a library keeps its vectors when only the text
    tower was trained. A checkpoint has the same fingerprint in the hub's cache and in any directory. Versions of Python
    packages are not part of it, because an update of transformers must not make a library's vectors unusable.
    `logit_scale` is on neither side, because no vector depends on it. Raises EncoderUnavailable.
    """
    tensors = tensor_sums(checkpoint)
    undivided = Fingerprint(
        weights=weights_sha256(checkpoint),
        preprocessing=f"pil, {preprocessing_sha256(checkpoint)}",
        dimension=checkpoint.dimension,
        normalisation="l2",
        dtype=dtype,
    )
    dtypes = dict.fromkeys((dtype, *precision.MEET))
    earlier = tuple(replace(undivided, dtype=each).digest for each in dtypes)
    return Fingerprint(
        weights=tensors.image,
        preprocessing=f"pil, {sides.image_settings(checkpoint)}",
        dimension=checkpoint.dimension,
        normalisation="l2",
        dtype=dtype,
        text=f"{tensors.text} {sides.text_settings(checkpoint)}",
        earlier=earlier,
        earlier_text=earlier,
        meets=precision.MEET,
    )


def tensor_sums(checkpoint: Checkpoint) -> sides.Tensors:
    """The checksums of the tensors of both sides, cached as `file_sha256` is. Raises EncoderUnavailable."""
    files = [file.resolve() for file in checkpoint.weights]
    stamp = [_stamp(file) for file in files]
    key = f"sides of {files[0]}"
    entry = _load_checksums().get(key)
    if isinstance(entry, dict) and entry.get("stamp") == stamp:
        sums = sides.Tensors(str(entry.get("image")), str(entry.get("text")))
        if all(SHA256.fullmatch(each) for each in sums):
            return sums
    with towers.translate_errors(checkpoint):
        sums = sides.tensor_sums(checkpoint.weights)
    _save_checksums({**_load_checksums(), key: {"stamp": stamp, **sums._asdict()}})
    return sums


def weights_sha256(checkpoint: Checkpoint) -> str:
    """SHA-256 of the weights file. If there are several, the SHA-256 of their concatenated SHA-256."""
    sums = [file_sha256(file) for file in checkpoint.weights if file.suffix != ".json"]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def preprocessing_sha256(checkpoint: Checkpoint) -> str:
    """SHA-256 of configuration, image processor and tokenizer, by which libraries of before knew the checkpoint."""
    digest = hashlib.sha256()
    for name in ("config.json", *PREPROCESSOR_FILES, *TOKENIZER_FILES):
        file = checkpoint.path / name
        if not file.is_file():
            continue
        if name == "config.json" or name in PREPROCESSOR_FILES:
            document = contents.read_object(file, checkpoint.name)
            data = json.dumps(sides.strip_origin(document), sort_keys=True).encode()
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
    key, stamp = str(path.resolve()), _stamp(path)
    entry = _load_checksums().get(key)
    if isinstance(entry, dict) and entry.get("stamp") == stamp and SHA256.fullmatch(str(entry.get("sha256"))):
        return str(entry["sha256"])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _save_checksums({**_load_checksums(), key: {"stamp": stamp, "sha256": digest}})
    return digest


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


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
