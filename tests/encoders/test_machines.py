"""A processor without AVX2 computes the same vectors: torch, oneDNN and MKL are told to do without.

Run as a program, it writes the vectors of a checkpoint and of lite's image tower to a file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders.lite import architecture, efficientnet
from polyglance.encoders.transformers import checkpoint
from polyglance.encoders.transformers.altclip import DualEncoder

WITHOUT_AVX2 = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
SAME = 1 - 1e-5
"""The least cosine between vectors of two instruction sets."""


def encode(folder: Path) -> dict[str, np.ndarray]:
    encoder = DualEncoder(checkpoint.read(folder, "tiny"), Settings(precision="float32", device="cpu", runtime="torch"))
    random = np.random.default_rng(5)
    pixels = random.integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    picture = random.integers(0, 256, (1, architecture.SIDE, architecture.SIDE, 3), dtype=np.uint8)
    return {
        "pictures": encoder.encode_images([Image.fromarray(each) for each in pixels]),
        "texts": encoder.encode_texts(["a photo of snowy mountains", "日落时分的雪山照片"]),
        "lite": efficientnet.logits(efficientnet.load(), picture),
    }


@pytest.mark.slow
def test_vectors_without_avx2_are_those_with_it(tiny_altclip: Path, tmp_path: Path) -> None:
    target = tmp_path / "vectors.npz"
    command = [sys.executable, __file__, str(tiny_altclip), str(target)]
    done = subprocess.run(command, env={**os.environ, **WITHOUT_AVX2}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "AVX" not in done.stdout.removeprefix("NO AVX"), "torch did not do without"
    expected = encode(tiny_altclip)
    with np.load(target) as vectors:
        for name, rows in expected.items():
            left, right = rows.astype(np.float64), vectors[name].astype(np.float64)
            norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
            assert ((left * right).sum(axis=1) / norms).min() > SAME, name


if __name__ == "__main__":
    np.savez(sys.argv[2], **encode(Path(sys.argv[1])))
    print(torch.backends.cpu.get_cpu_capability())
