"""The report as one JSON document: the contract's figures, and everything else that was measured."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from ...arrays import Floats
from ...data import paths
from .. import ann, diagnostics, metrics, published
from ..retrieval import LanguageResult, RetrievalResult

WORST = 2
"""Failures shown of each language and direction."""

SHOWN = 3
"""What was found instead, shown of each failure."""


def build(result: RetrievalResult, figures: dict[str, Any]) -> dict[str, Any]:
    """The `figures` of `result` as `--json` prints them, `{dataset, encoder, images, texts, languages, mean}`, then:

    `fingerprint`; `chance` by language and direction; `failures: [{path, reason}]`; `hubness` by language, of pictures
    and texts; `consistency: {languages, pairs, mean}`; `relevance_cut` by language; `ann: {recall, queries, vectors}`;
    `published: [{language, method, …, largest_difference, agrees}]`; `worst: {text_to_image, image_to_text}`.
    docs/evaluation.md explains each.
    """
    return {
        **figures,
        "fingerprint": result.fingerprint,
        "chance": {language: _rounded(one.chance) for language, one in result.languages.items()},
        "failures": [{"path": failure.path, "reason": failure.reason} for failure in result.failures],
        "hubness": {language: _hubness(one, result) for language, one in result.languages.items()},
        "consistency": _rounded(asdict(diagnostics.consistency(result)), 4),
        "relevance_cut": {language: _cuts(one, result) for language, one in result.languages.items()},
        "ann": _rounded(asdict(ann.measure(_all_texts(result), result.images)), 4),
        "published": beside(figures),
        "worst": {
            "text_to_image": [case for language in result.languages for case in _worst_texts(result, language)],
            "image_to_text": [case for language in result.languages for case in _worst_images(result, language)],
        },
    }


def beside(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Published rows that the `figures` can be put beside: none if a picture was left out.

    `largest_difference` in points; `agrees` is None unless the row is of the encoder's own weights.
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
                    "agrees": difference <= published.TOLERANCE if row.is_of(figures["encoder"]) else None,
                }
            )
    return rows


def _hubness(one: LanguageResult, result: RetrievalResult) -> dict[str, Any]:
    as_answers = {
        "images": diagnostics.hubness(one.texts, result.images),
        "texts": diagnostics.hubness(result.images[one.captioned], one.texts),
    }
    return {kind: _rounded(asdict(found), 4) for kind, found in as_answers.items()}


def _cuts(one: LanguageResult, result: RetrievalResult) -> list[dict[str, Any]]:
    found = diagnostics.relevance_cuts(one.texts, result.images, one.right_images, curve=result.text_curve)
    return [_rounded(asdict(cut), 4) for cut in found]


def _all_texts(result: RetrievalResult) -> Floats:
    return np.concatenate([one.texts for one in result.languages.values()])


def _worst_texts(result: RetrievalResult, language: str) -> list[dict[str, Any]]:
    """Captions whose picture came last: `{language, text, rank, of, image, found: [paths]}`."""
    one = result.languages[language]
    captions = result.data.captions[language]
    ranks = one.to_image.ranks()
    cases = []
    for number in _worst(ranks):
        _, best = metrics.top(one.texts[number : number + 1], result.images, SHOWN)
        cases.append(
            {
                "language": language,
                "text": captions.texts[number],
                "rank": round(float(ranks[number]), 1),
                "of": one.to_image.items,
                "image": _path(result, captions.owners[number]),
                "found": [_path(result, int(place)) for place in best[0]],
            }
        )
    return cases


def _worst_images(result: RetrievalResult, language: str) -> list[dict[str, Any]]:
    """Pictures whose caption came last: `{language, image, rank, of, texts: its captions, found: [texts]}`."""
    one = result.languages[language]
    captions = result.data.captions[language]
    ranks = one.to_text.ranks()
    cases = []
    for number in _worst(ranks):
        image = int(one.captioned[number])
        _, best = metrics.top(result.images[image : image + 1], one.texts, SHOWN)
        own = [text for text, owner in zip(captions.texts, captions.owners, strict=True) if owner == image]
        cases.append(
            {
                "language": language,
                "image": _path(result, image),
                "rank": round(float(ranks[number]), 1),
                "of": one.to_text.items,
                "texts": own,
                "found": [captions.texts[int(place)] for place in best[0]],
            }
        )
    return cases


def _worst(ranks: metrics.Doubles) -> list[int]:
    """Numbers of the queries with the worst ranks, worst first; none that came first."""
    order = np.argsort(-ranks, kind="stable")[:WORST]
    return [int(number) for number in order if ranks[number] > 1]


def _path(result: RetrievalResult, number: int) -> str:
    return paths.display(os.fsencode(result.data.images[number].absolute()))


def _rounded(value: Any, digits: int = 2) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item, digits) for item in value]
    return round(value, digits) if isinstance(value, float) else value
