"""A processor without AVX2 computes the same vectors: torch, oneDNN and OpenMP are told to do without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

CODE = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
import torch
from polyglance.config import Settings
from polyglance.encoders.lite import efficientnet
from polyglance.encoders.transformers import checkpoint
from polyglance.encoders.transformers.altclip import DualEncoder

folder, target = map(Path, sys.argv[1:])
encoder = DualEncoder(checkpoint.read(folder, "tiny"), Settings(precision="float32", device="cpu", runtime="torch"))
random = np.random.default_rng(5)
pixels = random.integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
picture = random.integers(0, 256, (1, efficientnet.SIDE, efficientnet.SIDE, 3), dtype=np.uint8)
np.savez(
    target,
    pictures=encoder.encode_images([Image.fromarray(each) for each in pixels]),
    texts=encoder.encode_texts(["a photo of snowy mountains", "日落时分的雪山照片"]),
    lite=efficientnet.logits(efficientnet.load(), picture),
)
print(torch.backends.cpu.get_cpu_capability())
"""
WITHOUT_AVX2 = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
SAME = 1 - 1e-5
"""The least cosine between vectors of two instruction sets."""


def run(checkpoint: Path, target: Path, **environment: str) -> tuple[str, dict[str, np.ndarray]]:
    command = [sys.executable, "-c", CODE, str(checkpoint), str(target)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(target) as vectors:
        return done.stdout.strip(), dict(vectors)


def test_vectors_without_avx2_are_those_with_it(tiny_altclip: Path, tmp_path: Path) -> None:
    capability, expected = run(tiny_altclip, tmp_path / "usual.npz")
    least, vectors = run(tiny_altclip, tmp_path / "without.npz", **WITHOUT_AVX2)
    assert least in ("DEFAULT", "NO AVX") or capability == least, "torch did not do without AVX2"
    for name, rows in expected.items():
        left, right = rows.astype(np.float64), vectors[name].astype(np.float64)
        norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        assert ((left * right).sum(axis=1) / norms).min() > SAME, name
