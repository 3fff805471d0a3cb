"""Retrieval in every language: captions find their pictures, pictures find their captions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..config import Settings
from ..datasets.reading import check_languages
from ..datasets.sets import Captions, RetrievalSet
from ..encoders.base import Curve, Encoder
from ..errors import DataError, DataMissing
from . import metrics, vectors
from .metrics import CUTS, Relevance, Standing
from .vectors import Failure, Progress

NAMED = 3
"""How many missing pictures an error names."""


@dataclass(frozen=True)
class LanguageResult:
    """One language: its texts' vectors (t, d), where right items stand both ways, and what chance would give.

    `captioned` are the numbers of the pictures that have a caption in the language: the queries from picture to text.
    """

    texts: Floats
    captioned: npt.NDArray[np.int64]
    to_image: Standing
    to_text: Standing
    right_images: Relevance
    right_texts: Relevance

    @property
    def chance(self) -> dict[str, dict[str, float]]:
        """Both directions' R@k, percent, of an encoder that knows nothing."""
        return {
            "text_to_image": metrics.chance(self.right_images, self.to_image.items),
            "image_to_text": metrics.chance(self.right_texts, self.to_text.items),
        }


@dataclass(frozen=True)
class RetrievalResult:
    """What an encoder does on a retrieval set. `data` is what was measured, without the pictures of `failures`."""

    data: RetrievalSet
    encoder: str
    fingerprint: str
    images: Floats
    languages: dict[str, LanguageResult]
    failures: tuple[Failure, ...]
    text_curve: Curve | None = None
    """The encoder's, which the relevance cut is measured with."""


def evaluate(
    encoder: Encoder,
    data: RetrievalSet,
    settings: Settings,
    cache: Path,
    *,
    languages: Sequence[str] = (),
    allow_missing: bool = False,
    image_progress: Progress = vectors.silent,
    text_progress: Progress = vectors.silent,
) -> RetrievalResult:
    """Encode the set and rank it both ways, in all its languages or in `languages`.

    Raises UsageError (a language the set lacks), DataMissing or DataError (pictures missing or unreadable without
    `allow_missing`, nothing left), EncoderError.
    """
    if languages:
        data = data.only(check_languages(languages, list(data.captions), f"in {data.name}"))
    absent = [
        Failure(number, vectors.display(path), "is not there")
        for number, path in enumerate(data.images)
        if not os.path.exists(path)  # unlike Path.exists, False for a name too long
    ]
    if absent and not allow_missing:
        raise DataMissing(missing_message(absent, len(data.images)), "Put them there, or go on with --allow-missing.")
    there = [number for number in range(len(data.images)) if number not in {failure.number for failure in absent}]
    encoded = vectors.encode_images(encoder, [data.images[n] for n in there], settings, cache, image_progress)
    unreadable = [Failure(there[failure.number], failure.path, failure.reason) for failure in encoded.failures]
    if unreadable and not allow_missing:
        raise DataError(
            missing_message(unreadable, len(data.images), "cannot be read"), "Mend them, or go on with --allow-missing."
        )
    failures = sorted([*absent, *unreadable], key=lambda failure: failure.number)
    kept = data.without({failure.number for failure in failures})
    _check_left(kept, data)
    texts = [text for captions in kept.captions.values() for text in captions.texts]
    found = vectors.encode_texts(encoder, texts, cache, text_progress)
    results: dict[str, LanguageResult] = {}
    for language, captions in kept.captions.items():
        own, found = found[: len(captions.texts)], found[len(captions.texts) :]
        results[language] = rank(encoded.vectors, own, captions, shared=kept.shared)
    digest, curve = encoder.fingerprint.digest, encoder.card.text_curve
    return RetrievalResult(kept, encoder.name, digest, encoded.vectors, results, tuple(failures), curve)


def rank(images: Floats, texts: Floats, captions: Captions, *, shared: bool = False) -> LanguageResult:
    """Both directions for the vectors of pictures (n, d) and of one language's captions (t, d)."""
    right_images, right_texts, captioned = relevance(captions, shared)
    return LanguageResult(
        texts,
        captioned,
        metrics.standing(texts, images, right_images),
        metrics.standing(images[captioned], texts, right_texts),
        right_images,
        right_texts,
    )


def relevance(captions: Captions, shared: bool) -> tuple[Relevance, Relevance, npt.NDArray[np.int64]]:
    """(right pictures of each text, right texts of each captioned picture, numbers of the captioned pictures).

    A text's picture is the one it was written for; with `shared`, also those that another equal text was written for.
    """
    captioned = np.unique(captions.owner_array)
    if not shared:
        order = np.argsort(captions.owner_array, kind="stable")
        starts = np.append(np.searchsorted(captions.owner_array[order], captioned), len(order))
        return Relevance.single(captions.owner_array), Relevance(starts.astype(np.int64), order), captioned
    equal: dict[str, list[int]] = {}
    own: dict[int, list[int]] = {}
    for number, (text, owner) in enumerate(zip(captions.texts, captions.owners, strict=True)):
        equal.setdefault(text, []).append(number)
        own.setdefault(owner, []).append(number)
    images = [sorted({captions.owners[number] for number in equal[text]}) for text in captions.texts]
    texts = [
        sorted({other for number in own[int(image)] for other in equal[captions.texts[number]]}) for image in captioned
    ]
    return Relevance.of(images), Relevance.of(texts), captioned


def missing_message(failures: Sequence[Failure], total: int, what: str = "are missing") -> str:
    """One line that counts the pictures that failed and names the first."""
    named = ", ".join(failure.path for failure in failures[:NAMED])
    more = " …" if len(failures) > NAMED else ""
    return f"{len(failures)} of {total} pictures {what}: {named}{more}."


Figures: TypeAlias = dict[str, dict[str, float]]
"""`{"text_to_image": {"R@1", …}, "image_to_text": {…}}` in percent, not rounded."""


def figures(found: LanguageResult) -> Figures:
    """Both directions' R@k, percent, not rounded."""
    return {"text_to_image": metrics.recalls(found.to_image), "image_to_text": metrics.recalls(found.to_text)}


def mean_figures(several: Sequence[Figures]) -> Figures:
    """The mean over languages."""
    return {
        way: {f"R@{cut}": float(np.mean([one[way][f"R@{cut}"] for one in several])) for cut in CUTS}
        for way in ("text_to_image", "image_to_text")
    }


def mean_recall(one: Figures) -> float:
    """MR: the mean of the six recalls."""
    return float(np.mean([value for way in one.values() for value in way.values()]))


def _check_left(kept: RetrievalSet, data: RetrievalSet) -> None:
    if not kept.images:
        raise DataMissing(f"None of the {len(data.images)} pictures is left.", "Name their folder with --images.")
    for language, captions in kept.captions.items():
        if not captions.texts:
            raise DataError(f"No caption in {language} is left.", "Leave the language out with --languages.")
