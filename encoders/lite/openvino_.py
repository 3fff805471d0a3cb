"""EfficientNet-Lite2 through OpenVINO: the same logits as `efficientnet` (within 1e-4), in half of the time.

OpenVINO comes with the extra `fast`. The folded weights are kept in the user's cache, so that neither torch nor the
package's file is read again. A file that is missing, damaged or cannot be written only costs time.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import platformdirs

from . import sentences
from .architecture import PIXEL_DEVIATION, PIXEL_MEAN, SIDE, STAGES, WEIGHTS_PACKAGE

Pixels: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]
Arrays: TypeAlias = dict[str, Any]

FORM = 1
"""Increase it when the layout of the file changes."""

_OPTIONS = {
    "NUM_STREAMS": "1",
    "INFERENCE_NUM_THREADS": "1",  # computes in the thread that calls, with that thread's priority
    "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the processor has it: other vectors
    "ENABLE_CPU_PINNING": "NO",
}

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Whether OpenVINO is there. Imports nothing."""
    return find_spec("openvino") is not None


def load() -> Callable[[Pixels], Floats] | None:
    """Return a function from pixels (SIDE, SIDE, 3) to logits (1000,), for any number of threads; None if it fails."""
    try:
        return _compile(_folded_weights(default_file()))
    except Exception as error:  # noqa: BLE001 - a runtime is an acceleration: whatever fails in it, torch computes
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        log.warning("OpenVINO cannot run the lite encoder, so torch does: %s", reason)
        return None


def default_file() -> Path:
    """The file of the folded weights. Its name has the version of the package that they come from."""
    folder = Path(platformdirs.user_cache_dir("polyglance", appauthor=False)) / "lite"
    return folder / f"{version(WEIGHTS_PACKAGE.replace('_', '-'))}-{FORM}.bin"


def _folded_weights(file: Path) -> Arrays:
    with contextlib.suppress(OSError, ValueError, KeyError):
        return sentences.read(file)
    from . import efficientnet

    state = efficientnet.load().state_dict()
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in state.items()}
    with contextlib.suppress(OSError):
        sentences.write(file, arrays)
    return arrays


def _compile(arrays: Arrays) -> Callable[[Pixels], Floats]:
    import openvino

    model = openvino.Core().compile_model(_build(arrays), "CPU", _OPTIONS)
    requests = threading.local()

    def compute(pixels: Pixels) -> Floats:
        if not hasattr(requests, "own"):
            requests.own = model.create_infer_request()
        return np.array(requests.own.infer([pixels[None]])[0][0], dtype=np.float32)

    return compute


def _build(arrays: Arrays) -> Any:
    """The network as a graph. Its padding `same_upper` is TensorFlow's "SAME"."""
    import openvino
    from openvino import opset13 as ops

    def convolve(maps: Any, name: str, stride: int = 1, *, relu6: bool = True) -> Any:
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        window = [stride, stride], [0, 0], [0, 0], [1, 1], "same_upper"
        if weight.shape[1] == 1:
            maps = ops.group_convolution(maps, ops.constant(weight[:, None]), *window)
        else:
            maps = ops.convolution(maps, ops.constant(weight), *window)
        maps = ops.add(maps, ops.constant(bias[None, :, None, None]))
        return ops.clamp(maps, 0.0, 6.0) if relu6 else maps

    pixels = ops.parameter([1, SIDE, SIDE, 3], np.uint8)
    centred = ops.subtract(ops.convert(pixels, np.float32), ops.constant(np.float32(PIXEL_MEAN)))
    normalised = ops.divide(centred, ops.constant(np.float32(PIXEL_DEVIATION)))
    maps = convolve(ops.transpose(normalised, ops.constant([0, 3, 1, 2])), "stem", 2)
    number = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            block, layer = maps, 0
            if stage.expand > 1:
                block = convolve(block, f"blocks.{number}.layers.0")
                layer = 1
            block = convolve(block, f"blocks.{number}.layers.{layer}", stage.stride if repeat == 0 else 1)
            block = convolve(block, f"blocks.{number}.layers.{layer + 1}", relu6=False)
            maps = ops.add(block, maps) if repeat else block
            number += 1
    features = ops.reduce_mean(convolve(maps, "head"), ops.constant([2, 3]), keep_dims=False)
    scores = ops.matmul(features, ops.constant(arrays["classifier.weight"]), transpose_a=False, transpose_b=True)
    scores = ops.add(scores, ops.constant(arrays["classifier.bias"][None]))
    return openvino.Model([scores], [pixels], "efficientnet-lite2")
