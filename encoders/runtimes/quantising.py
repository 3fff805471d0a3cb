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
    """A way to quantise. `smoothing` moves outliers of activations into weights, from 0 to 1; None does not."""

    name: str
    activations: bool = True
    """Whether matrix products are computed in 8 bits, or only their weights are stored in 8 bits."""
    smoothing: float | None = 0.95


RECIPES = (
    Recipe("int8"),
    Recipe("int8, more smoothing", smoothing=0.6),
    Recipe("int8 weights", activations=False),
)
"""Tried in this order until one is near enough to float32."""


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
    smoothing = AdvancedSmoothQuantParameters(matmul=-1 if recipe.smoothing is None else recipe.smoothing)
    return AdvancedQuantizationParameters(overflow_fix=fix, smooth_quant_alphas=smoothing)
