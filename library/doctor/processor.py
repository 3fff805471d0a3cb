"""The processor's instructions that matter to encoders, by the names that Linux and torch give them."""

from __future__ import annotations

from collections.abc import Iterable

FEATURES = {
    "AVX2": {"avx2"},
    "AVX-512": {"avx512f", "avx512_f"},
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "BF16": {"avx512_bf16", "bf16"},
    "AMX": {"amx_int8", "amx_bf16"},
    "NEON": {"asimd", "neon"},
    "dot product": {"asimddp", "dot"},
    "I8MM": {"i8mm"},
    "SVE": {"sve"},
}
"""Name for reading -> flags of /proc/cpuinfo and of torch.cpu.get_capabilities, any of which says it."""


def features(flags: Iterable[str]) -> tuple[str, ...]:
    """The names of FEATURES that the flags say."""
    present = set(flags)
    return tuple(name for name, any_of in FEATURES.items() if any_of & present)


def parse_cpuinfo(text: str) -> tuple[str, set[str]]:
    """(model, flags) of the first processor in /proc/cpuinfo, whose lines differ between x86 and ARM."""
    model, flags = "", set[str]()
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "model name" and not model:
            model = value
        elif key in ("flags", "Features") and not flags:
            flags = set(value.split())
    return model, flags
