"""Stage 2: the text tower learns from captioned pictures, while the image tower stays as it is.

PAIRS.jsonl -> pictures -> vectors (the library's cache, once)   captions -> text tower -> contrastive loss
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..config import Settings
from ..datasets import jsonl
from ..datasets.reading import find_line, locate, read_json_lines, read_text
from ..datasets.sets import RetrievalSet
from ..encoders import registry
from ..errors import DataError, DataMissing
from ..evaluation import retrieval, vectors
from ..evaluation.cache import default_folder
from ..evaluation.vectors import Failure
from ..indexer.run.stop import Stop
from ..progress import Progress, silent
from . import models, output, selection
from .accumulation import micro_batches
from .checkpoints import RunFolder
from .contrastive import ContrastiveTask, Example
from .live import LiveEncoder
from .loop import run, seed_epoch
from .models import DualModel
from .options import HELD_OUT, AlignOptions, Result
from .pictures import Preparation
from .processes import Processes, join
from .schedule import bound

HELD_OUT_MARK = "held-out"
"""The value of `split` of a line of a pair file whose picture validates."""


PICTURE_BATCH = 32


@dataclass(frozen=True)
class Captioned:
    """The captions to train on. Implements `Examples`; each caption is an example, its picture is its group."""

    data: RetrievalSet
    options: AlignOptions

    @property
    def pictures(self) -> Sequence[Path]:
        """The files."""
        return self.data.images

    def sizes(self) -> Sequence[int]:
        """Every caption in every epoch."""
        return (self.data.texts,) * self.options.epochs

    def epoch(self, number: int) -> Iterator[Example]:
        """All captions in an order of the epoch's own."""
        examples = [
            Example(owner, owner, text)
            for captions in self.data.captions.values()
            for text, owner in zip(captions.texts, captions.owners, strict=True)
        ]
        seed_epoch(self.options.seed, number).shuffle(examples)
        return iter(examples)


def align(
    encoder: str,
    pairs: Path,
    folder: Path,
    options: AlignOptions,
    settings: Settings,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
    image_progress: Progress = silent,
    stop: Stop | None = None,
) -> Result:
    """Train the towers that `options` name of the dual encoder `encoder` on the captioned pictures of `pairs`.

    With a frozen image tower its vectors are computed once, in the cache of evaluations or in the folder `cache`.
    Writes a checkpoint to `folder`. Raises UsageError, DataMissing, DataError, EncoderError, TrainingError, DiskFull,
    Stopped.
    """
    processes = join(settings)
    run_folder = RunFolder(folder)
    described = {"kind": "align", "encoder": encoder, "data": str(pairs)}
    run_folder.check({**described, **options.comparable()}, resume=options.resume)
    training, held_out = split_pairs(pairs, options)
    checkpoint = models.find_checkpoint(encoder, settings)
    fixed: tuple[Floats, Floats] | None = None
    if options.towers == "text":
        fixed = _encode_once(encoder, pairs, training, held_out, settings, cache or default_folder(), image_progress)
    bounded, plan, note = bound(options, Captioned(training, options).sizes(), "captions")
    dual = models.load(checkpoint)
    selection.prepare(dual, bounded, processes.device, with_scale=True)
    if processes.rank == 0:
        run_folder.create({**described, **options.comparable()})
    preparation = Preparation(checkpoint, settings)
    task = ContrastiveTask(
        "align",
        "captions",
        "MR",
        dual,
        Captioned(training, bounded),
        bounded,
        processes,
        preparation,
        lambda: measure(dual, preparation, held_out, fixed[1] if fixed else None, processes),
        fixed[0] if fixed else None,
    )
    result = run(task, bounded, plan, run_folder, processes, progress, stop, tuple(filter(None, [note])))
    if processes.rank == 0:
        languages = ", ".join(f"{len(each.texts)} {code}" for code, each in training.captions.items())
        facts = {**described, "pictures": len(training.images), "captions": f"{training.texts} ({languages})"}
        output.write(dual, result, bounded, {**facts, "held out": f"{len(held_out.images)} pictures"})
    return result


def split_pairs(path: Path, options: AlignOptions) -> tuple[RetrievalSet, RetrievalSet]:
    """(pictures to train on, pictures that validate) of a pair file.

    Those marked `"split": "held-out"` validate; if none is, a share of them is drawn by the hash of their names, the
    same ones every time. Raises DataMissing, DataError, also if a picture is missing.
    """
    data = jsonl.load(path)
    rows = [row for _, row in read_json_lines(path)]
    for number, file in enumerate(data.images):
        if not os.path.exists(file):
            raise DataMissing(f"{_locate(path, rows[number]['image'])}: there is no picture {vectors.display(file)}.")
    marked = {number for number, row in enumerate(rows) if row.get("split") == HELD_OUT_MARK}
    if not marked:
        count = min(HELD_OUT, int(len(rows) * options.held_out))
        order = sorted(range(len(rows)), key=lambda number: _hash(rows[number]["image"]))
        marked = set(order[:count])
    training, held_out = data.without(marked), data.without(set(range(len(rows))) - marked)
    if not training.texts:
        raise DataError(f"{path} has no captions to train on.", "Give more pictures.")
    return training, held_out


def measure(
    dual: DualModel, preparation: Preparation, data: RetrievalSet, images: Floats | None, processes: Processes
) -> dict[str, float]:
    """R@k from text to picture by language, percent, and MR: the mean of all recalls in both directions."""
    if not data.images:
        return {}
    live = LiveEncoder(dual, preparation, processes.device, 0, trains_images=images is None)
    if images is None:
        parts = [live.encode_images(preparation.read(part)) for part in micro_batches(data.images, PICTURE_BATCH)]
        images = np.concatenate(parts)
    figures = {}
    for language, captions in data.captions.items():
        if captions.texts:
            ranked = retrieval.rank(images, live.encode_texts(captions.texts), captions, shared=data.shared)
            figures[language] = retrieval.figures(ranked)
    mean = retrieval.mean_figures(list(figures.values()))
    scores = {"MR": retrieval.mean_recall(mean)}
    for language, table in [*figures.items(), ("mean", mean)]:
        scores |= {f"{language} {cut}": value for cut, value in table["text_to_image"].items()}
    return scores


def _encode_once(
    encoder: str,
    pairs: Path,
    training: RetrievalSet,
    held_out: RetrievalSet,
    settings: Settings,
    cache: Path,
    progress: Progress,
) -> tuple[Floats, Floats]:
    """Vectors of the pictures to train on and of those that validate. Raises DataError, EncoderError."""
    instance = registry.create(registry.resolve(encoder, settings), settings)
    files = [*training.images, *held_out.images]
    encoded = vectors.encode_images(instance, files, settings, cache, progress)
    for failure in encoded.failures:
        raise _unreadable(pairs, files, failure)
    return encoded.vectors[: len(training.images)], encoded.vectors[len(training.images) :]


def _unreadable(pairs: Path, files: Sequence[Path], failure: Failure) -> DataError:
    name = next(
        (row["image"] for _, row in read_json_lines(pairs) if pairs.parent / row["image"] == files[failure.number]), ""
    )
    return DataError(
        f"{_locate(pairs, name)}: {failure.path} cannot be read: {failure.reason}", "Mend it or take it out."
    )


def _locate(path: Path, name: str) -> str:
    """The place of a picture's line."""
    text = read_text(path)
    spelled = next((each for each in (json.dumps(name, ensure_ascii=False), json.dumps(name)) if each in text), name)
    return locate(path, find_line(text, spelled))


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
