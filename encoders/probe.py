"""What a library that computes encoders offers on this machine, printed as JSON.

    python -m polyglance.encoders.probe torch

It is run in a process of its own: a library that was built for another processor can end the process that loads it.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any


def torch() -> dict[str, Any]:
    """Build, devices beside the processor, and the processor's flags."""
    import torch

    build = "cpu"
    if torch.version.cuda:
        build = f"cuda {torch.version.cuda}"
    elif hip := getattr(torch.version, "hip", None):
        build = f"rocm {'.'.join(str(hip).split('.')[:2])}"
    devices = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append("mps")
    capabilities = dict(torch.cpu.get_capabilities()) if hasattr(torch.cpu, "get_capabilities") else {}
    return {
        "build": build,
        "devices": devices,
        "flags": [name for name, value in capabilities.items() if value is True],
        "cpu": str(capabilities.get("cpu_name", "")),
    }


def openvino() -> dict[str, Any]:
    """The devices beside the processor."""
    from .runtimes import openvino_  # which keeps it from reporting to its maker

    return {"build": "", "devices": [device for device in openvino_.core().available_devices if device != "CPU"]}


def onnxruntime() -> dict[str, Any]:
    """The providers beside the processor."""
    providers = import_module("onnxruntime").get_available_providers()
    beside = [name.removesuffix("ExecutionProvider") for name in providers]
    return {"build": "", "devices": [name for name in beside if name not in {"CPU", "Azure"}]}


PROBES = {"torch": torch, "openvino": openvino, "onnxruntime": onnxruntime}

if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]]()))  # noqa: T201 - for the process that started this one
