"""What the installed FAISS can do, printed as JSON; run in a process of its own, because loading it may crash.

python -m polyglance.data.vectors.probe
"""

from __future__ import annotations

import json
from typing import Any

SIMD = ("AVX512_SPR", "AVX512", "AVX2", "SVE", "NEON")
"""Names in `get_compile_options`, the fastest first."""


def simd(options: str) -> str:
    """The fastest instructions that FAISS's compile options name; `generic` if none."""
    return next((name for name in SIMD if name in options.split()), "generic")


def faiss() -> dict[str, Any]:
    """Its version, instructions, and the graphics cards that it sees."""
    from .faiss_ import faiss

    cards = int(getattr(faiss, "get_num_gpus", int)())
    return {"version": faiss.__version__, "simd": simd(faiss.get_compile_options()), "cards": cards}


if __name__ == "__main__":
    print(json.dumps(faiss()))  # noqa: T201 - for the process that started this one
