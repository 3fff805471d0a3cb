from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from checkpoints import copy_of
from polyglance.encoders.base import Fingerprint
from polyglance.encoders.transformers import checkpoint, identity

Tiny = Callable[[str], Path]


def fingerprint(folder: Path, dtype: str = "float32") -> Fingerprint:
    return identity.fingerprint(checkpoint.read(folder, "any"), dtype)


def edit_json(file: Path, **changes: object) -> None:
    value = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**value, **changes}, indent=1), encoding="utf-8")


def test_a_copy_elsewhere_is_the_same_encoder(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    (folder / "README.md").write_text("a file that changes nothing", encoding="utf-8")
    edit_json(folder / "config.json", _name_or_path="elsewhere", transformers_version="9.9", torch_dtype="float16")
    assert fingerprint(folder) == fingerprint(tiny_altclip)


def test_what_changes_vectors_changes_the_fingerprint(tiny_altclip: Path, tmp_path: Path) -> None:
    def weights(folder: Path) -> None:
        with (folder / "pytorch_model.bin").open("r+b") as file:
            file.seek(-3, os.SEEK_END)
            file.write(b"x")

    changes: dict[str, Callable[[Path], None]] = {
        "weights": weights,
        "resize": lambda folder: edit_json(folder / "preprocessor_config.json", resample=2),
        "architecture": lambda folder: edit_json(folder / "config.json", initializer_factor=2.0),
        "tokenizer": lambda folder: edit_json(folder / "special_tokens_map.json", unk_token="?"),
    }
    digests = {fingerprint(tiny_altclip).digest, fingerprint(tiny_altclip, "bfloat16").digest}
    for name, change in changes.items():
        folder = copy_of(tiny_altclip, tmp_path / name)
        change(folder)
        digests.add(fingerprint(folder).digest)
    assert len(digests) == 2 + len(changes)


def test_every_shard_counts(tiny_checkpoint: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny_checkpoint("clip"), tmp_path / "copy")
    before = fingerprint(folder).weights
    (folder / "model-00003-of-00003.safetensors").write_bytes(b"other")
    assert fingerprint(folder).weights != before


def test_the_hub_caches_blob_name_is_the_checksum(tmp_path: Path) -> None:
    name = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / name).write_bytes(b"not hashed")
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert identity.file_sha256(tmp_path / "link") == name


def test_a_checksum_is_remembered_until_the_file_changes(tmp_path: Path, checksums: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    first = identity.file_sha256(file)
    assert first == hashlib.sha256(b"one").hexdigest()
    remembered = json.loads(checksums.read_text(encoding="utf-8"))
    remembered[str(file)]["sha256"] = "0" * 64
    checksums.write_text(json.dumps(remembered), encoding="utf-8")
    assert identity.file_sha256(file) == "0" * 64
    # Same size, same modification time: the inode and the time of the change still tell.
    times = file.stat()
    file.unlink()
    file.write_bytes(b"two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert identity.file_sha256(file) == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("content", ["", "[]", '{"%s": 3}'])
def test_a_damaged_memory_of_checksums_is_ignored(tmp_path: Path, checksums: Path, content: str) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    checksums.parent.mkdir(parents=True, exist_ok=True)
    checksums.write_text(content.replace("%s", str(file)), encoding="utf-8")
    assert identity.file_sha256(file) == hashlib.sha256(b"one").hexdigest()
