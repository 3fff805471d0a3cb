"""Peak memory and time of the retrieval metrics: 30,000 pictures x 150,000 captions, and chunks against one matrix."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from polyglance.arrays import Floats
from polyglance.datasets.sets import Captions
from polyglance.evaluation import diagnostics, metrics, retrieval

from .report import publish

CAPTIONS = 5
DIMENSION = 64
"""Small, because the memory is in the scores: at 768 the vectors themselves add 0.5 GB."""

SMALL, LARGE = 3_000, 30_000


def main() -> None:
    """Without arguments: measure. With a step and a number of pictures: do it, and print seconds and peak in MB."""
    if len(sys.argv) == 3:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
        return
    large = {step: child(step, LARGE) for step in STEPS}
    chunked, whole = child("recall", SMALL), child("recall in one piece", SMALL)
    assert chunked["result"] == whole["result"], "chunks change the figures"
    publish(
        "retrieval_metrics",
        {
            "pictures": LARGE,
            "captions": CAPTIONS * LARGE,
            "dimension": DIMENSION,
            "all_scores_would_take_mb": round(4 * CAPTIONS * LARGE**2 / 1e6),
            "steps": {step: {key: one[key] for key in ("seconds", "peak_mb")} for step, one in large.items()},
            "peak_mb": max(one["peak_mb"] for one in large.values()),
            "small": {
                "pictures": SMALL,
                "peak_mb_in_chunks": chunked["peak_mb"],
                "peak_mb_in_one_piece": whole["peak_mb"],
                "seconds_in_one_piece_over_in_chunks": round(whole["seconds"] / chunked["seconds"], 2),
                "same_figures": True,
            },
        },
    )


def child(step: str, pictures: int) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.retrieval_metrics", step, str(pictures)]
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": round(seconds, 1), "peak_mb": round(peak), "result": result}


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
