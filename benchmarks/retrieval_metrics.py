"""Peak memory and time of the retrieval metrics: 30,000 pictures x 150,000 captions, and chunks against one matrix."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from polyglance.arrays import Floats
from polyglance.datasets.sets import Captions
from polyglance.evaluation import diagnostics, metrics, retrieval

from .report import parser, peak_mb, publish

CAPTIONS = 5
DIMENSION = 64
"""Small, because the memory is in the scores: at 768 the vectors themselves add 0.5 GB."""

FEW, MANY = 3_000, 30_000
SMALL = 40, 200


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure. With `--step NAME PICTURES`: do that step, and print seconds and peak in MB."""
    options = parser(__doc__)
    options.add_argument("--step", nargs=2, metavar=("NAME", "PICTURES"))
    given = options.parse_args(arguments)
    if given.step:
        print(json.dumps(run(given.step[0], int(given.step[1]))))
        return
    few, many = SMALL if given.small else (FEW, MANY)
    measure = run if given.small else child  # the peak of a small run says nothing
    large = {step: measure(step, many) for step in STEPS}
    chunked, whole = measure("recall", few), measure("recall in one piece", few)
    assert chunked["result"] == whole["result"], "chunks change the figures"
    publish(
        "retrieval_metrics",
        {
            "pictures": many,
            "captions": CAPTIONS * many,
            "dimension": DIMENSION,
            "all_scores_would_take_mb": round(4 * CAPTIONS * many**2 / 1e6),
            "steps": {step: {key: one[key] for key in ("seconds", "peak_mb")} for step, one in large.items()},
            "peak_mb": max(one["peak_mb"] for one in large.values()),
            "small": {
                "pictures": few,
                "peak_mb_in_chunks": chunked["peak_mb"],
                "peak_mb_in_one_piece": whole["peak_mb"],
                "seconds_in_one_piece_over_in_chunks": round(whole["seconds"] / max(chunked["seconds"], 0.001), 2),
                "same_figures": True,
            },
        },
        small=given.small,
    )


def child(step: str, pictures: int) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.retrieval_metrics", "--step", step, str(pictures)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(step: str, pictures: int) -> dict[str, Any]:
    """Seconds without making the vectors, peak of the process, and the figures that came out."""
    generator = np.random.default_rng(0)
    images = _unit(generator.standard_normal((pictures, DIMENSION), np.float32))
    owners = np.repeat(np.arange(pictures), CAPTIONS)
    noise = generator.standard_normal((len(owners), DIMENSION), np.float32)
    texts = _unit(images[owners] + 0.2 * noise)
    captions = Captions(("",) * len(owners), tuple(owners.tolist()))
    start = time.perf_counter()
    result = {**STEPS, "recall in one piece": _recall_in_one_piece}[step](images, texts, captions)
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 1), "peak_mb": round(peak_mb()), "result": result}


def _recall(images: Floats, texts: Floats, captions: Captions) -> Any:
    return retrieval.figures(retrieval.rank(images, texts, captions))


def _recall_in_one_piece(images: Floats, texts: Floats, captions: Captions) -> Any:
    to_image, to_text, _ = retrieval.relevance(captions, shared=False)
    ways = (texts, images, to_image), (images, texts, to_text)
    found = [metrics.recalls(metrics.standing(*way, chunk_bytes=1 << 40)) for way in ways]
    return dict(zip(("text_to_image", "image_to_text"), found, strict=True))


def _hubs(images: Floats, texts: Floats, _: Captions) -> Any:
    return [diagnostics.hubness(texts, images).skewness, diagnostics.hubness(images, texts).skewness]


def _cut(images: Floats, texts: Floats, captions: Captions) -> Any:
    to_image, _, _ = retrieval.relevance(captions, shared=False)
    return [cut.recall for cut in diagnostics.relevance_cuts(texts, images, to_image)]


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


STEPS: dict[str, Callable[[Floats, Floats, Captions], Any]] = {
    "recall": _recall,
    "hubs": _hubs,
    "relevance cut": _cut,
}

if __name__ == "__main__":
    main()
