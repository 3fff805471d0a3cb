"""Quantisation of a converted tower to 8 bits by NNCF (extra `fast`)."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import openvino_
from .base import Inputs, TowerUnusable, one_line
from .cpu import Cpu

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way to quantise."""

    name: str
    smoothing: float = 0.6
    """How much of the activations' outliers is moved into the weights, from 0 to 1."""
    in_float: str = ""
    """Regular expression of the operations' names that stay in float."""
    activations: bool = True
    """Whether matrix products are computed in 8 bits, or only their weights are stored in 8 bits."""


FEED_FORWARD_OUTPUTS = r".*(\.mlp\.fc2|layers?\.\d+\.output\.dense)/.*"
"""The second product of each feed-forward block, in transformers' names: its inputs have a wide range."""

RECIPES = (
    Recipe("int8"),
    Recipe("int8, more smoothing", smoothing=0.95),
    Recipe("int8, outputs of feed-forward blocks in float", in_float=FEED_FORWARD_OUTPUTS),
    Recipe("int8 weights", activations=False),
)
"""Tried in this order until one is near enough to float32. What each gave: ADR 0035."""


def is_installed() -> bool:
    """Whether NNCF can be imported. Does not import it."""
    return importlib.util.find_spec("nncf") is not None


def quantise(model: Any, samples: Sequence[Inputs], recipe: Recipe, cpu: Cpu) -> Any:
    """Quantise OpenVINO's `model`, per channel with symmetric weights; the model itself is not changed.

    `samples` are inputs of batch size 1 or more, from which the ranges of activations are read. Raises TowerUnusable.
    """
    openvino_.vendor()  # before NNCF is imported: see there
    try:
        import nncf

        nncf.set_log_level(logging.ERROR)
        if not recipe.activations:
            return nncf.compress_weights(model.clone(), mode=nncf.CompressWeightsMode.INT8_SYM)
        return nncf.quantize(
            model,
            nncf.Dataset([dict(each) for each in samples]),
            preset=nncf.QuantizationPreset.PERFORMANCE,  # symmetric
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(samples),
            ignored_scope=nncf.IgnoredScope(patterns=[recipe.in_float] if recipe.in_float else [], validate=False),
            advanced_parameters=_parameters(recipe, cpu),
        )
    except Exception as error:
        log.debug("quantisation failed", exc_info=True)
        raise TowerUnusable(f"NNCF cannot quantise it ({one_line(error)})") from error


def _parameters(recipe: Recipe, cpu: Cpu) -> Any:
    from nncf.quantization.advanced_parameters import (
        AdvancedQuantizationParameters,
        AdvancedSmoothQuantParameters,
        OverflowFix,
    )

    # Where pairs of products are added in 16 bits, weights have 7 bits, so that no sum overflows.
    fix = OverflowFix.DISABLE if cpu.multiplies_int8_exactly else OverflowFix.ENABLE
    smoothing = AdvancedSmoothQuantParameters(matmul=recipe.smoothing)
    return AdvancedQuantizationParameters(overflow_fix=fix, smooth_quant_alphas=smoothing)
