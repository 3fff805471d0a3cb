"""The image tower of `lite` through OpenVINO: the same logits as through torch, and what happens if it fails."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders.lite import compiled, tower
from polyglance.encoders.lite import encoder as lite
from polyglance.encoders.lite.architecture import SIDE
from polyglance.encoders.runtimes import convolutions, openvino_

SAMPLES = Path(skimage.__file__).parent / "data"
NAMES = ("chelsea.png", "coffee.png", "rocket.jpg", "grass.png")
LOGITS = 1e-4
"""Largest difference of a logit; logits are between -5 and 15."""


def sample(name):
    with Image.open(SAMPLES / name) as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def torch_network():
    return tower.load("torch").network


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where the folded weights are kept, for this test."""
    kept = tmp_path / "lite" / "weights.bin"
    monkeypatch.setattr(compiled, "default_file", lambda: kept)
    return kept


def test_logits_are_those_of_torch_with_and_without_the_kept_weights(file, torch_network):
    pytest.importorskip("openvino")
    for _ in range(2):
        network = compiled.load()
        assert network is not None and file.exists()
        for name in NAMES:
            pixels = np.array(sample(name).resize((SIDE, SIDE)))
            assert np.abs(network(pixels) - torch_network(pixels)).max() < LOGITS


def test_vectors_of_both_runtimes_may_meet(torch_network):
    """Libraries have vectors that torch computed; the fingerprint is one."""
    pytest.importorskip("openvino")
    loaded = tower.load("auto")
    assert loaded.runtime == "openvino"
    for name in NAMES:
        ours, theirs = (lite._encode_picture(network, sample(name)) for network in (loaded.network, torch_network))
        assert float(ours @ theirs) > 1 - 1e-6


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:-9] + b"x" + data[-8:]])
def test_damaged_weights_are_written_again(file, torch_network, damage):
    pytest.importorskip("openvino")
    compiled.load()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    pixels = np.array(sample(NAMES[0]).resize((SIDE, SIDE)))
    assert np.abs(compiled.load()(pixels) - torch_network(pixels)).max() < LOGITS
    assert file.read_bytes() == whole


def test_without_openvino_torch_computes_and_nothing_is_said(monkeypatch, caplog):
    monkeypatch.setattr(openvino_, "is_installed", lambda: False)
    assert tower.load("auto").runtime == "torch"
    assert not caplog.records


def test_an_openvino_that_fails_is_replaced_by_torch_in_one_line(file, monkeypatch, caplog):
    monkeypatch.setattr(openvino_, "is_installed", lambda: True)
    monkeypatch.setitem(sys.modules, "openvino", None)  # importing it raises ImportError
    monkeypatch.setattr(convolutions.openvino_, "core", openvino_.core.__wrapped__)
    monkeypatch.setattr(openvino_, "vendor", openvino_.vendor.__wrapped__)
    with caplog.at_level(logging.WARNING):
        assert tower.load("auto").runtime == "torch"
    (record,) = caplog.records
    assert "torch" in record.getMessage() and "\n" not in record.getMessage()


def test_the_runtime_of_the_settings_is_used():
    assert tower.load("torch").runtime == "torch"
    assert lite.LiteEncoder(Settings(runtime="torch"))._runtime == "torch"
