"""The states of a text that AltDiffusion's pipelines take in the place of their own text encoder's.

FlagAI's `modeling_berts.py` and diffusers' `modeling_roberta_series.py` compute, for a text padded to a fixed length:

- m2 and m9: `transformation(roberta(ids, mask)[0])`. transformers' `last_hidden_state` of the tower applies `pre_LN`
  before `transformation`, which AltCLIP's vectors need and AltDiffusion does not.
- m18: `transformation_pre(pre_LN(hidden_states[-2]))`, with a layer that transformers' model does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from ...config import Settings
from ...errors import NotADualEncoder, UsageError
from ..base import Vectors
from . import precision, sides, towers
from .checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch

LENGTH = 77
"""The length of texts that AltDiffusion was trained with."""
MAX_LENGTH = 512
WIDTH_OF_M18 = 1024
"""AltDiffusion-m18 takes states of this width; AltDiffusion and AltDiffusion-m9 take 768."""
LAYER_OF_M18 = "text_model.transformation_pre"


class TextStates:
    """Computes the states with the text tower of an AltCLIP checkpoint, which it loads when it is made.

    Raises NotADualEncoder if the checkpoint is no AltCLIP or lacks a layer, EncoderUnavailable if it cannot be loaded.
    """

    def __init__(self, checkpoint: Checkpoint, settings: Settings) -> None:
        if checkpoint.model_type != "altclip":
            raise NotADualEncoder(
                f"{checkpoint.name} is a {checkpoint.model_type} checkpoint, and has no states for AltDiffusion.",
                "Use altclip, altclip-m9, or another AltCLIP checkpoint.",
            )
        self._checkpoint = checkpoint
        self._last_layer = _read_last_layer(checkpoint)
        dtype = precision.dtype_name(settings)
        import torch

        self._tokenizer = towers.load_tokenizer(checkpoint)
        self._tower = towers.load_tower(
            checkpoint, "text_model", precision.device(settings), getattr(torch, dtype)
        ).text_model
        self._tokenizing = Lock()

    def encode(self, prompts: Sequence[str], length: int = LENGTH) -> Vectors:
        """States of texts that are truncated or padded to `length` tokens: (n, length, d), float32.

        Raises UsageError if the tower has not so many positions, EncoderUnavailable.
        """
        import torch

        longest = min(MAX_LENGTH, self._tower.config.max_position_embeddings - 2)  # XLM-R's positions start at 2
        if not 2 <= length <= longest:
            raise UsageError(f"A length of {length} tokens is not possible.", f"Choose one from 2 to {longest}.")
        if not prompts:
            return np.zeros((0, length, self._tower.config.project_dim), np.float32)
        with towers.translate_errors(self._checkpoint, "used"), torch.inference_mode():
            with self._tokenizing:
                tokens = self._tokenizer(
                    list(prompts), padding="max_length", truncation=True, max_length=length, return_tensors="pt"
                ).to(self._tower.device)
            outputs = self._tower.roberta(
                tokens["input_ids"], attention_mask=tokens["attention_mask"], output_hidden_states=True
            )
            if self._last_layer is None:
                states = self._tower.transformation(outputs[0])
            else:
                weight, bias = (each.to(outputs[0]) for each in self._last_layer)
                normalised = self._tower.pre_LN(outputs.hidden_states[-2])
                states = torch.nn.functional.linear(normalised, weight, bias)
            vectors: Vectors = states.float().cpu().numpy()
        return vectors


def _read_last_layer(checkpoint: Checkpoint) -> tuple[torch.Tensor, torch.Tensor] | None:
    """(weight, bias) of `transformation_pre`; None if the checkpoint is of the kind that has none."""
    names = (f"{LAYER_OF_M18}.weight", f"{LAYER_OF_M18}.bias")
    with towers.translate_errors(checkpoint):
        stored: dict[str, Any] = {
            name: tensor.clone() for file in checkpoint.weights for name, tensor in sides.tensors(file) if name in names
        }
    if len(stored) == len(names):
        return stored[names[0]], stored[names[1]]
    config = checkpoint.section("text_config")
    if config.get("has_pre_transformation") or config.get("project_dim") == WIDTH_OF_M18:
        raise NotADualEncoder(
            f"{checkpoint.name} has no {LAYER_OF_M18}, from which AltDiffusion-m18 takes the states of texts.",
            "Use the text_encoder of AltDiffusion-m18 itself, or altclip-m9 with AltDiffusion-m9.",
        )
    return None
