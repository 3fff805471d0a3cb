"""Do our vectors equal those of transformers, how fast are they, and what does a search hold in memory?

    python benchmarks/altclip_parity.py [--full-size | --checkpoint DIR] [--precision float32] [--out FILE]

Prints one JSON document. The checkpoint is random and built in a temporary folder: tiny, or with `--full-size`
as large as AltCLIP-m9 (864 M parameters; 4 GB of disk, 8 GB of memory); or it is an AltCLIP of yours. Each part
runs in its own process, so that one does not warm up or fill the memory of another.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

TEXTS = [
    "a photo of snowy mountains at sunset",
    "日落时分的雪山照片",
    "una foto de montañas nevadas al atardecer",
    "une photo de montagnes enneigées au coucher du soleil",
    "фотография снежных гор на закате",
    "夕焼けの雪山の写真",
    "해질녘 눈 덮인 산 사진",
    "صورة جبال ثلجية عند الغروب",
    "una foto di montagne innevate al tramonto",
]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full-size", action="store_true")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--part", choices=sorted(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--small", action="store_true", help="few pictures, all parts in this process")
    options = parser.parse_args(arguments)
    if options.small:
        options.images = 2
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.checkpoint is None:
            options.checkpoint = Path(folder) / "checkpoint"
            build(options.checkpoint, options.full_size)
        result = {
            **conditions(options),
            **{part: PARTS[part](options) if options.small else run_part(part, options) for part in PARTS},
        }
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


def build(folder: Path, full_size: bool) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the random checkpoints are the tests' own
    import checkpoints

    checkpoints.build_altclip(folder, full_size=full_size)


def conditions(options: argparse.Namespace) -> dict[str, Any]:
    import torch
    import transformers

    weights = [file for file in options.checkpoint.iterdir() if file.suffix in (".bin", ".safetensors")]
    return {
        "weights_mb": round(sum(file.stat().st_size for file in weights) / 1e6, 1),
        "precision": options.precision,
        "device": options.device,
        "cpu": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "load_average_before": os.getloadavg()[0],
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def run_here(part: str, options: argparse.Namespace) -> Any:
    return PARTS[part](options)


def run_part(part: str, options: argparse.Namespace) -> Any:
    command = [sys.executable, __file__, "--part", part, "--checkpoint", str(options.checkpoint)]
    command += ["--precision", options.precision, "--device", options.device, "--images", str(options.images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def encoder(options: argparse.Namespace) -> Any:
    from polyglance.config import Settings
    from polyglance.encoders import registry

    settings = Settings(precision=options.precision, device=options.device)
    return registry.create(str(options.checkpoint), settings)


def pictures(count: int) -> list[Any]:
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(3)
    return [
        Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
        for _ in range(count)
    ]


def parity(options: argparse.Namespace) -> dict[str, float]:
    """Smallest cosine between our vectors and those of transformers called directly, in float32."""
    import numpy as np
    import torch
    from transformers import AltCLIPModel, AltCLIPProcessor, AutoImageProcessor, AutoTokenizer

    ours, images = encoder(options), pictures(4)
    mine = ours.encode_texts(TEXTS), ours.encode_images(images)
    del ours
    model = AltCLIPModel.from_pretrained(options.checkpoint).eval()
    preparation = AutoImageProcessor.from_pretrained(options.checkpoint, backend="pil")
    processor = AltCLIPProcessor(preparation, AutoTokenizer.from_pretrained(options.checkpoint))
    inputs = processor(text=TEXTS, images=images, padding=True, truncation=True, max_length=77, return_tensors="pt")
    with torch.inference_mode():
        output = model(**inputs)
    theirs = output.text_embeds.numpy(), output.image_embeds.numpy()
    text, image = (float((a * b).sum(axis=1).min()) for a, b in zip(mine, theirs, strict=True))
    between = theirs[0] @ theirs[0].T
    return {
        "least_cosine_of_texts": text,
        "least_cosine_of_images": image,
        "largest_cosine_between_two_texts": float(np.sort(between.ravel())[-len(TEXTS) - 1]),
    }


def search(options: argparse.Namespace) -> dict[str, float]:
    """A process that only searches: time to the first vector, time of a query, memory."""
    import torch  # noqa: F401 - counted apart
    import transformers  # noqa: F401 - counted apart
    from polyglance.encoders.transformers import identity

    before = memory()
    made = encoder(options)
    kept = identity.CHECKSUMS
    with tempfile.TemporaryDirectory() as folder:
        identity.CHECKSUMS = Path(folder) / "checksums.json"  # no checksum is kept there, so the weights are hashed
        fingerprint, _ = timed(lambda: made.fingerprint)
    identity.CHECKSUMS = kept
    loading, _ = timed(lambda: made.encode_texts(TEXTS[:1]))
    after_first = memory()
    queries = [timed(partial(made.encode_texts, [text]))[0] for text in TEXTS * 2]
    factor, _ = timed(lambda: made.logit_scale)
    after = memory()
    return {
        "hash_weights_s": round(fingerprint, 2),
        "load_text_tower_and_first_query_s": round(loading, 2),
        "query_ms": round(1000 * statistics.median(queries), 1),
        "logit_scale_ms": round(1000 * factor, 1),
        "private_memory_after_first_query_mb": round(after_first[0] - before[0]),
        "private_memory_mb": round(after[0] - before[0]),
        "resident_mb": round(after[1] - before[1]),
    }


def index(options: argparse.Namespace) -> dict[str, float]:
    """A process that only indexes: pictures of 640 x 480 in batches of 8."""
    made, images = encoder(options), pictures(options.images)
    loading, _ = timed(lambda: made.encode_images(images[:1]))
    seconds, _ = timed(lambda: [made.encode_images(images[i : i + 8]) for i in range(0, len(images), 8)])
    return {
        "load_image_tower_and_first_image_s": round(loading, 2),
        "images_per_second": round(len(images) / seconds, 2),
        "resident_mb": round(memory()[1]),
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value


def memory() -> tuple[float, float]:
    """(MB of this process alone, MB resident including mapped files)."""
    import psutil

    info = psutil.Process().memory_full_info()
    return info.uss / 1e6, info.rss / 1e6


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {"parity": parity, "search": search, "index": index}

if __name__ == "__main__":
    main()
