"""Precision and recall of the relevance cut, and how often absent things are said to be absent, per language.

    python -m benchmarks.relevance CAPTIONS PHOTOS [--half first|second] [--also FILE] [--small]

The library is one half of the captioned pictures among the photos; the captions of both halves are asked. FILE says
what else fits a caption: `{"line number, from 0": ["picture's file name", …]}`. Figures are given with and without it.
`relevance_also.json` was judged by English captions and the names of the photos' classes, before any score was seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from polyglance.config import load
from polyglance.data.vectors.store import SAMPLE
from polyglance.datasets import load_retrieval
from polyglance.datasets.sets import HALVES, Captions
from polyglance.encoders import registry
from polyglance.encoders.base import Encoder
from polyglance.evaluation import vectors
from polyglance.evaluation.cache import default_folder
from polyglance.search.ranking import calibrate
from polyglance.search.ranking.calibrate import RELEVANT, Rule, text_rule

from . import report


def figures(shown: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Percent, of two tables (queries, pictures). A query is absent if no picture of the library is right."""
    absent = ~right.any(axis=1)
    return {
        "precision": round(100 * float((shown & right).sum() / max(shown.sum(), 1)), 1),
        "recall": round(100 * float((shown & right).sum() / right.sum()), 1),
        "shown_per_query": round(float(shown.sum(axis=1).mean()), 2),
        "absent_shows_nothing": round(100 * float((~shown[absent].any(axis=1)).mean()), 1),
        "present_shows_something": round(100 * float(shown[~absent].any(axis=1).mean()), 1),
    }


def fitting(captions: Captions, names: list[str], own: list[str], also: dict[str, list[str]]) -> npt.NDArray[np.bool_]:
    """Which pictures of the library, by `names`, are right for each caption; `own` are the names of all captioned."""
    equal: dict[str, set[str]] = {}
    for text, owner in zip(captions.texts, captions.owners, strict=True):
        equal.setdefault(text, set()).update((own[owner], *also.get(str(owner), ())))
    return np.array([[name in equal[text] for name in names] for text in captions.texts])


def measure(
    encoder: Encoder, data: Path, photos: Path, half: str, also: dict[str, list[str]], cache: Path
) -> dict[str, Any]:
    """Figures by language with the shipped calibration, and with the one for encoders that were not measured."""
    settings, whole = load(), load_retrieval(data)
    library = whole.half(half).among(sorted(photos.glob("*.JPEG"))).images
    images = vectors.encode_images(encoder, library, settings, cache).vectors
    sample = images[np.unique(np.linspace(0, len(images) - 1, min(len(images), SAMPLE)).astype(int))]
    names, own = [path.name for path in library], [path.name for path in whole.images]
    result: dict[str, Any] = {"pictures": len(images)}
    for title in ("shipped", "normal tail"):
        found = {}
        for language, captions in whole.captions.items():
            texts = vectors.encode_texts(encoder, captions.texts, cache)
            is_shipped = title == "shipped"
            rules = [
                text_rule(encoder, text, vector) if is_shipped else Rule()
                for text, vector in zip(captions.texts, texts, strict=True)
            ]
            rows = [
                calibrate.judge(images @ vector, sample @ vector, len(images), rule, images.__matmul__)
                for vector, rule in zip(texts, rules, strict=True)
            ]
            found[language] = figures(np.array(rows) >= RELEVANT, fitting(captions, names, own, also))
        keys = next(iter(found.values()))
        mean = {key: round(float(np.mean([one[key] for one in found.values()])), 2) for key in keys}
        result[title] = {"mean": mean, **found}
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    parser = report.parser(__doc__)
    parser.add_argument("captions", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--half", choices=HALVES, default="second")
    parser.add_argument("--also", type=Path)
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--cache", type=Path, default=default_folder())
    given = parser.parse_args(arguments)
    also = json.loads(given.also.read_text(encoding="utf-8")) if given.also else {}
    encoder = registry.create(given.encoder, load())
    own = measure(encoder, given.captions, given.photos, given.half, {}, given.cache)
    document = {"encoder": encoder.name, "half": given.half, "only the own picture is right": own}
    if also:
        document["judged"] = measure(encoder, given.captions, given.photos, given.half, also, given.cache)
    report.publish("relevance", document, small=given.small)


if __name__ == "__main__":
    main()
