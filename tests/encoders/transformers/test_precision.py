from __future__ import annotations

import pytest
import torch
from polyglance.config import Settings
from polyglance.encoders.runtimes import cpu
from polyglance.encoders.transformers import precision
from polyglance.errors import EncoderUnavailable


def test_what_is_set_is_used() -> None:
    assert precision.dtype_name(Settings(precision="float16", device="cpu")) == "float16"
    assert precision.device(Settings(device="cpu")) == torch.device("cpu")


@pytest.mark.parametrize(
    ("architecture", "features", "expected"),
    [
        ("x86_64", {"avx2"}, "float32"),
        ("x86_64", {"avx512", "bfloat16"}, "bfloat16"),
        ("x86_64", {"amx"}, "bfloat16"),
        ("arm64", {"bfloat16"}, "float32"),
        ("riscv64", set(), "float32"),
    ],
)
def test_a_cpu_with_bfloat16_instructions_uses_them(
    monkeypatch: pytest.MonkeyPatch, architecture: str, features: set[str], expected: str
) -> None:
    monkeypatch.setattr(cpu, "read", lambda: cpu.Cpu(architecture, frozenset(features)))
    assert precision.dtype_name(Settings(device="cpu")) == expected


def test_cuda_is_preferred_and_computes_float16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(precision, "_may_have_accelerator", lambda: True)
    assert precision.device(Settings()) == torch.device("cuda")
    assert precision.dtype_name(Settings()) == "float16"


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(EncoderUnavailable, match=f"no device {device} "):
        precision.device(Settings(device=device))
