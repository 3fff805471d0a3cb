"""Which weights are trained, and with which learning rate and weight decay."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ..errors import UsageError
from .models import DualModel
from .options import Options

TOWER_PARTS = {
    "text": ("text_model.", "text_projection."),
    "image": ("vision_model.", "visual_projection."),
}
LAYER = re.compile(r"\.layers?\.(\d+)\.")
EMBEDDINGS = re.compile(r"\.(embeddings|pre_layrnorm)\.")
LORA_TARGETS = r".*\.(q_proj|k_proj|v_proj|out_proj|query|key|value)"


def choose(model: nn.Module, options: Options) -> None:
    """Freeze every weight of `model` that `options` do not train. Raises UsageError."""
    model.requires_grad_(False)
    names = ("text", "image") if options.towers == "both" else (options.towers,)
    for name in names:
        parts = TOWER_PARTS[name]
        layers = count_layers(model, parts)
        if options.last_layers is not None and options.last_layers > layers:
            raise UsageError(f"The {name} tower has {layers} layers, fewer than {options.last_layers}.")
        first = 0 if options.last_layers is None else layers - options.last_layers
        for key, parameter in model.named_parameters():
            if key.startswith(parts) and (options.last_layers is None or depth(key, layers) > first):
                parameter.requires_grad_(True)


def prepare(dual: DualModel, options: Options, device: torch.device, *, with_scale: bool) -> None:
    """Choose the weights that are trained, with the learned scale or without, and move the model to `device`.

    Raises UsageError, also without peft if LoRA is asked for.
    """
    choose(dual.model, options)
    if options.lora_rank:
        dual.adapter = _add_lora(dual.model, options)
    dual.model.logit_scale.requires_grad_(with_scale)
    dual.model.to(device)


def _add_lora(model: Any, options: Options) -> Any:
    """Put LoRA's matrices beside the attention layers of the trained towers, in place; only they are trained."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise UsageError("LoRA needs peft.", "Install it: pip install 'polyglance[train]'") from None
    towers = {"text": "text_model", "image": "vision_model", "both": "(text_model|vision_model)"}[options.towers]
    config = LoraConfig(
        r=options.lora_rank, lora_alpha=2 * options.lora_rank, target_modules=f"{towers}{LORA_TARGETS}", bias="none"
    )
    with warnings.catch_warnings():  # peft calls what transformers renamed
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def depth(key: str, layers: int) -> int:
    """0 for embeddings, i + 1 for layer i, layers + 1 for what follows the layers."""
    if match := LAYER.search(key):
        return int(match[1]) + 1
    return 0 if EMBEDDINGS.search(key) else layers + 1


def count_layers(model: nn.Module, parts: tuple[str, ...]) -> int:
    """The number of layers of a tower."""
    numbers = [
        int(match[1]) for key, _ in model.named_parameters() if key.startswith(parts) and (match := LAYER.search(key))
    ]
    return max(numbers, default=-1) + 1


def parameter_groups(model: nn.Module, options: Options) -> list[dict[str, Any]]:
    """Groups for the optimiser. `share` is the group's part of the learning rate.

    Biases, gains of LayerNorm and the learned scale have no weight decay, as in open_clip.
    """
    layers = {parts: count_layers(model, parts) for parts in TOWER_PARTS.values()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for key, parameter in trained(model):
        total, place = next(
            ((layers[parts], depth(key, layers[parts])) for parts in layers if key.startswith(parts)), (0, 1)
        )
        share = options.layer_decay ** (total + 1 - place)
        decay = options.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((share, decay), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "share": share}
        for (share, decay), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def trained(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """(name, parameter) of the weights that are trained."""
    return ((key, parameter) for key, parameter in model.named_parameters() if parameter.requires_grad)


def set_modes(model: nn.Module) -> None:
    """Train mode, with dropout, where weights are trained; evaluation mode in frozen parts."""
    model.eval()
    for name, module in model.named_modules():
        is_tower = name.rpartition(".")[2] in {"text_model", "vision_model"}
        if is_tower and any(parameter.requires_grad for parameter in module.parameters()):
            module.train()
