"""Training from nothing: does a text tower that was distilled and aligned answer in nine languages?

    python -m benchmarks.training_proof [--small] [--keep FOLDER] [--seed N]

A world of shapes, colours, counts and places is drawn, with captions in nine languages. A fifth of its scenes is held
out of everything that is trained:

1. a tiny CLIP is trained on pictures with English captions;
2. a small student of random weights is distilled from its text tower, from parallel text alone;
3. the student is aligned with pictures that have captions in nine languages.

R@1: how often a caption of a held-out scene finds its picture first among those of all held-out scenes, percent. At the
end the command line indexes these pictures with the CLIP, adopts the aligned text tower without encoding one again, and
searches them.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import torch
from polyglance import cli
from polyglance.config import LANGUAGES, Settings
from polyglance.datasets import jsonl
from polyglance.training import align, distill
from polyglance.training import models as training_models
from polyglance.training.models import DualModel
from polyglance.training.options import AlignOptions, DistillOptions
from polyglance.training.pictures import Preparation
from polyglance.training.processes import join

from .proof import models, pictures
from .proof.captions import SCENES, SENTENCES, Scene, captions
from .report import RESULTS, parser, publish

SEED = 3
STAGES = ("teacher", "untrained", "stage 1", "stage 2")
PLOT = RESULTS / "training_proof.svg"


@dataclass(frozen=True)
class Size:
    """How long the models are trained, and on how many sentences of each scene.

    The world is the same for every size: with fewer scenes a model learns whole scenes instead of their parts, and
    does not recognise new ones.
    """

    teacher_steps: int = 300
    renders: int = 16
    """Pictures of each scene that the teacher sees."""
    sentences: int = SENTENCES
    distill_epochs: int = 12
    distill_batch: int = 128
    align_epochs: int = 2
    align_rate: float = 1e-4
    threads: int = 1
    """Of torch. The layers are so small that a second thread gains little, and on a busy machine each waits for the
    other; the figures depend a little on the order in which threads add."""
    searches: tuple[str, ...] = LANGUAGES


SMALL = Size(
    teacher_steps=160, renders=8, sentences=1, distill_epochs=5, distill_batch=64, align_epochs=1, searches=("zh",)
)


@dataclass
class Clock:
    """Seconds of each step of the proof: of the clock, and of processors."""

    seconds: dict[str, float] = field(default_factory=dict)
    processor_seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure a step, and say on stderr that it begins."""
        print(f"{name} …", file=sys.stderr, flush=True)
        start, worked = time.perf_counter(), processor_seconds()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 1)
        self.processor_seconds[name] = round(processor_seconds() - worked, 1)


def processor_seconds() -> float:
    """Seconds that processors worked for this process and its finished children."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--keep", type=Path, help="folder for pictures, checkpoints and the library, which stay")
    options.add_argument("--seed", type=int, default=SEED)
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        report = prove(given.keep or Path(temporary), SMALL if given.small else Size(), given.seed)
    publish("training_proof", report, small=given.small)
    if not given.small:
        PLOT.write_text(plot(report["recall_at_1"]), encoding="utf-8")


def prove(place: Path, size: Size, seed: int) -> dict[str, Any]:
    """Train and measure in the folder `place`; return the report."""
    threads = torch.get_num_threads()
    torch.set_num_threads(size.threads)
    try:
        return _prove(place, size, seed)
    finally:
        torch.set_num_threads(threads)


def _prove(place: Path, size: Size, seed: int) -> dict[str, Any]:
    clock, settings = Clock(), Settings(device="cpu", precision="float32", encoder="lite")
    trained = [scene for scene in SCENES if not scene.is_held_out]
    held_out = [scene for scene in SCENES if scene.is_held_out]
    recalls: dict[str, dict[str, float]] = {}
    teacher, distilled, aligned = place / "teacher", place / "distilled", place / "aligned"

    with clock("teacher"):
        models.train_clip(teacher, trained, size.sentences, size.teacher_steps, size.renders, seed)
    with clock("measuring"):
        test = pictures.write(held_out, LANGUAGES, size.sentences, place / "held-out", seed)
        recalls["teacher"] = {"en": measure(teacher, test, settings)["en"]}

    with clock("stage 1"):
        lines = [json.dumps(line, ensure_ascii=False) for scene in trained for line in translations(scene, size)]
        (place / "parallel.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        texts = [text for line in lines for text in json.loads(line).values()]
        models.write_student(place / "student", texts, seed)
        student = training_models.build_student(load(teacher, settings), str(place / "student"), seed)
        recalls["untrained"] = measure_model(student, teacher, test, settings)
        first = DistillOptions(
            epochs=size.distill_epochs,
            batch=size.distill_batch,
            micro_batch=size.distill_batch,
            learning_rate=2e-3,
            weight_decay=0.01,
            warmup=100,
            held_out=0.0,
            seed=seed,
        )
        distill.distill(str(teacher), str(place / "student"), [place / "parallel.jsonl"], distilled, first, settings)
    recalls["stage 1"] = measure(distilled, test, settings)

    with clock("stage 2"):
        pairs = pictures.write(trained, LANGUAGES, size.sentences, place / "trained", seed + 1)
        second = AlignOptions(
            epochs=size.align_epochs,
            batch=256,
            micro_batch=128,
            learning_rate=size.align_rate,
            warmup=20,
            held_out=0.0,
            seed=seed,
        )
        align.align(str(distilled), pairs, aligned, second, settings, cache=place / "cache")
    recalls["stage 2"] = measure(aligned, test, settings)

    with clock("command line"):
        answers = search(place, held_out, size.searches)
    return {
        "seed": seed,
        "scenes": {"trained": len(trained), "held_out": len(held_out)},
        "captions": {"languages": len(LANGUAGES), "of_a_scene": size.sentences},
        "chance": round(100 / len(held_out), 1),
        "recall_at_1": recalls,
        "command_line": answers,
        "seconds": clock.seconds,
        "processor_seconds": clock.processor_seconds,
    }


def translations(scene: Scene, size: Size) -> Iterator[dict[str, str]]:
    """Lines of parallel text: each sentence in every language."""
    for number in range(size.sentences):
        yield {language: captions(scene, language)[number] for language in LANGUAGES}


def load(folder: Path, settings: Settings) -> DualModel:
    return training_models.load(training_models.find_checkpoint(str(folder), settings))


def measure(folder: Path, test: Path, settings: Settings) -> dict[str, float]:
    """R@1 from captions to pictures by language, percent, of a checkpoint."""
    return measure_model(load(folder, settings), folder, test, settings)


def measure_model(dual: DualModel, folder: Path, test: Path, settings: Settings) -> dict[str, float]:
    """`measure` of a model whose pictures are prepared as for the checkpoint in `folder`."""
    dual.model.eval()
    preparation = Preparation(training_models.find_checkpoint(str(folder), settings), settings)
    scores = align.measure(dual, preparation, jsonl.load(test), None, join(settings))
    return {language: round(scores[f"{language} R@1"], 1) for language in LANGUAGES}


def search(place: Path, scenes: Sequence[Scene], languages: Sequence[str]) -> dict[str, Any]:
    """Index the held-out pictures with the teacher, adopt the aligned text tower, and search in each language."""
    run(place, "index", str(place / "held-out"), "--encoder", str(place / "teacher"))
    adopted = run(place, "reencode", "--encoder", str(place / "aligned"))
    right = {}
    for number, language in enumerate(languages):
        scene = scenes[number * len(scenes) // len(languages)]
        answer = run(place, "search", "--plain", "-k", "1", captions(scene, language)[0])
        name = Path(answer["results"][0]["path"]).name
        right[language] = name == pictures.name(scene)
    return {"encoded_when_adopted": adopted["encoded"], "first_is_right": right}


def run(place: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line in this process, which has imported everything that it needs; return its JSON."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = cli.run(["--library", str(place / "library"), *arguments, "--json"])
    if code:
        raise RuntimeError(f"polyglance {arguments[0]} ended with {code}.")
    answer: dict[str, Any] = json.loads(printed.getvalue())
    return answer


def plot(recalls: dict[str, dict[str, float]]) -> str:
    """Bars of R@1 by language and stage, as an SVG that reads on light and dark ground."""
    left, width, bar, row = 60, 640, 11, 62
    height = row * len(LANGUAGES) + 56
    colours = ("#7a7a7a", "#c9c9c9", "#6aa5d8", "#1f5f99")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 60} {height}" font-family="sans-serif" '
        f'font-size="12"><title>R@1 on held-out scenes, percent</title><rect width="100%" height="100%" fill="#fff"/>'
    ]
    for number, (stage, colour) in enumerate(zip(STAGES, colours, strict=True)):
        x = left + 150 * number
        parts.append(f'<rect x="{x}" y="8" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="18">{escape(stage)}</text>')
    for percent in range(0, 101, 20):
        x = left + width * percent // 100
        parts.append(f'<line x1="{x}" x2="{x}" y1="30" y2="{height - 22}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{height - 8}" text-anchor="middle">{percent}</text>')
    for number, language in enumerate(LANGUAGES):
        y = 38 + row * number
        parts.append(f'<text x="{left - 10}" y="{y + 26}" text-anchor="end">{language}</text>')
        for place, (stage, colour) in enumerate(zip(STAGES, colours, strict=True)):
            if language in recalls[stage]:
                value, top = recalls[stage][language], y + (bar + 2) * place
                parts.append(
                    f'<rect x="{left}" y="{top}" width="{width * value / 100:.1f}" height="{bar}" fill="{colour}"/>'
                )
                parts.append(f'<text x="{left + width * value / 100 + 5:.1f}" y="{top + bar - 1}">{value:g}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
