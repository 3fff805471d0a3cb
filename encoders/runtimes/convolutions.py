"""A network of inverted residual blocks (EfficientNet, MobileNet), built from arrays for OpenVINO, in float32."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from . import openvino_

_OPTIONS = {
    "NUM_STREAMS": "1",
    "INFERENCE_NUM_THREADS": "1",  # computes in the thread that calls, with that thread's priority
    "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the processor has it: other vectors
    "ENABLE_CPU_PINNING": "NO",
}


class Stage(Protocol):
    """A sequence of equal blocks; only the first changes the width and has a stride."""

    @property
    def repeats(self) -> int:
        """Blocks."""

    @property
    def stride(self) -> int:
        """Of the first block's depthwise convolution."""

    @property
    def expand(self) -> int:
        """Factor of the widths inside and outside; 1 for blocks without an expanding convolution."""


def compile_network(
    arrays: Mapping[str, Any], stages: Sequence[Stage], *, side: int, mean: float, deviation: float
) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """Return a function from pixels (side, side, 3) to logits, for any number of threads; each call uses one core.

    `arrays` has weights and biases with batch norm folded: `stem`, `blocks.N.layers.M`, `head`, `classifier`. Raises
    TowerUnusable, KeyError if an array is missing, and what OpenVINO raises.
    """
    graph = _build(arrays, stages, side, mean, deviation)
    model = openvino_.core().compile_model(graph, "CPU", _OPTIONS)
    requests = threading.local()

    def compute(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        if not hasattr(requests, "own"):
            requests.own = model.create_infer_request()
        return np.array(requests.own.infer([pixels[None]])[0][0], dtype=np.float32)

    return compute


def _build(arrays: Mapping[str, Any], stages: Sequence[Stage], side: int, mean: float, deviation: float) -> Any:
    """The network as a graph. Its padding `same_upper` is TensorFlow's "SAME"."""
    openvino = openvino_.vendor()
    ops = openvino.opset13

    def convolve(maps: Any, name: str, stride: int = 1, *, relu6: bool = True) -> Any:
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        window = [stride, stride], [0, 0], [0, 0], [1, 1], "same_upper"
        if weight.shape[1] == 1:
            maps = ops.group_convolution(maps, ops.constant(weight[:, None]), *window)
        else:
            maps = ops.convolution(maps, ops.constant(weight), *window)
        maps = ops.add(maps, ops.constant(bias[None, :, None, None]))
        return ops.clamp(maps, 0.0, 6.0) if relu6 else maps

    pixels = ops.parameter([1, side, side, 3], np.uint8)
    centred = ops.subtract(ops.convert(pixels, np.float32), ops.constant(np.float32(mean)))
    normalised = ops.divide(centred, ops.constant(np.float32(deviation)))
    maps = convolve(ops.transpose(normalised, ops.constant([0, 3, 1, 2])), "stem", 2)
    number = 0
    for stage in stages:
        for repeat in range(stage.repeats):
            layers = f"blocks.{number}.layers"
            widens = stage.expand > 1
            block = convolve(maps, f"{layers}.0") if widens else maps
            block = convolve(block, f"{layers}.{int(widens)}", stage.stride if repeat == 0 else 1)
            block = convolve(block, f"{layers}.{widens + 1}", relu6=False)
            maps = ops.add(block, maps) if repeat else block
            number += 1
    features = ops.reduce_mean(convolve(maps, "head"), ops.constant([2, 3]), keep_dims=False)
    scores = ops.matmul(features, ops.constant(arrays["classifier.weight"]), transpose_a=False, transpose_b=True)
    scores = ops.add(scores, ops.constant(arrays["classifier.bias"][None]))
    return openvino.Model([scores], [pixels], "logits")
