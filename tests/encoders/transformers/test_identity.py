from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import copy_of
from polyglance.encoders.base import Fingerprint
from polyglance.encoders.transformers import checkpoint, identity, sides
from polyglance.errors import EncoderUnavailable

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


def edit_tensors(folder: Path, *names: str) -> None:
    """Add a little to the first number of each of these tensors."""
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    for name in names:
        state[name] = state[name].clone()
        state[name].view(-1)[0] += 0.25
    torch.save(state, folder / "pytorch_model.bin")


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "image tensor": (lambda folder: edit_tensors(folder, "vision_model.post_layernorm.bias"), "image"),
    "image projection": (lambda folder: edit_tensors(folder, "visual_projection.weight"), "image"),
    "resize": (lambda folder: edit_json(folder / "preprocessor_config.json", resample=2), "image"),
    "pixels": (lambda folder: edit_json(folder / "preprocessor_config.json", image_mean=[0.5, 0.5, 0.5]), "image"),
    "heads": (lambda folder: edit_tower(folder, "vision_config", num_attention_heads=8), "image"),
    "activation": (lambda folder: edit_tower(folder, "vision_config", hidden_act="gelu"), "image"),
    "text tensor": (lambda folder: edit_tensors(folder, "text_model.pre_LN.weight"), "text"),
    "text projection": (lambda folder: edit_tensors(folder, "text_projection.weight"), "text"),
    "text architecture": (lambda folder: edit_tower(folder, "text_config", layer_norm_eps=1e-3), "text"),
    "tokenizer": (lambda folder: edit_json(folder / "special_tokens_map.json", unk_token="?"), "text"),
    "factor of match": (lambda folder: edit_tensors(folder, "logit_scale"), "neither"),
    "origin": (lambda folder: edit_tower(folder, "vision_config", torch_dtype="float16", max_length=9), "neither"),
}


def edit_tower(folder: Path, tower: str, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    edit_json(folder / "config.json", **{tower: config[tower] | changes})


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_on_the_side_whose_vectors_it_changes(name: str, tiny_altclip: Path, tmp_path: Path) -> None:
    change, side = CHANGES[name]
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    change(folder)
    before, after = fingerprint(tiny_altclip), fingerprint(folder)
    assert (before.digest != after.digest) == (side == "image")
    assert (before.text_digest != after.text_digest) == (side != "neither")
    assert before.earlier != after.earlier or name == "origin"


def test_precisions_are_told_apart(tiny_altclip: Path) -> None:
    assert fingerprint(tiny_altclip).digest != fingerprint(tiny_altclip, "bfloat16").digest


def test_a_checkpoint_that_transformers_saved_again_has_the_same_image_side(tiny_altclip: Path, tmp_path: Path) -> None:
    """Another file format, other names of layers and keys, sizes written otherwise, files that are nested."""
    from transformers import AltCLIPModel, AltCLIPProcessor, AutoImageProcessor, AutoTokenizer

    folder = tmp_path / "saved"
    AltCLIPModel.from_pretrained(tiny_altclip).save_pretrained(folder, max_shard_size="100KB")
    pictures = AutoImageProcessor.from_pretrained(tiny_altclip, backend="pil")
    AltCLIPProcessor(pictures, AutoTokenizer.from_pretrained(tiny_altclip)).save_pretrained(folder)
    assert not (folder / "preprocessor_config.json").exists()
    assert fingerprint(folder).digest == fingerprint(tiny_altclip).digest
    assert fingerprint(folder).weights == fingerprint(tiny_altclip).weights


def test_an_altclip_has_the_image_side_of_the_clip_whose_image_tower_it_took(
    tiny_checkpoint: Tiny, tmp_path: Path
) -> None:
    from PIL import Image
    from polyglance.config import Settings
    from polyglance.encoders.transformers.altclip import DualEncoder
    from transformers import AltCLIPConfig, AltCLIPModel, CLIPModel

    teacher = tiny_checkpoint("clip")
    clip = CLIPModel.from_pretrained(teacher)
    folder = copy_of(teacher, tmp_path / "student")
    for file in folder.glob("model*"):
        file.unlink()
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 700, "project_dim": 32}
    vision = clip.config.vision_config.to_dict() | {"model_type": "altclip_vision_model"}
    student = AltCLIPModel(AltCLIPConfig(projection_dim=24, text_config=text, vision_config=vision))
    student.vision_model.load_state_dict(clip.vision_model.state_dict())
    student.visual_projection.load_state_dict(clip.visual_projection.state_dict())
    student.save_pretrained(folder)
    assert fingerprint(folder).digest == fingerprint(teacher).digest
    assert fingerprint(folder).text_digest != fingerprint(teacher).text_digest
    picture = Image.radial_gradient("L").convert("RGB")
    settings = Settings(precision="float32", device="cpu")
    vectors = [
        DualEncoder(checkpoint.read(each, "any"), settings).encode_images([picture]) for each in (teacher, folder)
    ]
    np.testing.assert_allclose(*vectors, atol=1e-5)  # last bits depend on how memory is aligned


def test_every_shard_counts(tiny_checkpoint: Tiny, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy_of(tiny_checkpoint("clip"), tmp_path / "copy")
    before = fingerprint(folder)
    for file in sorted(folder.glob("*.safetensors")):
        state = load_file(file)
        name = next(name for name in state if name.startswith(("vision_model.", "text_model.")))
        state[name].view(-1)[0] += 1
        save_file(state, file, metadata={"format": "pt"})
        after = fingerprint(folder)
        assert (after.weights, after.text) != (before.weights, before.text)
        before = after


def test_the_digest_of_earlier_versions_still_matches(tiny_altclip: Path) -> None:
    """The rule of version 0.1 until two sides came, written out so that a later rule does not change it."""
    origin = {"_commit_hash", "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version"}
    kept = ("config.json", "preprocessor_config.json", "sentencepiece.bpe.model", "special_tokens_map.json")
    preprocessing = hashlib.sha256()
    for name in (*kept, "tokenizer_config.json"):
        data = (tiny_altclip / name).read_bytes()
        if name in kept[:2]:
            document = without(json.loads(data), origin)
            data = json.dumps(document, sort_keys=True).encode()
        preprocessing.update(f"{name} {len(data)} ".encode() + data)
    preprocessing.update(b"text 77 False")
    stored = {
        "weights": hashlib.sha256((tiny_altclip / "pytorch_model.bin").read_bytes()).hexdigest(),
        "preprocessing": f"pil, {preprocessing.hexdigest()}",
        "dimension": 24,
        "normalisation": "l2",
        "dtype": "float32",
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:32]
    assert fingerprint(tiny_altclip).digest != digest
    assert fingerprint(tiny_altclip).matches(digest)
    assert digest in fingerprint(tiny_altclip).earlier_text


def without(value: Any, keys: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: without(each, keys) for key, each in value.items() if key not in keys}
    return value


def test_weights_are_read_once(tiny_altclip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    before = fingerprint(folder)
    with monkeypatch.context() as patched:
        patched.setattr(sides, "tensor_sums", lambda weights: pytest.fail("read again"))
        assert fingerprint(folder) == before
    edit_tensors(folder, "visual_projection.weight")
    assert fingerprint(folder).digest != before.digest


def test_weights_that_cannot_be_read_are_one_clear_line(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    (folder / "pytorch_model.bin").write_bytes(b"no weights")
    with pytest.raises(EncoderUnavailable, match="any cannot be loaded"):
        fingerprint(folder)


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
