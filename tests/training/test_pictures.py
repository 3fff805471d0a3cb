"""Stage 2 and fine-tuning: pictures with captions, and pictures with classes."""

import json
import shutil

import numpy as np
import pytest
import torch
from evaluation_sets import write_cifar
from polyglance.encoders import registry
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.errors import DataError, DataMissing, UsageError
from polyglance.training import selection
from polyglance.training.align import align, split_pairs
from polyglance.training.contrastive import Example
from polyglance.training.finetune import Labelled, Prompts, _load, finetune
from polyglance.training.options import AlignOptions, FinetuneOptions
from transformers import AltCLIPModel, AutoModel

ALIGN = {"batch": 16, "micro_batch": 8, "epochs": 3, "learning_rate": 1e-3, "log_steps": 1}


@pytest.fixture
def counted(monkeypatch):
    """Pictures that the image tower of an encoder has seen."""
    counts = []
    encode = DualEncoder._encode_image_batch

    def count(self, images):
        counts.append(len(images))
        return encode(self, images)

    monkeypatch.setattr(DualEncoder, "_encode_image_batch", count)
    return counts


def tensors(folder, prefix):
    return {
        key: value for key, value in AutoModel.from_pretrained(folder).state_dict().items() if key.startswith(prefix)
    }


def is_changed(before, after, prefix):
    first, second = tensors(before, prefix), tensors(after, prefix)
    return any(not torch.equal(first[key], second[key]) for key in first)


def test_alignment_encodes_each_picture_once_and_never_again(tiny_altclip, pairs, tmp_path, settings, counted):
    result = align(str(tiny_altclip), pairs, tmp_path / "out", AlignOptions(**ALIGN), settings)
    assert sum(counted) == 20
    assert {"MR", "en R@1", "zh R@10", "mean R@5"} <= set(result.scores)
    align(str(tiny_altclip), pairs, tmp_path / "again", AlignOptions(**ALIGN), settings)
    assert sum(counted) == 20


@pytest.mark.parametrize("towers", ["text", "both"])
def test_alignment_in_micro_batches_compares_every_pair_of_the_batch(clip, pairs, tmp_path, settings, towers):
    """A mean over micro-batches compares fewer: the loss of 16 pairs of equal vectors is ln 16, of 5 it is ln 5."""

    def points(micro_batch):
        options = AlignOptions(**{**ALIGN, "epochs": 1, "micro_batch": micro_batch}, towers=towers)
        result = align(str(clip), pairs, tmp_path / str(micro_batch), options, settings)
        return [(point.loss, point.gradient_norm) for point in result.points]

    np.testing.assert_allclose(points(5), points(16), rtol=1e-3)


def test_alignment_leaves_the_image_tower_byte_for_byte(tiny_altclip, pairs, tmp_path, settings):
    align(str(tiny_altclip), pairs, tmp_path / "out", AlignOptions(**ALIGN), settings)
    assert not is_changed(tiny_altclip, tmp_path / "out", "vision_model.")
    assert not is_changed(tiny_altclip, tmp_path / "out", "visual_projection.")
    assert is_changed(tiny_altclip, tmp_path / "out", "text_model.")
    before, after = (registry.create(str(path), settings) for path in (tiny_altclip, tmp_path / "out"))
    from PIL import Image

    image = Image.new("RGB", (40, 30), (200, 10, 10))
    np.testing.assert_allclose(before.encode_images([image]), after.encode_images([image]), atol=1e-6)


def test_an_image_tower_in_half_precision_keeps_its_precision(tiny_altclip, pairs, tmp_path, settings):
    half = tmp_path / "half"
    shutil.copytree(tiny_altclip, half)
    (half / "pytorch_model.bin").unlink()
    AutoModel.from_pretrained(tiny_altclip).half().save_pretrained(half)
    align(str(half), pairs, tmp_path / "out", AlignOptions(**{**ALIGN, "epochs": 1}), settings)
    from safetensors.torch import load_file

    before, after = load_file(half / "model.safetensors"), load_file(tmp_path / "out/model.safetensors")
    for key, value in before.items():
        if key.startswith(("vision_model.", "visual_projection.")):
            assert value.dtype == after[key].dtype and torch.equal(value, after[key]), key
    assert after["text_projection.weight"].dtype == torch.float32


@pytest.mark.parametrize(
    ("towers", "text", "image"), [("text", True, False), ("image", False, True), ("both", True, True)]
)
def test_one_tower_or_both_are_trained(clip, pairs, tmp_path, settings, towers, text, image):
    options = AlignOptions(**{**ALIGN, "epochs": 1}, towers=towers)
    align(str(clip), pairs, tmp_path / "out", options, settings)
    assert is_changed(clip, tmp_path / "out", "text_model.") == text
    assert is_changed(clip, tmp_path / "out", "vision_model.") == image


def test_the_last_layers_alone_are_trained(tiny_altclip):
    model = AltCLIPModel.from_pretrained(tiny_altclip)
    selection.choose(model, AlignOptions(last_layers=1))
    names = {key for key, _ in selection.trained(model)}
    assert {key.split(".")[1] for key in names if key.startswith("text_model")} == {
        "roberta",
        "transformation",
        "pre_LN",
    }
    assert {key.split("layers.")[1][0] for key in names if "layers." in key} == {"1"}
    assert not any("embeddings" in key or key.startswith("vision") for key in names)
    selection.choose(model, AlignOptions(last_layers=0))
    assert {key.partition(".")[2].partition(".")[0] for key, _ in selection.trained(model)} == {
        "transformation",
        "pre_LN",
        "weight",
    }
    with pytest.raises(UsageError, match="has 2 layers, fewer than 9"):
        selection.choose(model, AlignOptions(last_layers=9))


def test_learning_rates_fall_from_layer_to_layer(tiny_altclip):
    model = AltCLIPModel.from_pretrained(tiny_altclip)
    options = AlignOptions(layer_decay=0.5, weight_decay=0.05)
    selection.choose(model, options)
    groups = selection.parameter_groups(model, options)
    shares = {}
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    for group in groups:
        for parameter in group["params"]:
            shares[names[id(parameter)]] = (group["share"], group["weight_decay"])
    prefix = "text_model.roberta.encoder.layers"
    assert shares[f"{prefix}.1.output.dense.weight"] == (0.5, 0.05)
    assert shares[f"{prefix}.0.output.dense.weight"] == (0.25, 0.05)
    assert shares["text_model.roberta.embeddings.word_embeddings.weight"] == (0.125, 0.05)
    assert shares["text_model.transformation.weight"] == (1.0, 0.05)
    assert shares["text_model.transformation.bias"] == (1.0, 0.0)  # no decay of biases and gains
    assert shares["text_model.pre_LN.weight"] == (1.0, 0.0)


def test_pictures_marked_as_held_out_validate(pairs, tmp_path):
    rows = [json.loads(line) for line in pairs.read_text(encoding="utf-8").splitlines()]
    for number in (3, 4):
        rows[number]["split"] = "held-out"
    marked = pairs.with_name("marked.jsonl")
    marked.write_text("\n".join(json.dumps(row) for row in rows))
    training, held_out = split_pairs(marked, AlignOptions())
    assert [path.name for path in held_out.images] == ["3.png", "4.png"]
    assert len(training.images) == 18 and training.texts == 54


def test_without_marks_a_share_validates_the_same_one_every_time(pairs):
    first, second = (split_pairs(pairs, AlignOptions(seed=seed))[1].images for seed in (0, 1))
    assert first == second and len(first) == 2


def test_a_missing_picture_and_an_unreadable_one_are_named_with_their_line(pairs, tiny_altclip, tmp_path, settings):
    folder = tmp_path / "copy"
    shutil.copytree(pairs.parent, folder)
    (folder / "7.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"pairs\.jsonl, line 8: .*7\.png cannot be read"):
        align(str(tiny_altclip), folder / "pairs.jsonl", tmp_path / "out", AlignOptions(), settings)
    (folder / "4.png").unlink()
    with pytest.raises(DataMissing, match=r"pairs\.jsonl, line 5: there is no picture .*4\.png"):
        align(str(tiny_altclip), folder / "pairs.jsonl", tmp_path / "out", AlignOptions(), settings)
    assert not (tmp_path / "out").exists()


def test_fine_tuning_learns_the_classes_and_keeps_the_best_weights(clip, classes, tmp_path, settings):
    options = FinetuneOptions(epochs=6, learning_rate=1e-3, log_steps=1, languages=("en", "zh"))
    result = finetune(str(clip), str(classes), tmp_path / "out", options, settings)
    assert result.points[-1].loss < result.points[0].loss
    accuracies = [each.scores["acc1"] for each in result.validations]
    assert len(accuracies) == 6 and result.scores["acc1"] == max(accuracies)
    assert set(result.scores) == {"acc1", "en acc1", "zh acc1"}
    assert AutoModel.from_pretrained(tmp_path / "out").config.model_type == "clip"
    assert registry.create(str(tmp_path / "out"), settings).encode_texts(["red"]).shape == (1, 24)


def test_the_defaults_of_fine_tuning_are_those_of_the_example():
    options = FinetuneOptions()
    assert (options.batch, options.learning_rate, options.epochs, options.log_steps) == (4, 1e-4, 10, 10)


def test_lora_trains_small_matrices_that_end_up_in_the_weights(clip, classes, tmp_path, settings):
    options = FinetuneOptions(epochs=1, learning_rate=1e-2, lora_rank=2)
    finetune(str(clip), str(classes), tmp_path / "out", options, settings)
    before, after = tensors(clip, ""), tensors(tmp_path / "out", "")
    assert set(before) == set(after)
    changed = {key for key in before if not torch.equal(before[key], after[key])} - {"logit_scale"}
    assert changed and all(".self_attn." in key and key.endswith("weight") for key in changed)
    for key in changed:
        assert torch.linalg.matrix_rank(after[key] - before[key], rtol=1e-4) <= 2


def test_a_model_of_another_family_is_fine_tuned_in_its_own_layout(tiny_checkpoint, classes, tmp_path, settings):
    finetune(str(tiny_checkpoint("siglip")), str(classes), tmp_path / "out", FinetuneOptions(epochs=1), settings)
    assert AutoModel.from_pretrained(tmp_path / "out").config.model_type == "siglip"
    assert registry.create(str(tmp_path / "out"), settings).encode_texts(["red"]).shape == (1, 32)


def test_pictures_of_one_class_share_a_group_and_the_prompts_are_drawn(classes):
    data, _ = _load(str(classes), None, FinetuneOptions())
    from polyglance.datasets import prompts

    chosen = tuple(
        Prompts(code, prompts.class_names("imagefolder", data.classes, code), prompts.templates("imagefolder", code))
        for code in ("en", "zh")
    )
    examples = list(Labelled(data, chosen, FinetuneOptions()).epoch(0))
    assert sorted(example.picture for example in examples) == list(range(len(data.images)))
    assert all(isinstance(example, Example) and data.labels[example.picture] == example.group for example in examples)
    assert len({example.text for example in examples}) > 8


def test_cifar_10_trains_on_its_training_split_and_validates_on_its_test_split(tmp_path):
    write_cifar(tmp_path / "cifar")
    training, held_out = _load(f"cifar10:{tmp_path / 'cifar'}", None, FinetuneOptions())
    assert training.images[0].name.startswith("data_batch_1") and held_out.images[0].name.startswith("test_batch")


def test_a_class_without_pictures_is_named(clip, classes, tmp_path, settings):
    folder = tmp_path / "copy"
    shutil.copytree(classes, folder)
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty: the class has no picture"):
        finetune(str(clip), str(folder), tmp_path / "out", FinetuneOptions(), settings)
