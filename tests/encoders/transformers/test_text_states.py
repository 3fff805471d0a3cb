"""States of texts for AltDiffusion, against the formulas written the long way and against diffusers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import SENTENCES, copy_of
from polyglance.config import Settings
from polyglance.encoders.base import KnowsTextStates
from polyglance.encoders.transformers import checkpoint
from polyglance.encoders.transformers.altclip import DualEncoder
from polyglance.errors import NotADualEncoder, UsageError

PROMPTS = [*SENTENCES.values(), "", "photo " * 200]


@pytest.fixture(scope="module")
def altclip(tiny_altclip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AltCLIP whose `pre_LN` changes what it gets: one that was not trained repeats RoBERTa's last LayerNorm."""
    folder = copy_of(tiny_altclip, tmp_path_factory.mktemp("states") / "altclip")
    state, random = state_of(folder), torch.Generator().manual_seed(4)
    for name in ("weight", "bias"):
        state[f"text_model.pre_LN.{name}"] = torch.randn(32, generator=random)
    torch.save(state, folder / "pytorch_model.bin")
    return folder


def make(folder: Path) -> DualEncoder:
    return DualEncoder(checkpoint.read(folder, "tiny"), Settings(precision="float32", device="cpu"))


def state_of(folder: Path) -> dict[str, Any]:
    return dict(torch.load(folder / "pytorch_model.bin", weights_only=True))


def roberta_of(folder: Path) -> Any:
    """transformers' own XLM-R with the weights of the checkpoint, whose keys are those of 2022."""
    from transformers import XLMRobertaConfig, XLMRobertaModel

    config = json.loads((folder / "config.json").read_text())["text_config"]
    sizes = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    model = XLMRobertaModel(
        XLMRobertaConfig(
            **{key: config[key] for key in sizes},
            max_position_embeddings=514,
            type_vocab_size=config["type_vocab_size"],
            pad_token_id=1,
            layer_norm_eps=1e-5,
        ),
        add_pooling_layer=False,
    )
    prefix = "text_model.roberta."
    weights = {
        key.removeprefix(prefix).replace("encoder.layers.", "encoder.layer."): value
        for key, value in state_of(folder).items()
        if key.startswith(prefix) and "position_ids" not in key
    }
    model.load_state_dict(weights)
    return model.eval()


def inputs_of(folder: Path, length: int = 77) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer(PROMPTS, padding="max_length", max_length=length, truncation=True, return_tensors="pt")


@pytest.mark.parametrize("length", [77, 20])
def test_states_are_the_transformation_of_roberta_s_without_the_layer_norm(altclip: Path, length: int) -> None:
    encoder = make(altclip)
    assert isinstance(encoder, KnowsTextStates)
    state, inputs = state_of(altclip), inputs_of(altclip, length)
    with torch.inference_mode():
        hidden = roberta_of(altclip)(inputs.input_ids, attention_mask=inputs.attention_mask)[0]
        expected = hidden @ state["text_model.transformation.weight"].T + state["text_model.transformation.bias"]
    states = encoder.text_states(PROMPTS, length)
    assert states.shape == (len(PROMPTS), length, 28) and states.dtype == np.float32
    np.testing.assert_allclose(states, expected, atol=2e-5)


def test_states_are_not_the_last_hidden_state_of_transformers(altclip: Path) -> None:
    from transformers import AltCLIPModel

    model = AltCLIPModel.from_pretrained(altclip).eval()
    with torch.inference_mode():
        wrong = model.text_model(**inputs_of(altclip)).last_hidden_state.numpy()
    assert np.abs(make(altclip).text_states(PROMPTS) - wrong).max() > 0.1


def test_without_prompts_there_are_no_states(altclip: Path) -> None:
    assert make(altclip).text_states([]).shape == (0, 77, 28)


def altclip_m18(altclip: Path, folder: Path, *, layer: bool) -> Path:
    copy_of(altclip, folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["has_pre_transformation"] = True
    (folder / "config.json").write_text(json.dumps(config))
    if layer:
        random = torch.Generator().manual_seed(5)
        state = state_of(folder)
        state["text_model.transformation_pre.weight"] = torch.randn(28, 32, generator=random)
        state["text_model.transformation_pre.bias"] = torch.randn(28, generator=random)
        torch.save(state, folder / "pytorch_model.bin")
    return folder


def test_states_of_m18_are_of_the_layer_before_the_last(altclip: Path, tmp_path: Path) -> None:
    folder = altclip_m18(altclip, tmp_path / "m18", layer=True)
    state, inputs = state_of(folder), inputs_of(folder)
    with torch.inference_mode():
        outputs = roberta_of(folder)(inputs.input_ids, attention_mask=inputs.attention_mask, output_hidden_states=True)
        weight, bias = state["text_model.pre_LN.weight"], state["text_model.pre_LN.bias"]
        normalised = torch.nn.functional.layer_norm(outputs.hidden_states[-2], (32,), weight, bias, 1e-5)
        expected = normalised @ state["text_model.transformation_pre.weight"].T
        expected = expected + state["text_model.transformation_pre.bias"]
    np.testing.assert_allclose(make(folder).text_states(PROMPTS), expected, atol=2e-5)


def test_m18_without_its_layer_is_refused(altclip: Path, tmp_path: Path) -> None:
    folder = altclip_m18(altclip, tmp_path / "m18", layer=False)
    with pytest.raises(NotADualEncoder, match=r"has no text_model\.transformation_pre"):
        make(folder).text_states(["one"])


def test_other_encoders_are_refused(tiny_checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(NotADualEncoder, match="is a clip checkpoint, and has no states for AltDiffusion"):
        make(tiny_checkpoint("clip")).text_states(["one"])


@pytest.mark.parametrize("length", [1, 513])
def test_a_length_that_the_tower_cannot_take_is_refused(altclip: Path, length: int) -> None:
    with pytest.raises(UsageError, match=f"{length} tokens"):
        make(altclip).text_states(["one"], length)
