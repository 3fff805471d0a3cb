"""The device and the precision in which an encoder computes."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ...config import Settings
from ...errors import EncoderUnavailable
from ..runtimes import cpu

if TYPE_CHECKING:
    import torch

MEET = ("float32", "bfloat16", "float16", "openvino float32", "openvino bfloat16", "openvino int8")
"""Runtimes and precisions whose vectors of one checkpoint may be compared (ADR 0035)."""

ACCELERATORS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg", "/dev/nvhost-ctrl")
"""Devices of Linux without which torch finds no graphics card."""


def device(settings: Settings) -> torch.device:
    """Return the device of the settings; for `auto` the first that exists of CUDA, MPS and the CPU.

    Raises EncoderUnavailable if the device of the settings does not exist.
    """
    import torch

    name = settings.device
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    chosen = torch.device(name)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise EncoderUnavailable(f"There is no device {name} on this machine.", "Set the device to auto or cpu.")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise EncoderUnavailable("There is no device mps on this machine.", "Set the device to auto or cpu.")
    return chosen


def is_cpu(settings: Settings) -> bool:
    """Whether `device` is the CPU. Imports torch only if there may be another device. Raises EncoderUnavailable."""
    if settings.device == "cpu" or (settings.device == "auto" and not _may_have_accelerator()):
        return True
    return device(settings).type == "cpu"


def dtype_name(settings: Settings) -> str:
    """Return `float32`, `bfloat16` or `float16`: the settings' precision, or for `auto` one that is fast here.

    On CUDA that is float16, which is closer to float32 than bfloat16; on a CPU with bfloat16 instructions bfloat16;
    elsewhere float32. For `int8`, which torch does not compute, it is the same. Raises EncoderUnavailable.
    """
    if settings.precision not in ("auto", "int8"):
        return settings.precision
    if is_cpu(settings):
        return "bfloat16" if cpu_computes_bfloat16() else "float32"
    return "float16" if device(settings).type == "cuda" else "float32"


def cpu_computes_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions (AVX512-BF16, AMX); elsewhere torch emulates them slowly."""
    return cpu.read().computes_bfloat16


def _may_have_accelerator() -> bool:
    """False if torch is built for the CPU alone, or the system has no device of a graphics card."""
    try:
        if version("torch").endswith("+cpu"):
            return False
    except PackageNotFoundError:
        return True
    return sys.platform != "linux" or any(Path(path).exists() for path in ACCELERATORS)
