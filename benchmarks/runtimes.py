"""A checkpoint in torch, OpenVINO and int8: how near the vectors are, how fast a text and the first text of a process.

    python -m benchmarks.runtimes CHECKPOINT PICTURES [--part image|text] [--count 250]

CHECKPOINT is a directory or a name, PICTURES a folder of pictures. The checkpoint is prepared for this machine first,
with 40 of the pictures (minutes; the files stay beside it). `image` compares int8 with float32 on every picture: least
cosine, and how many of the ten nearest pictures of each are the same. `text` times one text at a time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from polyglance.config import Settings
from polyglance.encoders import registry
from polyglance.encoders.transformers import checkpoint, compiled, preparing, samples, towers
from polyglance.encoders.transformers.towers import Part

from .report import parser, publish

WAYS: dict[str, dict[str, Any]] = {
    "torch float32": {"runtime": "torch", "precision": "float32"},
    "openvino float32": {"runtime": "openvino", "precision": "float32"},
    "int8": {"precision": "int8"},
}
"""What is compared, by the settings that choose it."""

COLD = """
from polyglance.config import Settings
from polyglance.encoders import registry
registry.create({name!r}, Settings(device="cpu", {chosen})).encode_texts(["snowy mountains"])
"""


def main(arguments: Sequence[str] | None = None) -> None:
    options_parser = parser(__doc__)
    options_parser.add_argument("checkpoint")
    options_parser.add_argument("pictures", type=Path)
    options_parser.add_argument("--part", choices=["image", "text"], default="image")
    options_parser.add_argument("--count", type=int, default=250)
    options = options_parser.parse_args(arguments)
    files = [file for file in sorted(options.pictures.rglob("*")) if file.suffix.lower() in (".jpeg", ".jpg", ".png")]
    images = [Image.open(file).convert("RGB") for file in files[: options.count]]
    settings = Settings(device="cpu", precision="int8")
    encoder: Any = registry.create(options.checkpoint, settings)
    source = encoder._checkpoint
    part: Part = "vision_model" if options.part == "image" else "text_model"
    if compiled.find_stored(source, part)[0] is None:
        inputs = _picture_inputs(source, images) if options.part == "image" else preparing.text_samples(source)
        preparing.prepare(source, part, settings, inputs, lambda line: print(line, file=sys.stderr, flush=True))
    stored, _ = compiled.find_stored(source, part)
    assert stored is not None
    measured = {"milliseconds": dict(stored.compiled.milliseconds), "least_cosine_of_40": stored.compiled.cosine}
    report = _image(options.checkpoint, images) if options.part == "image" else _text(options.checkpoint)
    publish(f"runtimes_{options.part}", {"prepared": measured, **report}, small=options.small)


def _picture_inputs(source: checkpoint.Checkpoint, images: list[Image.Image]) -> list[Any]:
    preparation = towers.load_preparation(source)
    return [samples.prepare_pictures(preparation, [image]) for image in images[:: max(1, len(images) // 40)][:40]]


def _image(name: str, images: list[Image.Image]) -> dict[str, Any]:
    vectors, rates = {}, {}
    for way in ("openvino float32", "int8"):
        encoder = registry.create(name, Settings(device="cpu", batch_size=8, **WAYS[way]))
        encoder.encode_images(images[:1])
        start = time.perf_counter()
        vectors[way] = encoder.encode_images(images)
        rates[way] = round(len(images) / (time.perf_counter() - start), 2)
    exact, quick = vectors["openvino float32"], vectors["int8"]
    cosines = (exact * quick).sum(axis=1)
    nearest = [np.argsort(-(rows @ exact.T), axis=1)[:, 1:11] for rows in (exact, quick)]
    shared = [len(set(left) & set(right)) / 10 for left, right in zip(*nearest, strict=True)]
    return {
        "pictures": len(images),
        "pictures_per_second": rates,
        "cosine_to_float32": {"least": round(float(cosines.min()), 5), "mean": round(float(cosines.mean()), 5)},
        "top_10_overlap": round(float(np.mean(shared)), 3),
    }


def _text(name: str) -> dict[str, Any]:
    texts = list(samples.SENTENCES)
    encoders = {way: registry.create(name, Settings(device="cpu", **chosen)) for way, chosen in WAYS.items()}
    vectors = {way: encoder.encode_texts(texts) for way, encoder in encoders.items()}
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for text in texts * 2:
        for way, encoder in encoders.items():  # side by side, so that a busy moment meets all of them
            start = time.perf_counter()
            encoder.encode_texts([text])
            taken[way].append(1000 * (time.perf_counter() - start))
    exact = vectors["torch float32"]
    return {
        "p50_ms": {way: round(statistics.median(times), 1) for way, times in taken.items()},
        "least_cosine": {way: round(float((exact * rows).sum(axis=1).min()), 5) for way, rows in vectors.items()},
        "first_text_of_a_process_s": {way: _cold(name, WAYS[way]) for way in ("torch float32", "int8")},
    }


def _cold(name: str, chosen: dict[str, str]) -> float:
    """Seconds of a process that encodes one text, the second time, when its files are in the page cache."""
    words = ", ".join(f"{key}={value!r}" for key, value in chosen.items())
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            start = time.perf_counter()
            command = [sys.executable, "-P", "-c", COLD.format(name=name, chosen=words)]
            subprocess.run(command, check=True, cwd=folder, capture_output=True)
            taken.append(time.perf_counter() - start)
    return round(taken[-1], 2)


if __name__ == "__main__":
    main()
