"""The device and the precision in which an encoder computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config import Settings
from ...errors import EncoderUnavailable

if TYPE_CHECKING:
    import torch


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


def dtype_name(settings: Settings) -> str:
    """Return `float32`, `bfloat16` or `float16`: the settings' precision, or for `auto` one that is fast here.

    On CUDA that is float16, which is closer to float32 than bfloat16; on a CPU with bfloat16 instructions bfloat16;
    elsewhere float32. Raises EncoderUnavailable.
    """
    if settings.precision != "auto":
        return settings.precision
    chosen = device(settings)
    if chosen.type == "cuda":
        return "float16"
    return "bfloat16" if chosen.type == "cpu" and cpu_computes_bfloat16() else "float32"


def cpu_computes_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions (AVX512-BF16, AMX); elsewhere torch emulates them slowly."""
    import torch

    # Older releases of torch have no such list. float32 works on every CPU.
    if not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
