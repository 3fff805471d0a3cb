"""Retrieval quality and speed of the embedded encoder: each query encoded alone, ties counted by their mean rank.

Run: python benchmarks/lite_retrieval.py DATA.jsonl [--out FILE] [--halves 20]
DATA.jsonl holds one `{"image": "relative/path", "captions": {"en": ["…"], …}}` a line. Prints and writes JSON, percent.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from polyglance.config import LANGUAGES, Settings
from polyglance.encoders.lite import LiteEncoder

CUTS = (1, 5, 10)
Floats = npt.NDArray[np.float32]


def on_white(path: Path) -> Image.Image:
    with Image.open(path) as image:
        if image.mode not in ("RGBA", "LA", "P"):
            return image.convert("RGB")
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")


def mean_ranks(scores: Floats, relevant: Iterable[npt.NDArray[np.intp]]) -> Floats:
    """Rank (0 = first) of each row's best relevant column; among equal scores the mean of their places."""
    ranks = []
    for row, columns in zip(scores, relevant, strict=True):
        best = row[columns].max()
        ranks.append((row > best).sum() + ((row == best).sum() - 1) / 2)
    return np.array(ranks, dtype=np.float32)


def recalls(ranks: Floats) -> dict[str, float]:
    return {f"R@{cut}": round(100 * float((ranks < cut).mean()), 2) for cut in CUTS}


def language_result(scores: Floats, owner: npt.NDArray[np.intp]) -> dict[str, Any]:
    """Both directions for `scores` (texts, images) whose text i belongs to image `owner[i]`."""
    captioned = np.unique(owner)
    to_image = recalls(mean_ranks(scores, ([image] for image in owner)))  # type: ignore[misc]
    to_text = recalls(mean_ranks(scores.T[captioned], (np.flatnonzero(owner == image) for image in captioned)))
    mean = (sum(to_image.values()) + sum(to_text.values())) / (2 * len(CUTS))
    return {"text_to_image": to_image, "image_to_text": to_text, "MR": round(mean, 2)}


def half_spread(all_scores: dict[str, tuple[Floats, Any]], images: int, halves: int) -> dict[str, float]:
    """Mean and deviation over random halves of the mean R@10 of all languages, text to image."""
    generator = np.random.default_rng(0)
    means = []
    for _ in range(halves):
        kept = np.sort(generator.permutation(images)[: images // 2])
        found = []
        for scores, owner in all_scores.values():
            rows = np.flatnonzero(np.isin(owner, kept))
            places = np.searchsorted(kept, owner[rows])
            found.append(recalls(mean_ranks(scores[rows][:, kept], ([p] for p in places)))["R@10"])  # type: ignore[misc]
        means.append(float(np.mean(found)))
    return {"mean": round(float(np.mean(means)), 2), "deviation": round(float(np.std(means)), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--halves", type=int, default=20)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines() if line.strip()]
    encoder = LiteEncoder(Settings())
    images = [on_white(options.data.parent / row["image"]) for row in rows]
    encoder.encode_images(images[:1])
    started = time.perf_counter()
    pictures = encoder.encode_images(images)
    image_ms = 1000 * (time.perf_counter() - started) / len(images)

    results: dict[str, Any] = {}
    all_scores: dict[str, tuple[Floats, Any]] = {}
    encoder.encode_texts(["warm"])
    started, texts = time.perf_counter(), 0
    for language in LANGUAGES:
        captions = [(i, text) for i, row in enumerate(rows) for text in row["captions"].get(language, [])]
        vectors = np.concatenate([encoder.encode_texts([text]) for _, text in captions])
        owner = np.array([i for i, _ in captions])
        all_scores[language] = vectors @ pictures.T, owner
        texts += len(captions)
    text_ms = 1000 * (time.perf_counter() - started) / texts
    for language, (scores, owner) in all_scores.items():
        results[language] = language_result(scores, owner)
    mean = {
        way: {f"R@{c}": round(float(np.mean([r[way][f"R@{c}"] for r in results.values()])), 2) for c in CUTS}
        for way in ("text_to_image", "image_to_text")
    }
    document = {
        "dataset": options.data.parent.name,
        "encoder": encoder.name,
        "images": len(images),
        "texts": texts,
        "languages": results,
        "mean": {**mean, "MR": round(float(np.mean([r["MR"] for r in results.values()])), 2)},
        "random_halves_text_to_image_R@10": half_spread(all_scores, len(images), options.halves),
        "ms_per_image": round(image_ms, 2),
        "ms_per_text": round(text_ms, 2),
    }
    text = json.dumps(document, indent=1)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
