"""What this machine's CPU has, read without torch where the system tells."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

NAMES = {
    "avx2": "avx2",
    "avx512f": "avx512",
    "avx512_f": "avx512",
    "avx_vnni": "vnni",
    "avx512_vnni": "vnni",
    "avx512_bf16": "bfloat16",
    "amx_bf16": "amx",
    "amx_int8": "amx_int8",
    "asimd": "neon",
    "asimddp": "dot_product",
    "i8mm": "int8_matrix",
    "bf16": "bfloat16",
    "advsimd": "neon",
    "feat_dotprod": "dot_product",
    "feat_i8mm": "int8_matrix",
    "feat_bf16": "bfloat16",
}
"""Our names of instruction sets, by those of Linux, torch and macOS in lower case."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A CPU: `x86_64` or `arm64` or another architecture, and which instruction sets it has (values of NAMES)."""

    architecture: str
    features: frozenset[str]

    @property
    def computes_bfloat16(self) -> bool:
        """Whether it multiplies bfloat16 numbers itself, and torch lets it; elsewhere they are emulated slowly."""
        return self.architecture == "x86_64" and bool(self.features & {"bfloat16", "amx"})

    @property
    def multiplies_int8_exactly(self) -> bool:
        """Whether products of 8 bits are added up in 32 bits. AVX2 alone adds pairs in 16 bits, which overflow."""
        return bool(self.features & {"vnni", "amx_int8", "dot_product", "int8_matrix"})

    def __str__(self) -> str:
        return " ".join([self.architecture, *sorted(self.features)])


@cache
def read() -> Cpu:
    """This machine's CPU."""
    machine = platform.machine().lower()
    architecture = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    return Cpu(architecture, known_features(_flags()))


def known_features(flags: Iterable[str]) -> frozenset[str]:
    """Our names of the instruction sets among a system's flags."""
    return frozenset(NAMES[flag] for flag in map(str.lower, flags) if flag in NAMES)


def _flags() -> Iterable[str]:
    if CPUINFO.is_file():
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
        line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
        return line[1].split() if line else []
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "hw.optional", "machdep.cpu.leaf7_features"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        flags = re.findall(r"^hw\.optional\.(?:arm\.)?(\w+): 1$", done.stdout, re.MULTILINE)
        leaf7 = re.search(r"leaf7_features: (.*)$", done.stdout, re.MULTILINE)
        return flags + (leaf7[1].split() if leaf7 else [])
    return _flags_of_torch()


def _flags_of_torch() -> Iterable[str]:
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):
        return []
    return [name for name, value in torch.cpu.get_capabilities().items() if value is True]
