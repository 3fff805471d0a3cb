"""States of texts for AltDiffusion, against the formulas written the long way and against diffusers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import SENTENCES, copy_of
from polyglance.config import Settings
from polyglance.encoders import registry
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


PAGE = Path(__file__).parents[3] / "docs" / "altdiffusion.md"
STATES, PIPELINE = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def encoder(altclip: Path, monkeypatch: pytest.MonkeyPatch) -> DualEncoder:
    made = DualEncoder(checkpoint.read(altclip, "tiny"), Settings(precision="float32", device="cpu"))
    monkeypatch.setattr(registry, "create", lambda name, settings: made)
    return made


@pytest.fixture
def pipeline(altclip: Path) -> Any:
    """A whole AltDiffusion of random weights, whose text encoder has those of the checkpoint."""
    diffusers = pytest.importorskip("diffusers", reason="it is not a dependency: pip install diffusers==0.42.1")
    from diffusers.pipelines.deprecated.alt_diffusion import modeling_roberta_series as series
    from transformers import AutoTokenizer

    state = state_of(altclip)
    vocabulary = len(state["text_model.roberta.embeddings.word_embeddings.weight"])
    config = series.RobertaSeriesConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        project_dim=28,
        type_vocab_size=1,
        max_position_embeddings=514,
        layer_norm_eps=1e-5,
    )
    texts = series.RobertaSeriesModelWithTransformation(config).eval()
    weights = {
        key.removeprefix("text_model.").replace("encoder.layers.", "encoder.layer."): value
        for key, value in state.items()
        if key.startswith(("text_model.roberta.", "text_model.transformation.")) and "position_ids" not in key
    }
    missing, unexpected = texts.load_state_dict(weights, strict=False)
    assert not unexpected and all("pooler" in key for key in missing)
    tokenizer = AutoTokenizer.from_pretrained(altclip)
    tokenizer.model_max_length = 77
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=28,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=[32, 64],
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
    )
    scheduler = diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False)
    made = diffusers.AltDiffusionPipeline(
        vae, texts, tokenizer, unet, scheduler, None, None, requires_safety_checker=False
    )
    made.set_progress_bar_config(disable=True)
    return made


def test_the_page_computes_states(encoder: DualEncoder) -> None:
    names: dict[str, Any] = {}
    exec(STATES, names)
    assert names["prompt"].shape == names["negative"].shape == (1, 77, 28)


@pytest.mark.filterwarnings("ignore")
def test_the_page_draws_a_picture(
    encoder: DualEncoder, pipeline: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import diffusers

    monkeypatch.setattr(diffusers.AltDiffusionPipeline, "from_pretrained", lambda name, **options: pipeline)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(STATES, names)
    exec(PIPELINE.replace("negative)", "negative, num_inference_steps=2)"), names)
    assert (tmp_path / "mountains.png").stat().st_size > 0


@pytest.mark.filterwarnings("ignore")
def test_the_picture_is_that_of_the_pipeline_s_own_text_encoder(encoder: DualEncoder, pipeline: Any) -> None:
    def drawn(**prompts: Any) -> Any:
        options = {"num_inference_steps": 2, "output_type": "np"}
        return pipeline(generator=torch.manual_seed(1), **options, **prompts).images

    def states(text: str) -> torch.Tensor:
        return torch.from_numpy(encoder.text_states([text]))

    expected = drawn(prompt=SENTENCES["zh"], negative_prompt=SENTENCES["en"])
    picture = drawn(prompt_embeds=states(SENTENCES["zh"]), negative_prompt_embeds=states(SENTENCES["en"]))
    other = drawn(prompt_embeds=states(SENTENCES["ar"]), negative_prompt_embeds=states(SENTENCES["en"]))
    np.testing.assert_allclose(picture, expected, atol=1e-4)
    assert np.abs(picture - other).max() > 0.01
