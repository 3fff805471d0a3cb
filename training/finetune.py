"""Fine-tuning to labelled pictures: each goes with its class's name in a prompt.

FOLDER/CLASS/… or CIFAR-10 -> (picture, class) -> prompt in one of the languages -> contrastive loss
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..arrays import Floats
from ..config import LANGUAGES, Settings
from ..datasets import cifar10, imagefolder, prompts
from ..datasets.reading import LONGEST_CAPTION, check_languages
from ..datasets.sets import ClassificationSet, Pixels, Source
from ..encoders import registry
from ..errors import DataError
from ..evaluation import vectors, zeroshot
from ..evaluation.cache import default_folder
from ..indexer.run.stop import Stop
from ..progress import Progress, silent
from ..search.query.normalise import normalise
from . import models, output, selection
from .checkpoints import RunFolder
from .contrastive import ContrastiveTask, Example
from .live import LiveEncoder
from .loop import run, seed_epoch
from .models import DualModel
from .options import HELD_OUT, FinetuneOptions, Result
from .pictures import Preparation
from .processes import Processes, join
from .schedule import bound

CIFAR10 = "cifar10:"
"""What stands before the folder of CIFAR-10's published files."""


@dataclass(frozen=True)
class Prompts:
    """The prompts of each class in one language."""

    language: str
    names: tuple[prompts.Names, ...]
    templates: tuple[str, ...]


@dataclass(frozen=True)
class Labelled:
    """The pictures to train on. Implements `Examples`; the group of an example is its class."""

    data: ClassificationSet
    prompts: tuple[Prompts, ...]
    options: FinetuneOptions

    @property
    def pictures(self) -> Sequence[Source]:
        """The pictures."""
        return self.data.images

    def sizes(self) -> Sequence[int]:
        """Every picture in every epoch."""
        return (len(self.data.images),) * self.options.epochs

    def epoch(self, number: int) -> Iterator[Example]:
        """All pictures in an order of the epoch's own, each with a prompt that is drawn."""
        generator = seed_epoch(self.options.seed, number)
        order = list(range(len(self.data.images)))
        generator.shuffle(order)
        for picture in order:
            label = self.data.labels[picture]
            chosen = generator.choice(self.prompts)
            text = chosen.names[label].fill(generator.choice(chosen.templates))
            yield Example(picture, label, normalise(text, LONGEST_CAPTION))


def finetune(
    encoder: str,
    data: str,
    folder: Path,
    options: FinetuneOptions,
    settings: Settings,
    *,
    validation: Path | None = None,
    cache: Path | None = None,
    progress: Progress = silent,
    image_progress: Progress = silent,
    stop: Stop | None = None,
) -> Result:
    """Train the dual encoder `encoder` on the labelled pictures `data`: a folder of class folders, or `cifar10:DIR`.

    Writes the checkpoint that classifies what is held out best to `folder`. Raises as `align`.
    """
    processes = join(settings)
    run_folder = RunFolder(folder)
    described = {"kind": "finetune", "encoder": encoder, "data": data}
    run_folder.check({**described, **options.comparable()}, resume=options.resume)
    training, held_out = _load(data, validation, options)
    class_prompts = _prompts(training, options)
    checkpoint = models.find_checkpoint(encoder, settings)
    fixed = None
    if options.towers == "text":
        fixed = _encode_once(encoder, training, settings, cache or default_folder(), image_progress)
    bounded, plan, note = bound(options, Labelled(training, class_prompts, options).sizes(), "pictures")
    dual = models.load(checkpoint)
    selection.prepare(dual, bounded, processes.device, with_scale=True)
    if processes.rank == 0:
        run_folder.create({**described, **options.comparable()})
    preparation = Preparation(checkpoint, settings)
    with tempfile.TemporaryDirectory(prefix="polyglance-") as scratch:
        measure = _Measure(dual, preparation, held_out, class_prompts, bounded, settings, Path(scratch), processes)
        task = ContrastiveTask(
            "finetune",
            "pictures",
            "acc1",
            dual,
            Labelled(training, class_prompts, bounded),
            bounded,
            processes,
            preparation,
            measure,
            fixed,
        )
        result = run(task, bounded, plan, run_folder, processes, progress, stop, tuple(filter(None, [note])))
    if processes.rank == 0:
        facts = {**described, "pictures": len(training.images), "classes": len(training.classes)}
        output.write(dual, result, bounded, {**facts, "held out": f"{len(held_out.images)} pictures"})
    return result


class _Measure:
    """Zero-shot accuracies of the model in training, by language, percent."""

    def __init__(
        self,
        dual: DualModel,
        preparation: Preparation,
        data: ClassificationSet,
        class_prompts: tuple[Prompts, ...],
        options: FinetuneOptions,
        settings: Settings,
        scratch: Path,
        processes: Processes,
    ) -> None:
        self._dual, self._preparation, self._data, self._prompts = dual, preparation, data, class_prompts
        self._options, self._settings, self._scratch, self._processes = options, settings, scratch, processes
        self._count = 0

    def __call__(self) -> dict[str, float]:
        self._count += 1
        trains_images = self._options.towers != "text"
        live = LiveEncoder(
            self._dual, self._preparation, self._processes.device, self._count, trains_images=trains_images
        )
        scores = {}
        for each in self._prompts:
            found = zeroshot.evaluate(live, self._data, each.names, each.templates, self._settings, self._scratch)
            scores[f"{each.language} acc1"] = 100 * found.acc1
        return {"acc1": sum(scores.values()) / len(scores), **(scores if len(scores) > 1 else {})}


def _load(data: str, validation: Path | None, options: FinetuneOptions) -> tuple[ClassificationSet, ClassificationSet]:
    """(training, held out). CIFAR-10's test split validates. Raises DataMissing, DataError."""
    if data.startswith(CIFAR10):
        folder = Path(data.removeprefix(CIFAR10))
        return cifar10.load(folder, "train"), cifar10.load(validation or folder, "test")
    full = imagefolder.load("imagefolder", Path(data))
    if validation is None:
        return split(full, options.held_out)
    held_out = imagefolder.load("imagefolder", validation)
    if held_out.classes != full.classes:
        differing = sorted(set(held_out.classes) ^ set(full.classes))[0]
        raise DataError(f"{validation} and {data} have other classes: {differing}.", "Both need the same folders.")
    return full, held_out


def split(data: ClassificationSet, part: float) -> tuple[ClassificationSet, ClassificationSet]:
    """Hold out a `part` of each class's pictures, at least one if there are two; drawn by their names' hashes."""
    by_class: dict[int, list[int]] = defaultdict(list)
    for number, label in enumerate(data.labels):
        by_class[label].append(number)
    limit = max(1, HELD_OUT // len(by_class))
    held_out: list[int] = []
    training: list[int] = []
    for numbers in by_class.values():
        ordered = sorted(numbers, key=lambda number: _hash(data.images[number]))
        count = min(limit, max(1, int(len(ordered) * part))) if len(ordered) > 1 and part else 0
        held_out += ordered[:count] or ordered[:1]
        training += ordered[count:]
    return _subset(data, sorted(training)), _subset(data, sorted(held_out))


def _subset(data: ClassificationSet, numbers: Sequence[int]) -> ClassificationSet:
    images = tuple(data.images[number] for number in numbers)
    return replace(data, images=images, labels=tuple(data.labels[number] for number in numbers))


def _prompts(data: ClassificationSet, options: FinetuneOptions) -> tuple[Prompts, ...]:
    """The prompts in each language of the options. Raises UsageError, DataMissing, DataError."""
    languages = check_languages(options.languages, LANGUAGES, "among the prompts")
    return tuple(
        Prompts(
            language,
            prompts.read_class_names(options.classes, data.classes)
            if options.classes
            else prompts.class_names(data.name, data.classes, language),
            prompts.templates(data.name, language),
        )
        for language in languages
    )


def _encode_once(encoder: str, data: ClassificationSet, settings: Settings, cache: Path, progress: Progress) -> Floats:
    """Vectors of the pictures to train on. Raises DataError, EncoderError."""
    instance = registry.create(registry.resolve(encoder, settings), settings)
    encoded = vectors.encode_images(instance, data.images, settings, cache, progress)
    for failure in encoded.failures:
        raise DataError(f"{failure.path} cannot be read: {failure.reason}", "Mend it or take it out.")
    return encoded.vectors


def _hash(source: Source) -> bytes:
    name = source.name if isinstance(source, Pixels) else f"{source.parent.name}/{source.name}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
