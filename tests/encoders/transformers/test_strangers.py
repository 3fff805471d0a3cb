"""Checkpoints by strangers: their code is never run, and what is wrong in their files is one line."""

from __future__ import annotations

import builtins
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import copy_of
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.encoders.transformers import checkpoint, contents, towers
from polyglance.errors import EncoderError, EncoderUnavailable, NotADualEncoder

Tiny = Callable[[str], Path]
OTHERS = ("chinese_clip", "clip", "metaclip_2", "siglip", "siglip2")
KINDS = ["altclip", *(pytest.param(kind, marks=pytest.mark.slow) for kind in OTHERS)]
SETTINGS = Settings(precision="float32", device="cpu")
PICTURE = Image.new("RGB", (40, 30), (200, 60, 10))


def vectors(folder: Path) -> tuple[Any, Any]:
    """What the checkpoint makes of a text and a picture."""
    encoder = registry.create(str(folder), SETTINGS)
    assert len(encoder.fingerprint.digest) > 8
    return encoder.encode_texts(["a photo"]), encoder.encode_images([PICTURE])


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **values}), encoding="utf-8")


@pytest.fixture
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is asked on standard input; transformers itself would swallow an error raised there."""
    asked: list[object] = []
    monkeypatch.setattr(builtins, "input", lambda *question: asked.append(question) or "y")
    yield
    assert asked == []


def with_code(folder: Path, marker: Path) -> Path:
    """Put Python code beside the checkpoint that leaves a mark when it is run."""
    code = f"open({str(marker)!r}, 'w').close()\nclass Own: pass\n"
    (folder / "own.py").write_text(code, encoding="utf-8")
    return folder


AUTO_MAPS: dict[str, dict[str, object]] = {
    "config.json": {"AutoConfig": "own.Own", "AutoModel": "own.Own"},
    "tokenizer_config.json": {"AutoTokenizer": ["own.Own", None]},
    "preprocessor_config.json": {"AutoImageProcessor": "own.Own", "AutoProcessor": "own.Own"},
}
CLASS_KEYS: dict[str, tuple[str, object]] = {
    "config.json": ("architectures", ["OwnModel"]),
    "tokenizer_config.json": ("tokenizer_class", "OwnTokenizer"),
    "preprocessor_config.json": ("image_processor_type", "OwnImageProcessor"),
}


@pytest.mark.usefixtures("nobody_asks")
@pytest.mark.parametrize("kind", KINDS)
def test_code_beside_classes_that_transformers_has_is_passed_over(
    tiny_checkpoint: Tiny, tmp_path: Path, kind: str
) -> None:
    folder = with_code(copy_of(tiny_checkpoint(kind), tmp_path / "copy"), tmp_path / "ran")
    for file, auto_map in AUTO_MAPS.items():
        change(folder / file, auto_map=auto_map)
    for ours, theirs in zip(vectors(folder), vectors(tiny_checkpoint(kind)), strict=True):
        assert np.array_equal(ours, theirs)
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("nobody_asks")
@pytest.mark.parametrize("file", AUTO_MAPS)
def test_a_checkpoint_that_needs_its_own_code_is_refused_before_it_is_loaded(
    tiny_checkpoint: Tiny, tmp_path: Path, file: str
) -> None:
    folder = with_code(copy_of(tiny_checkpoint("clip"), tmp_path / "copy"), tmp_path / "ran")
    key, named = CLASS_KEYS[file]
    change(folder / file, auto_map=AUTO_MAPS[file], **{key: named})
    with pytest.raises(NotADualEncoder, match=rf"needs Python code of its own \(Own\w+ in {file}\)") as caught:
        registry.create(str(folder), SETTINGS)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("nobody_asks")
@pytest.mark.parametrize("file", AUTO_MAPS)
def test_transformers_itself_is_told_never_to_run_code(
    tiny_checkpoint: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """The same without our own look at the files."""
    monkeypatch.setattr(contents, "check_code", lambda *_: None)
    folder = with_code(copy_of(tiny_checkpoint("clip"), tmp_path / "copy"), tmp_path / "ran")
    key, named = CLASS_KEYS[file]
    change(folder / file, auto_map=AUTO_MAPS[file], **{key: named})
    read_checkpoint = checkpoint.read(folder, "copy")
    for load in (
        towers.load_tokenizer,
        towers.load_preparation,
        lambda each: towers.load_tower(each, "text_model", torch.device("cpu"), torch.float32),
    ):
        try:
            load(read_checkpoint)
        except EncoderUnavailable as error:
            assert "\n" not in str(error)
    assert not (tmp_path / "ran").exists()


def test_attention_that_is_fetched_from_the_hub_is_refused(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    change(folder / "config.json", attn_implementation="someone/kernels")
    with pytest.raises(NotADualEncoder, match="wants code from the model hub"):
        checkpoint.read(folder, "copy")


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


def test_pickled_weights_run_nothing(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save({**state, "logit_scale": Bomb(tmp_path / "ran")}, folder / "pytorch_model.bin")
    encoder = registry.create(str(folder), SETTINGS)
    for use in (
        lambda: encoder.encode_texts(["a"]),
        lambda: encoder.encode_images([PICTURE]),
        lambda: encoder.logit_scale,
    ):
        with pytest.raises(EncoderUnavailable, match="cannot be loaded") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


# --- files that are wrong -----------------------------------------------------------------------

DEEP = 100_000
BROKEN: dict[str, bytes] = {
    "lists in each other": b"[" * DEEP + b"]" * DEEP,
    "objects in each other": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "objects in each other, fewer": b'{"a":' * 300 + b"1" + b"}" * 300,
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "cut off": b'{"model_type": "altclip", "text_con',
    "empty": b"",
    "a list": b"[1]",
    "null": b"null",
    "a number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
}


def is_answered_or_one_line(folder: Path) -> None:
    try:
        texts, pictures = vectors(folder)
    except EncoderError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(texts).all()
        assert np.isfinite(pictures).all()


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_json_object_is_one_line(tiny_checkpoint: Tiny, tmp_path: Path, content: bytes) -> None:
    for kind in ("altclip", "clip"):
        for file in sorted(tiny_checkpoint(kind).glob("*.json")):
            folder = copy_of(tiny_checkpoint(kind), tmp_path / f"{kind} {file.name}")
            (folder / file.name).write_bytes(content)
            with pytest.raises((EncoderUnavailable, NotADualEncoder)) as caught:
                vectors(folder)
            assert "\n" not in str(caught.value)


WRONG = [None, True, -1, 0, 10**9, 10**30, 1.5, math.nan, math.inf, "x", "", [], [1], [[]], {}, {"a": 1}]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "tokenizer_config.json"])
def test_a_value_of_another_type_is_one_line(tiny_altclip: Path, tmp_path: Path, file: str) -> None:
    """Each key in turn with one of the wrong values: with all of them it takes a quarter of an hour."""
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    document = json.loads((folder / file).read_text(encoding="utf-8"))
    places = [(document, key) for key in document]
    places += [(inner, key) for inner in document.values() if isinstance(inner, dict) for key in inner]
    for number, (owner, key) in enumerate(places):
        before = owner[key]
        owner[key] = WRONG[7 * number % len(WRONG)]
        (folder / file).write_text(json.dumps(document), encoding="utf-8")
        is_answered_or_one_line(folder)
        owner[key] = before


@pytest.mark.parametrize("shards", [[], {"a": 1}, {"a": ["b"]}, {"a": "../model.safetensors"}, {"a": "/etc/passwd"}, 7])
def test_an_index_of_weights_names_files_beside_it(tiny_checkpoint: Tiny, tmp_path: Path, shards: object) -> None:
    folder = copy_of(tiny_checkpoint("clip"), tmp_path / "copy")
    change(folder / "model.safetensors.index.json", weight_map=shards)
    with pytest.raises(EncoderUnavailable, match=r"does not name files beside it|its index is empty"):
        checkpoint.read(folder, "copy")


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("config.json", {"text_config": [1]}, "text_config is no object"),
        ("config.json", {"text_config": {"num_hidden_layers": 10**9}}, "num_hidden_layers is '1000000000'"),
        ("config.json", {"projection_dim": math.nan}, "projection_dim is 'nan'"),
        ("config.json", {"vision_config": {"image_size": [32, "x"]}}, "image_size is 'x'"),
        ("preprocessor_config.json", {"size": {"shortest_edge": 10**9}}, "size is '1000000000'"),
        ("preprocessor_config.json", {"crop_size": "x"}, "crop_size is 'x'"),
    ],
)
def test_sizes_that_no_model_has_are_named(
    tiny_altclip: Path, tmp_path: Path, file: str, values: dict[str, object], words: str
) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    change(folder / file, **values)
    with pytest.raises(EncoderUnavailable, match=words):
        checkpoint.read(folder, "copy")
