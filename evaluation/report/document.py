"""The report as one JSON document: the figures that `--json` prints, and the diagnostics."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from ...arrays import Floats
from ...data import paths
from .. import ann, diagnostics, metrics, published
from ..retrieval import LanguageResult, RetrievalResult

MAX_CASES = 2
"""The number of worst queries for each language and direction."""

MAX_RESULTS = 3
"""The number of results that are listed for each of them."""


def build(result: RetrievalResult, figures: dict[str, Any]) -> dict[str, Any]:
    """Build the document: first `figures`, as `--json` prints them (`dataset` to `mean`), then the following fields.

    `fingerprint`; `chance` by language and direction; `failures: [{path, reason}]`; `hubness` by language, of
    pictures and texts; `consistency: {languages, pairs, mean}`; `relevance_cut` by language; `ann: {recall, queries,
    vectors}`; `published: [{language, method, …, largest_difference, agrees}]`; `worst: {text_to_image,
    image_to_text}`. docs/evaluation.md explains each.
    """
    return {
        **figures,
        "fingerprint": result.fingerprint,
        "chance": {language: _round(ranking.chance) for language, ranking in result.languages.items()},
        "failures": [{"path": failure.path, "reason": failure.reason} for failure in result.failures],
        "hubness": {language: _measure_hubness(ranking, result) for language, ranking in result.languages.items()},
        "consistency": _round(asdict(diagnostics.consistency(result)), 4),
        "relevance_cut": {language: _measure_cuts(ranking, result) for language, ranking in result.languages.items()},
        "ann": _round(asdict(ann.measure(_all_texts(result), result.images)), 4),
        "published": compare_published(figures),
        "worst": {
            "text_to_image": [case for language in result.languages for case in _worst_text_cases(result, language)],
            "image_to_text": [case for language in result.languages for case in _worst_image_cases(result, language)],
        },
    }


def compare_published(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Published rows that can be compared with `figures`; none if a picture was left out.

    `largest_difference` is in points; `agrees` is None unless the row is for the encoder's weights.
    """
    rows = []
    for language, ours in figures["languages"].items():
        for row in published.for_retrieval(figures["dataset"], language, figures["images"]):
            difference = round(published.agreement(row, ours), 2)
            rows.append(
                {
                    "language": language,
                    "method": row.method,
                    "text_to_image": dict(row.text_to_image),
                    "image_to_text": dict(row.image_to_text),
                    "MR": row.MR,
                    "source": row.source,
                    "largest_difference": difference,
                    "agrees": difference <= published.TOLERANCE if row.is_from(figures["encoder"]) else None,
                }
            )
    return rows


def _measure_hubness(ranking: LanguageResult, result: RetrievalResult) -> dict[str, Any]:
    by_kind = {
        "images": diagnostics.hubness(ranking.texts, result.images),
        "texts": diagnostics.hubness(result.images[ranking.captioned], ranking.texts),
    }
    return {kind: _round(asdict(hubness), 4) for kind, hubness in by_kind.items()}


def _measure_cuts(ranking: LanguageResult, result: RetrievalResult) -> list[dict[str, Any]]:
    cuts = diagnostics.relevance_cuts(ranking.texts, result.images, ranking.right_images, rules=ranking.rules)
    return [_round(asdict(cut), 4) for cut in cuts]


def _all_texts(result: RetrievalResult) -> Floats:
    return np.concatenate([ranking.texts for ranking in result.languages.values()])


def _worst_text_cases(result: RetrievalResult, language: str) -> list[dict[str, Any]]:
    """Captions whose picture has the worst rank: `{language, text, rank, of, image, found: [paths]}`."""
    ranking = result.languages[language]
    captions = result.data.captions[language]
    ranks = ranking.to_image.ranks()
    cases = []
    for number in _worst_queries(ranks):
        _, results = metrics.top(ranking.texts[number : number + 1], result.images, MAX_RESULTS)
        cases.append(
            {
                "language": language,
                "text": captions.texts[number],
                "rank": round(float(ranks[number]), 1),
                "of": ranking.to_image.items,
                "image": _path(result, captions.owners[number]),
                "found": [_path(result, int(image)) for image in results[0]],
            }
        )
    return cases


def _worst_image_cases(result: RetrievalResult, language: str) -> list[dict[str, Any]]:
    """Pictures whose captions have the worst rank: `{language, image, rank, of, texts: captions, found: [texts]}`."""
    ranking = result.languages[language]
    captions = result.data.captions[language]
    ranks = ranking.to_text.ranks()
    cases = []
    for number in _worst_queries(ranks):
        image = int(ranking.captioned[number])
        _, results = metrics.top(result.images[image : image + 1], ranking.texts, MAX_RESULTS)
        texts = [text for text, owner in zip(captions.texts, captions.owners, strict=True) if owner == image]
        cases.append(
            {
                "language": language,
                "image": _path(result, image),
                "rank": round(float(ranks[number]), 1),
                "of": ranking.to_text.items,
                "texts": texts,
                "found": [captions.texts[int(text)] for text in results[0]],
            }
        )
    return cases


def _worst_queries(ranks: metrics.Doubles) -> list[int]:
    """Numbers of the queries with the worst ranks, worst first; without those of rank 1."""
    order = np.argsort(-ranks, kind="stable")[:MAX_CASES]
    return [int(number) for number in order if ranks[number] > 1]


def _path(result: RetrievalResult, number: int) -> str:
    return paths.display(os.fsencode(result.data.images[number].absolute()))


def _round(value: Any, digits: int = 2) -> Any:
    if isinstance(value, dict):
        return {key: _round(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_round(item, digits) for item in value]
    return round(value, digits) if isinstance(value, float) else value
