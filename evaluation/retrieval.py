"""Retrieval in every language: from captions to their pictures, and from pictures to their captions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..config import Settings
from ..datasets.reading import check_languages
from ..datasets.sets import Captions, RetrievalSet
from ..encoders import calibrations
from ..encoders.base import Encoder
from ..errors import DataError, DataMissing
from ..progress import Progress, silent
from ..search.ranking.calibrate import Rule, text_rule
from . import metrics, vectors
from .metrics import CUTS, RelevantItems, Standing
from .vectors import Failure

MAX_NAMED = 3
"""The number of missing pictures that an error names."""


@dataclass(frozen=True)
class LanguageResult:
    """The result for one language: its texts' vectors (t, d), and the ranks of the right items in both directions.

    `captioned` are the numbers of the pictures with a caption in the language: the queries from picture to text.
    """

    texts: Floats
    captioned: npt.NDArray[np.int64]
    to_image: Standing
    to_text: Standing
    right_images: RelevantItems
    right_texts: RelevantItems
    rules: tuple[Rule, ...] = ()
    """The rule from scores to relevances of each text, for measuring the relevance cut."""

    @property
    def chance(self) -> dict[str, dict[str, float]]:
        """R@k of random scores in both directions, percent."""
        return {
            "text_to_image": metrics.chance(self.right_images, self.to_image.items),
            "image_to_text": metrics.chance(self.right_texts, self.to_text.items),
        }


@dataclass(frozen=True)
class RetrievalResult:
    """The result of an encoder on a retrieval set. `data` is the measured set, without the pictures of `failures`."""

    data: RetrievalSet
    encoder: str
    fingerprint: str
    images: Floats
    languages: dict[str, LanguageResult]
    failures: tuple[Failure, ...]


def evaluate(
    encoder: Encoder,
    data: RetrievalSet,
    settings: Settings,
    cache: Path,
    *,
    languages: Sequence[str] = (),
    allow_missing: bool = False,
    image_progress: Progress = silent,
    text_progress: Progress = silent,
) -> RetrievalResult:
    """Encode the set and rank it in both directions, in all its languages or in `languages`.

    Raises UsageError if the set lacks a language; DataMissing or DataError if pictures are missing or unreadable
    without `allow_missing`, or none is left; EncoderError.
    """
    if languages:
        data = data.only(check_languages(languages, list(data.captions), f"in {data.name}"))
    missing = [
        Failure(number, vectors.display(path), "is not there")
        for number, path in enumerate(data.images)
        if not os.path.exists(path)  # unlike Path.exists, it is False if a name is too long
    ]
    if missing and not allow_missing:
        raise DataMissing(missing_message(missing, len(data.images)), "Put them there, or go on with --allow-missing.")
    present = [number for number in range(len(data.images)) if number not in {failure.number for failure in missing}]
    encoded = vectors.encode_images(encoder, [data.images[n] for n in present], settings, cache, image_progress)
    unreadable = [Failure(present[failure.number], failure.path, failure.reason) for failure in encoded.failures]
    if unreadable and not allow_missing:
        raise DataError(
            missing_message(unreadable, len(data.images), "cannot be read"), "Mend them, or go on with --allow-missing."
        )
    failures = sorted([*missing, *unreadable], key=lambda failure: failure.number)
    kept = data.without({failure.number for failure in failures})
    _check_not_empty(kept, data)
    texts = [text for captions in kept.captions.values() for text in captions.texts]
    text_vectors = vectors.encode_texts(encoder, texts, cache, text_progress)
    fitted = calibrations.read(settings.calibrations, encoder.fingerprint)
    results: dict[str, LanguageResult] = {}
    for language, captions in kept.captions.items():
        language_vectors, text_vectors = text_vectors[: len(captions.texts)], text_vectors[len(captions.texts) :]
        ranked = rank(encoded.vectors, language_vectors, captions, shared=kept.shared)
        texts_and_vectors = zip(captions.texts, language_vectors, strict=True)
        rules = tuple(text_rule(encoder, text, vector, fitted) for text, vector in texts_and_vectors)
        results[language] = replace(ranked, rules=rules)
    digest = encoder.fingerprint.text_digest
    return RetrievalResult(kept, encoder.name, digest, encoded.vectors, results, tuple(failures))


def rank(images: Floats, texts: Floats, captions: Captions, *, shared: bool = False) -> LanguageResult:
    """Rank the vectors of pictures (n, d) and of one language's captions (t, d) in both directions."""
    right_images, right_texts, captioned = relevance(captions, shared)
    return LanguageResult(
        texts,
        captioned,
        metrics.standing(texts, images, right_images),
        metrics.standing(images[captioned], texts, right_texts),
        right_images,
        right_texts,
    )


def relevance(captions: Captions, shared: bool) -> tuple[RelevantItems, RelevantItems, npt.NDArray[np.int64]]:
    """(right pictures of each text, right texts of each captioned picture, numbers of the captioned pictures).

    A text's right picture is the one it was written for; with `shared`, also those that an equal text was written for.
    """
    captioned = np.unique(captions.owner_array)
    if not shared:
        order = np.argsort(captions.owner_array, kind="stable")
        starts = np.append(np.searchsorted(captions.owner_array[order], captioned), len(order))
        return RelevantItems.from_items(captions.owner_array), RelevantItems(starts.astype(np.int64), order), captioned
    numbers_of_text: dict[str, list[int]] = {}
    texts_of_image: dict[int, list[int]] = {}
    for number, (text, owner) in enumerate(zip(captions.texts, captions.owners, strict=True)):
        numbers_of_text.setdefault(text, []).append(number)
        texts_of_image.setdefault(owner, []).append(number)
    images = [sorted({captions.owners[number] for number in numbers_of_text[text]}) for text in captions.texts]
    texts = [
        sorted({n for number in texts_of_image[int(image)] for n in numbers_of_text[captions.texts[number]]})
        for image in captioned
    ]
    return RelevantItems.from_lists(images), RelevantItems.from_lists(texts), captioned


def missing_message(failures: Sequence[Failure], total: int, problem: str = "are missing") -> str:
    """One line with the number of the pictures that failed and the names of the first."""
    names = ", ".join(failure.path for failure in failures[:MAX_NAMED])
    more = " …" if len(failures) > MAX_NAMED else ""
    return f"{len(failures)} of {total} pictures {problem}: {names}{more}."


Figures: TypeAlias = dict[str, dict[str, float]]
"""`{"text_to_image": {"R@1", …}, "image_to_text": {…}}` in percent, not rounded."""


def figures(ranking: LanguageResult) -> Figures:
    """Both directions' R@k, percent, not rounded."""
    return {"text_to_image": metrics.recalls(ranking.to_image), "image_to_text": metrics.recalls(ranking.to_text)}


def mean_figures(all_figures: Sequence[Figures]) -> Figures:
    """The mean over several languages."""
    return {
        way: {f"R@{cut}": float(np.mean([figures[way][f"R@{cut}"] for figures in all_figures])) for cut in CUTS}
        for way in ("text_to_image", "image_to_text")
    }


def mean_recall(figures: Figures) -> float:
    """MR: the mean of the six recalls."""
    return float(np.mean([value for way in figures.values() for value in way.values()]))


def _check_not_empty(kept: RetrievalSet, data: RetrievalSet) -> None:
    if not kept.images:
        raise DataMissing(f"None of the {len(data.images)} pictures is left.", "Name their folder with --images.")
    for language, captions in kept.captions.items():
        if not captions.texts:
            raise DataError(f"No caption in {language} is left.", "Leave the language out with --languages.")
