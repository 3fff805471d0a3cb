"""Towers that OpenVINO computes (extra `fast`): converted from torch, or read from a file that was made before."""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .base import Inputs, Projected, Runtime, TowerUnusable, one_line

log = logging.getLogger(__name__)

HOW_TO_GET = "pip install 'polyglance[fast]'"

HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
"""OpenVINO's names of the format for what is not quantised."""


def is_installed() -> bool:
    """Whether OpenVINO can be imported. Does not import it."""
    return importlib.util.find_spec("openvino") is not None


def version() -> str:
    """The installed version, without importing OpenVINO."""
    from importlib.metadata import version as version_of

    return version_of("openvino")


@cache
def vendor() -> Any:
    """The module `openvino`. Raises TowerUnusable.

    OpenVINO's converter and NNCF report to Google Analytics without asking. They do without if the package that
    sends is missing, so it is kept from being imported.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        import openvino
    except Exception as error:
        raise TowerUnusable(f"OpenVINO cannot be imported ({one_line(error)})") from error
    return openvino


@cache
def core() -> Any:
    """OpenVINO's runtime, one for the process."""
    return vendor().Core()


class OpenVinoTower:
    """A compiled model. OpenVINO computes one batch at a time with all cores, so threads take turns."""

    runtime: Runtime = "openvino"

    def __init__(self, compiled: Any, precision: str) -> None:
        self.precision = precision
        self._request = compiled.create_infer_request()
        self._names = [port.any_name for port in compiled.inputs]
        self._turn = threading.Lock()

    def project(self, inputs: Inputs) -> Projected:
        """Compute the projected vectors of a batch. Raises TowerUnusable."""
        values = [np.ascontiguousarray(inputs[name]) for name in self._names]
        with self._turn:
            try:
                output = self._request.infer(values, share_inputs=True)
                # The CPU plugin gives a quantised text tower an axis of length 1 that its model does not have.
                return np.array(output[0], np.float32).reshape(len(values[0]), -1)
            except Exception as error:
                raise TowerUnusable(f"OpenVINO cannot compute it ({one_line(error)})") from error


def convert(model: Any, method: str, inputs: Inputs) -> Any:
    """Convert a torch model's `method` to an OpenVINO model that takes batches of any size and texts of any length.

    `inputs` are an example. The model shares the weights of the torch model. Raises TowerUnusable.
    """
    import torch

    class Projecting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            return getattr(self.model, method)(**dict(zip(inputs, values, strict=True))).pooler_output

    example = tuple(torch.from_numpy(values) for values in inputs.values())
    openvino = vendor()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of tracing: what depends on values. `agrees` finds where that matters
            converted = openvino.convert_model(Projecting().eval(), example_input=example)
            for port, (name, values) in zip(converted.inputs, inputs.items(), strict=True):
                port.get_tensor().set_names({name})
                free = 2 if name in ("input_ids", "attention_mask", "token_type_ids") else 1
                shape = [-1] * free + list(values.shape[free:])
                port.get_node().set_partial_shape(openvino.PartialShape(shape))
            converted.validate_nodes_and_infer_types()
    except Exception as error:
        log.debug("the conversion failed", exc_info=True)
        raise TowerUnusable(f"OpenVINO cannot convert it ({one_line(error)})") from error
    return converted


def compile_model(source: Any, precision: str) -> OpenVinoTower:
    """Compile a converted model, or a file that was saved. Raises TowerUnusable."""
    properties = {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, with all cores
    }
    try:
        model = core().read_model(source) if isinstance(source, Path) else source
        return OpenVinoTower(core().compile_model(model, "CPU", properties), precision)
    except Exception as error:
        log.debug("the compilation failed", exc_info=True)
        raise TowerUnusable(f"OpenVINO cannot compile it ({one_line(error)})") from error


def save(model: Any, path: Path, *, halve: bool) -> Sequence[Path]:
    """Write a model, its float weights in 16 bits if `halve`. Returns its two files. Raises TowerUnusable, OSError."""
    try:
        vendor().save_model(model, str(path), compress_to_fp16=halve)
    except RuntimeError as error:
        raise TowerUnusable(f"OpenVINO cannot save it ({one_line(error)})") from error
    return path, path.with_suffix(".bin")
