from __future__ import annotations

import pytest
import torch
from polyglance.config import Settings
from polyglance.encoders.transformers import precision
from polyglance.errors import EncoderUnavailable


def test_what_is_set_is_used() -> None:
    assert precision.dtype_name(Settings(precision="float16", device="cpu")) == "float16"
    assert precision.device(Settings(device="cpu")) == torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({}, "float32"),
    ],
)
def test_a_cpu_with_bfloat16_instructions_uses_them(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert precision.dtype_name(Settings(device="cpu")) == expected


def test_a_torch_that_cannot_tell_means_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert precision.dtype_name(Settings(device="cpu")) == "float32"


def test_cuda_is_preferred_and_computes_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert precision.device(Settings()) == torch.device("cuda")
    assert precision.dtype_name(Settings()) == "float16"


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(EncoderUnavailable, match=f"no device {device} "):
        precision.device(Settings(device=device))
