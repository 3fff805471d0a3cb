from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from checkpoints import copy_of
from polyglance.config import LANGUAGES
from polyglance.encoders.transformers import checkpoint
from polyglance.errors import EncoderUnavailable, NotADualEncoder

Tiny = Callable[[str], Path]


def write_config(folder: Path, **config: object) -> Path:
    """A directory that looks like a checkpoint, with that configuration."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in ("preprocessor_config.json", "vocab.txt", "model.safetensors"):
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_the_hub_layout_of_altclip_is_read(tiny_altclip: Path) -> None:
    read_checkpoint = checkpoint.read(tiny_altclip, "tiny")
    assert (read_checkpoint.dimension, read_checkpoint.image_side, read_checkpoint.text_length) == (24, 32, 77)
    assert read_checkpoint.weights == (tiny_altclip / "pytorch_model.bin",)
    assert read_checkpoint.languages == LANGUAGES


def test_sizes_default_to_those_of_the_kind(tmp_path: Path) -> None:
    def sizes(**config: object) -> tuple[int, int, int]:
        read_checkpoint = checkpoint.read(write_config(tmp_path / "any", **config), "any")
        return read_checkpoint.dimension, read_checkpoint.image_side, read_checkpoint.text_length

    assert sizes(model_type="altclip") == (768, 224, 77)
    assert sizes(model_type="clip") == (512, 224, 77)
    assert sizes(model_type="siglip") == (768, 224, 64)
    assert sizes(model_type="siglip", vision_config={"hidden_size": 1152, "image_size": 384}) == (1152, 384, 64)
    assert sizes(model_type="clip", text_config={"max_position_embeddings": 248}) == (512, 224, 248)


def test_the_second_name_of_a_towers_configuration_counts(tmp_path: Path) -> None:
    legacy = write_config(
        tmp_path / "clip", model_type="clip", vision_config={"image_size": 224}, vision_config_dict={"image_size": 336}
    )
    assert checkpoint.read(legacy, "clip").image_side == 336


def test_a_large_vocabulary_means_many_languages(tmp_path: Path) -> None:
    small = write_config(tmp_path / "small", model_type="siglip", text_config={"vocab_size": 32_000})
    large = write_config(tmp_path / "large", model_type="siglip", text_config={"vocab_size": 256_000})
    assert checkpoint.read(small, "small").languages == ("en",)
    assert checkpoint.read(large, "large").languages == LANGUAGES
    assert checkpoint.read(large, "large", ("en", "zh")).languages == ("en", "zh")


def test_other_models_are_refused_by_kind(tiny_checkpoint: Tiny) -> None:
    with pytest.raises(NotADualEncoder, match="my-bert is a 'bert' model") as caught:
        checkpoint.read(tiny_checkpoint("bert"), "my-bert")
    assert "altclip" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "it has no config.json"),
        ("{}", "does not say which kind"),
        ("[1]", "is no JSON object"),
        ('{"model_type": "no_such_thing"}', "'no_such_thing'"),
    ],
)
def test_directories_that_are_no_dual_encoder_are_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(NotADualEncoder, match=words) as caught:
        checkpoint.read(tmp_path, "folder")
    assert "\n" not in str(caught.value) and caught.value.hint


def test_a_damaged_configuration_is_named(tiny_altclip: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    (folder / "config.json").write_bytes(b'{"model_type": "altclip", \xff')
    with pytest.raises(EncoderUnavailable, match=r"config\.json of copy cannot be read"):
        checkpoint.read(folder, "copy")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("pytorch_model.bin", "has no weights"),
        ("preprocessor_config.json", "how pictures are prepared"),
        ("sentencepiece.bpe.model", "vocabulary"),
    ],
)
def test_a_missing_file_is_named(tiny_altclip: Path, tmp_path: Path, missing: str, words: str) -> None:
    folder = copy_of(tiny_altclip, tmp_path / "copy")
    (folder / missing).unlink()
    with pytest.raises(EncoderUnavailable, match=words) as caught:
        checkpoint.read(folder, "copy")
    assert caught.value.hint


def test_a_missing_shard_is_named(tiny_checkpoint: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny_checkpoint("clip"), tmp_path / "copy")
    assert len(checkpoint.read(folder, "copy").weights) == 4
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(EncoderUnavailable, match=r"model-00002-of-00003\.safetensors"):
        checkpoint.read(folder, "copy")
