"""Zero-shot classification: a picture is assigned to the class whose texts are nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..config import Settings
from ..datasets.prompts import Names
from ..datasets.reading import LONGEST_CAPTION
from ..datasets.sets import ClassificationSet
from ..encoders.base import Encoder
from ..errors import DataError
from ..progress import Progress, silent
from ..search.query.normalise import normalise
from . import metrics, vectors
from .retrieval import missing_message
from .vectors import Failure


@dataclass(frozen=True)
class ZeroShotResult:
    """Fractions, 0 to 1. `acc5` is None if there are fewer than five classes; AltCLIP's script writes NaN then."""

    dataset: str
    acc1: float
    acc5: float | None
    mean_per_class_recall: float
    images: int
    failures: tuple[Failure, ...]


def class_vectors(
    encoder: Encoder,
    names: Sequence[Names],
    templates: Sequence[str],
    cache: Path,
    progress: Progress = silent,
) -> Floats:
    """Unit vectors (classes, d): the normalised mean of each class's text vectors over the templates.

    This is CLIP's prompt ensemble (arXiv 2103.00020, 3.1.4). Raises QueryError if a text is invalid, and EncoderError.
    """
    texts = [normalise(name.fill(template), LONGEST_CAPTION) for name in names for template in templates]
    text_vectors = vectors.encode_texts(encoder, texts, cache, progress)
    means = text_vectors.reshape(len(names), len(templates), -1).mean(axis=1, dtype=np.float64)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def evaluate(
    encoder: Encoder,
    data: ClassificationSet,
    names: Sequence[Names],
    templates: Sequence[str],
    settings: Settings,
    cache: Path,
    *,
    allow_missing: bool = False,
    image_progress: Progress = silent,
    text_progress: Progress = silent,
) -> ZeroShotResult:
    """Classify every picture of the set. `names[i]` is the name of class i.

    Raises DataError if a picture is unreadable without `allow_missing`, or a class has no readable picture;
    EncoderError.
    """
    classes = class_vectors(encoder, names, templates, cache, text_progress)
    encoded = vectors.encode_images(encoder, data.images, settings, cache, image_progress)
    if encoded.failures and not allow_missing:
        raise DataError(
            missing_message(encoded.failures, len(data.images), "cannot be read"),
            "Mend them, or go on with --allow-missing.",
        )
    failed = {failure.number for failure in encoded.failures}
    labels = np.array([label for number, label in enumerate(data.labels) if number not in failed], np.int64)
    counts = np.bincount(labels, minlength=len(data.classes))
    if not counts.all():
        raise DataError(f"The class {data.classes[int(counts.argmin())]!r} has no picture that can be read.")
    scores = encoded.vectors @ classes.T
    acc1, acc5 = metrics.accuracies(scores, labels)
    return ZeroShotResult(
        data.name,
        acc1,
        acc5 if len(data.classes) >= 5 else None,
        metrics.mean_per_class_recall(scores, labels),
        len(labels),
        encoded.failures,
    )
