"""What a step of training costs, against a plain loop of transformers with the same batches on the same model.

    python -m benchmarks.training_cost [--steps N] [--lines N] [--small]

    both      both towers are trained on pictures and captions
    align     the image tower is frozen: ours computes its vectors once, the plain loop runs it at each step
    distill   texts alone: ours encodes each of the teacher's texts once, the plain loop at each step

Time: in one process, a step of ours and a step of the plain loop by turns; medians. Memory: the peak of a process
that does nothing else. The model has AltCLIP's proportions (257 patches a picture, a dozen tokens a text) and small
layers. Streaming: the peak memory of a process that draws all examples of so many lines of parallel text.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import report

BATCH = 32
TRAINED = ("both", "align", "distill")
PHOTOS = 64


def build(folder: Path, small: bool) -> None:
    """An AltCLIP, a CLIP and an XLM-R with random weights, pictures, captions and parallel text."""
    import numpy as np
    from PIL import Image

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the random checkpoints are the tests' own
    import checkpoints
    from transformers import AltCLIPConfig, AltCLIPModel

    for kind in ("altclip", "clip", "xlm_roberta"):
        checkpoints.BUILDERS[kind](folder / kind)
    if not small:
        config = AltCLIPConfig.from_pretrained(folder / "altclip")
        for tower in (config.text_config, config.vision_config):
            tower.hidden_size, tower.intermediate_size, tower.num_hidden_layers = 256, 1024, 4
        config.vision_config.image_size, config.vision_config.patch_size = 224, 14
        (folder / "altclip/pytorch_model.bin").unlink()
        AltCLIPModel(config).save_pretrained(folder / "altclip")
        file = folder / "altclip/preprocessor_config.json"
        preparation = json.loads(file.read_text()) | {"size": 224, "crop_size": 224}
        file.write_text(json.dumps(preparation))
    generator = np.random.default_rng(0)
    sentences = list(checkpoints.SENTENCES.items())
    rows, lines = [], []
    for number in range(PHOTOS):
        pixels = generator.integers(0, 256, (300, 400, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
        captions = {code: [f"{text[:10]} {number}"] for code, text in sentences[number % 3 :: 3]}
        rows.append(json.dumps({"image": f"{number}.jpg", "captions": captions}))
        lines += [f"{sentences[0][1]} {number}\t{text} {number}\t{code}\n" for code, text in sentences[1:]]
    (folder / "pairs.jsonl").write_text("\n".join(rows))
    (folder / "text.tsv").write_text("".join(lines), encoding="utf-8")


def train(kind: str, folder: Path, steps: int, on_step: Callable[[], None]) -> None:
    """So many steps of ours; `on_step` is called after each."""
    from polyglance.config import Settings
    from polyglance.progress import Tick
    from polyglance.training.align import align
    from polyglance.training.distill import distill
    from polyglance.training.options import AlignOptions, DistillOptions

    common: dict[str, Any] = {"batch": BATCH, "micro_batch": BATCH, "held_out": 0.0, "epochs": 1000}

    def progress(tick: Tick) -> None:
        if tick.done:
            on_step()
        if tick.done == steps:
            raise _Enough

    settings = Settings(device="cpu", precision="float32")
    output = Path(tempfile.mkdtemp(dir=folder)) / "out"
    try:
        if kind == "distill":
            options = DistillOptions(**common)
            distill(
                str(folder / "clip"), str(folder / "xlm_roberta"), [folder / "text.tsv"], output, options, settings,
                progress=progress,
            )  # fmt: skip
        else:
            chosen = AlignOptions(**common, towers="both" if kind == "both" else "text")
            align(
                str(folder / "altclip"), folder / "pairs.jsonl", output, chosen, settings,
                cache=folder / "vectors", progress=progress,
            )  # fmt: skip
    except _Enough:
        pass


class _Enough(Exception):
    pass


def plain_steps(kind: str, folder: Path) -> Iterator[None]:
    """A loop as transformers' examples have it; each `next` is a step."""
    return _plain_distillation(folder) if kind == "distill" else _plain_contrastive(folder, frozen=kind == "align")


def _plain_contrastive(folder: Path, *, frozen: bool) -> Iterator[None]:
    import torch
    from PIL import Image
    from transformers import AltCLIPModel, AltCLIPProcessor, AutoImageProcessor, AutoTokenizer

    model = AltCLIPModel.from_pretrained(folder / "altclip").train()
    if frozen:
        model.vision_model.requires_grad_(False)
        model.visual_projection.requires_grad_(False)
    processor = AltCLIPProcessor(
        AutoImageProcessor.from_pretrained(folder / "altclip", backend="pil"),
        AutoTokenizer.from_pretrained(folder / "altclip"),
    )
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-6, weight_decay=0.05)
    rows = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    examples = [(row["image"], text) for row in rows for texts in row["captions"].values() for text in texts]
    for batch in _endless(examples):
        pictures = [Image.open(folder / name).convert("RGB") for name, _ in batch]
        inputs = processor(
            text=[text for _, text in batch], images=pictures, padding=True, truncation=True, max_length=77,
            return_tensors="pt",
        )  # fmt: skip
        loss = model(**inputs, return_loss=True).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 5.0)
        optimizer.step()
        loss.item()
        yield


def _plain_distillation(folder: Path) -> Iterator[None]:
    import torch
    from torch import nn
    from transformers import AutoTokenizer, CLIPTextModel, XLMRobertaModel

    teacher = CLIPTextModel.from_pretrained(folder / "clip").eval().requires_grad_(False)
    student = XLMRobertaModel.from_pretrained(folder / "xlm_roberta", add_pooling_layer=False).train()
    width, teacher_width = student.config.hidden_size, teacher.config.hidden_size
    head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, teacher_width))
    tokenizers = [AutoTokenizer.from_pretrained(folder / name) for name in ("clip", "xlm_roberta")]
    trained = [*student.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.1)
    pairs = [line.split("\t")[:2] for line in (folder / "text.tsv").read_text(encoding="utf-8").splitlines()]
    options: dict[str, Any] = {"padding": True, "truncation": True, "max_length": 77, "return_tensors": "pt"}
    for batch in _endless(pairs):
        with torch.no_grad():
            aimed = teacher(**tokenizers[0]([source for source, _ in batch], **options)).pooler_output
        states = student(**tokenizers[1]([target for _, target in batch], **options)).last_hidden_state
        loss = nn.functional.mse_loss(head(states[:, 0]), aimed)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        loss.item()
        yield


def _endless(examples: Sequence[Any]) -> Iterator[Sequence[Any]]:
    import random

    generator = random.Random(0)
    while True:
        order = list(examples)
        generator.shuffle(order)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            yield order[start : start + BATCH]


def measure_times(kind: str, folder: Path, steps: int) -> dict[str, float]:
    """Medians of steps by turns, in milliseconds; the first two steps of each warm up."""
    plain = plain_steps(kind, folder)
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    since = time.perf_counter()

    def turn() -> None:
        nonlocal since
        now = time.perf_counter()
        times["ours"].append(now - since)
        next(plain)
        since = time.perf_counter()
        times["plain"].append(since - now)

    train(kind, folder, steps + 2, turn)
    ours, theirs = (statistics.median(times[name][2:]) for name in ("ours", "plain"))
    return {"ours_ms": round(1000 * ours, 1), "plain_ms": round(1000 * theirs, 1), "ratio": round(theirs / ours, 2)}


def measure_memory(part: str, kind: str, folder: Path, steps: int) -> None:
    """Print the peak memory of this process after so many steps."""
    if part == "ours":
        train(kind, folder, steps, lambda: None)
    else:
        steps_of_plain = plain_steps(kind, folder)
        for _ in range(steps):
            next(steps_of_plain)
    print(json.dumps({"peak_mb": round(report.peak_mb())}))


def stream(path: Path) -> dict[str, Any]:
    """Examples, seconds and peak memory of reading parallel text as training does."""
    from polyglance.datasets.parallel import find_corpora
    from polyglance.training import translations
    from polyglance.training.options import DistillOptions

    options = DistillOptions()
    corpora = find_corpora([path])
    start = time.perf_counter()
    survey = translations.survey(corpora, options)
    surveyed = time.perf_counter() - start
    count = sum(1 for _ in translations.stream(corpora, survey, options, 0))
    seconds = time.perf_counter() - start - surveyed
    result = {"examples": count, "survey_seconds": round(surveyed, 1), "seconds": round(seconds, 1)}
    return {**result, "peak_mb": round(report.peak_mb())}


def child(*arguments: object) -> dict[str, Any]:
    """Run a part of this benchmark in a process of its own."""
    command = [sys.executable, "-m", "polyglance.benchmarks.training_cost", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def write_lines(path: Path, count: int) -> None:
    """Parallel text of so many different lines."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, count, 10_000):
            numbers = range(start, min(count, start + 10_000))
            file.writelines(f"a photo of thing number {n}\t第 {n} 件东西的照片\n" for n in numbers)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--part", nargs=3, default=None, help="ours|plain|stream KIND FOLDER: of a child process")
    given = parser.parse_args(arguments)
    if given.part:
        part, kind, place = given.part
        if part == "stream":
            print(json.dumps(stream(Path(place))))
        else:
            measure_memory(part, kind, Path(place), given.steps)
        return
    steps, lines = (2, 20_000) if given.small else (given.steps, given.lines)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder, given.small)
        figures: dict[str, Any] = {}
        for kind in TRAINED:
            figures[kind] = measure_times(kind, folder, steps)
            for part in ("ours", "plain") if not given.small else ():
                figures[kind][f"{part}_mb"] = child("--part", part, kind, folder, "--steps", min(steps, 5))["peak_mb"]
        streamed = {}
        for count in (lines // 10, lines):
            write_lines(folder / "lines.zh.tsv", count)
            path = folder / "lines.zh.tsv"
            streamed[f"{count:,} lines"] = stream(path) if given.small else child("--part", "stream", "-", path)
    report.publish("training_cost", {"batch": BATCH, **figures, "streaming": streamed}, small=given.small)


if __name__ == "__main__":
    main()
