"""Models for training: a teacher's and a student's towers put together, and which of their weights are trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..config import Settings
from ..encoders import registry
from ..encoders.transformers import whole
from ..encoders.transformers.altclip import DualEncoder
from ..encoders.transformers.checkpoint import Checkpoint, read
from ..errors import EncoderUnavailable, NotADualEncoder, UsageError

CLIP_LIKE = frozenset({"altclip", "chinese_clip", "clip", "metaclip_2"})
"""Families whose image tower is AltCLIP's, tensor by tensor."""

LONGEST_TEXT = 77
"""Tokens of a text, CLIP's length, as AltCLIP was trained."""


@dataclass
class DualModel:
    """A dual encoder that is trained, with what prepares its inputs. `source` is where its image tower is from."""

    model: Any
    tokenizer: Any
    source: Checkpoint
    text_length: int
    pads_to_length: bool
    dtype: torch.dtype
    """The precision in which `source` is stored."""
    adapter: Any = None
    """The model in peft's wrapper, if LoRA trains it."""

    def tokens(self, texts: Sequence[str], device: torch.device) -> dict[str, Tensor]:
        """Token ids and attention mask of texts, padded to the longest of them."""
        return tokenize(self.tokenizer, texts, self.text_length, self.pads_to_length, device)

    def embed_texts(self, texts: Sequence[str], device: torch.device) -> Tensor:
        """Projected vectors (n, d), not normalised."""
        return self.model.get_text_features(**self.tokens(texts, device)).pooler_output  # type: ignore[no-any-return]

    def embed_pixels(self, pixels: dict[str, Tensor]) -> Tensor:
        """Projected vectors (n, d) of prepared pictures, not normalised."""
        return self.model.get_image_features(**pixels).pooler_output  # type: ignore[no-any-return]


def tokenize(
    tokenizer: Any, texts: Sequence[str], length: int, to_length: bool, device: torch.device
) -> dict[str, Tensor]:
    """The tokenizer's tensors for texts, truncated to `length`, and padded to it or to the longest text."""
    padding = "max_length" if to_length else True
    tokens = tokenizer(list(texts), truncation=True, max_length=length, padding=padding, return_tensors="pt")
    return {name: rows.to(device) for name, rows in tokens.items()}


def find_checkpoint(name: str, settings: Settings) -> Checkpoint:
    """The checkpoint of an encoder, fetched if need be. Raises NotADualEncoder, and as `registry.create`."""
    encoder = registry.create(registry.resolve(name, settings), settings)
    if not isinstance(encoder, DualEncoder):
        raise NotADualEncoder(
            f"{name} is no checkpoint of transformers, and cannot be trained.",
            "Name a dual encoder: altclip-m9, a hub id, or a directory.",
        )
    return encoder.checkpoint


def load(checkpoint: Checkpoint) -> DualModel:
    """Load a dual encoder in float32. Raises EncoderUnavailable."""
    model = whole.load_model(checkpoint)
    dtype = model.dtype
    tokenizer = whole.load_tokenizer(checkpoint.path, checkpoint.name)
    return DualModel(
        model.float(), tokenizer, checkpoint, checkpoint.text_length, checkpoint.family.pads_to_length, dtype
    )


def load_teacher(checkpoint: Checkpoint) -> DualModel:
    """A frozen dual encoder whose image tower fits AltCLIP's. Raises NotADualEncoder."""
    if checkpoint.model_type not in CLIP_LIKE:
        raise NotADualEncoder(
            f"{checkpoint.name} is a {checkpoint.model_type} model, whose image tower does not fit AltCLIP's layout.",
            f"Teachers: {', '.join(sorted(CLIP_LIKE))}.",
        )
    teacher = load(checkpoint)
    teacher.model.requires_grad_(False).eval()
    return teacher


def pooled_texts(teacher: DualModel, texts: Sequence[str], device: torch.device) -> Tensor:
    """The teacher's pooled output (n, width) before the projection."""
    captured: list[Tensor] = []
    hook = teacher.model.text_projection.register_forward_pre_hook(lambda _, inputs: captured.append(inputs[0]))
    try:
        with torch.no_grad():
            teacher.model.get_text_features(**teacher.tokens(texts, device))
    finally:
        hook.remove()
    return captured[0].float()


def build_student(teacher: DualModel, name: str, seed: int) -> DualModel:
    """An AltCLIP of the teacher's image tower and projections, and the text model `name`.

    `name` is an XLM-R (directory or hub id), which gets a new LayerNorm and Linear, or an AltCLIP whose text tower goes
    on being trained; `seed` is that of the new layers. Raises UsageError if their widths differ; NotADualEncoder;
    EncoderUnavailable.
    """
    from transformers import AltCLIPConfig, AltCLIPModel

    path = whole.find_text_model(name)
    kind = whole.model_type(path, name)
    width = teacher.model.text_projection.in_features
    if kind == "altclip":
        text_config, tower = _altclip_tower(path, name, width)
    elif kind in whole.XLM_R_TYPES:
        text_config, tower = _xlm_r_tower(path, name, width)
    else:
        raise NotADualEncoder(
            f"{name} is a {kind or 'nameless'} model; a student is an XLM-R or an AltCLIP.",
            "Give the directory or hub id of one, such as FacebookAI/xlm-roberta-base.",
        )
    vision = teacher.model.config.vision_config.to_dict()
    vision.pop("model_type", None)
    config = AltCLIPConfig(
        text_config=text_config,
        vision_config=vision,
        projection_dim=teacher.source.dimension,
        logit_scale_init_value=float(teacher.model.logit_scale.detach()),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AltCLIPModel(config)
    state = {key: value for key, value in teacher.model.state_dict().items() if not key.startswith("text_model.")}
    state |= {f"text_model.{key}": value for key, value in tower.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    fresh = {"text_model.transformation", "text_model.pre_LN"} if kind != "altclip" else set()
    left = [key for key in (*missing, *unexpected) if key.rpartition(".")[0] not in fresh and "position_ids" not in key]
    if left:
        raise EncoderUnavailable(
            f"{name} and {teacher.source.name} do not fit together: {left[0]}.", "Fetch them again."
        )
    length = min(LONGEST_TEXT, int(text_config["max_position_embeddings"]) - 2)
    tokenizer = whole.load_tokenizer(path, name)
    return DualModel(model.float(), tokenizer, teacher.source, length, False, teacher.dtype)


def _altclip_tower(path: Path, name: str, width: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    model = whole.load_model(read(path, name)).float()
    config = model.config.text_config.to_dict()
    if config["project_dim"] != width:
        raise UsageError(
            f"The teacher's text vectors have {width} components and those of {name} {config['project_dim']}.",
            "Give a teacher and a student of the same width, or an XLM-R, which gets a layer of any width.",
        )
    return config, dict(model.text_model.state_dict())


def _xlm_r_tower(path: Path, name: str, width: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    model = whole.load_xlm_r(path, name)
    known = set(_text_config_keys())
    config = {key: value for key, value in model.config.to_dict().items() if key in known}
    state = {
        f"roberta.{key.replace('encoder.layer.', 'encoder.layers.')}": value
        for key, value in model.state_dict().items()
        if "position_ids" not in key
    }
    return {**config, "project_dim": width}, state


def _text_config_keys() -> Iterator[str]:
    from transformers import AltCLIPTextConfig

    yield from (key for key in AltCLIPTextConfig().to_dict() if key not in ("model_type", "project_dim"))
