"""Stage 1: a multilingual text tower learns the vectors of a CLIP's text tower from parallel text alone.

translations -> batch ─┬─ source -> teacher, frozen -> pooled output before the projection ─┐
                       └─ target -> student -> [CLS] -> LayerNorm -> Linear ────────────────┴─ MSE
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..arrays import Floats
from ..config import Settings
from ..datasets.parallel import Corpus, Translation, find_corpora
from ..errors import UsageError
from ..evaluation import metrics
from ..evaluation.metrics import RelevantItems
from ..indexer.run.stop import Stop
from ..progress import Progress, silent
from . import losses, models, output, selection, targets, translations
from .accumulation import backward_mean, micro_batches
from .checkpoints import RunFolder
from .loop import autocast, run
from .models import DualModel
from .options import DistillOptions, Result
from .processes import Processes, join
from .schedule import bound


class DistillTask:
    """Implements `Task`: the mean squared error of student and teacher."""

    kind = "distill"
    what = "translations"
    score = "MSE"
    lower_is_better = True

    def __init__(
        self,
        student: DualModel,
        targets_of_texts: targets.Targets,
        corpora: Sequence[Corpus],
        found: translations.Survey,
        options: DistillOptions,
        processes: Processes,
    ) -> None:
        self.model = student.model
        self._student = student
        self._targets = targets_of_texts
        self._corpora, self._found, self._options, self._processes = corpora, found, options, processes

    def epoch_sizes(self) -> Sequence[int]:
        """The number of examples of each epoch."""
        return translations.count_examples(self._found, self._options)

    def examples(self, epoch: int) -> Iterator[Translation]:
        """The translations of an epoch."""
        return translations.stream(self._corpora, self._found, self._options, epoch)

    def backward(self, batch: Sequence[Translation]) -> float:
        """Add the gradients of a batch and return its loss."""
        return backward_mean(batch, self._options.micro_batch, self._loss, self._processes)

    def after_step(self) -> None:
        """Nothing has limits."""

    def validate(self) -> dict[str, float]:
        """MSE; the cosine; and for each language how often the student finds a translation's source (R@1, percent)."""
        pairs = self._found.validation
        if not pairs:
            return {}
        sources = list(dict.fromkeys(pair.source for pair in pairs))
        teacher = self._targets.get(sources)
        student = self._encode([pair.target for pair in pairs])
        rows = {source: number for number, source in enumerate(sources)}
        owners = np.array([rows[pair.source] for pair in pairs], np.int64)
        aimed = teacher[owners]
        scores = {
            "MSE": float(losses.mean_squared_error(student, aimed)),
            "cosine": float(torch.nn.functional.cosine_similarity(student, aimed).mean()),
        }
        for language in sorted({pair.language for pair in pairs}):
            chosen = np.array([pair.language == language for pair in pairs])
            standing = metrics.standing(
                _unit(student)[chosen], _unit(teacher), RelevantItems.from_items(owners[chosen])
            )
            scores[f"{language} R@1"] = metrics.recalls(standing)["R@1"]
        return scores

    def _loss(self, part: Sequence[Translation]) -> Tensor:
        device = self._processes.device
        aimed = self._targets.get([pair.source for pair in part]).to(device)
        with autocast(self._options, device):
            vectors = self.model.text_model(
                **self._student.tokens([pair.target for pair in part], device)
            ).pooler_output
        return losses.mean_squared_error(vectors, aimed)

    def _encode(self, texts: Sequence[str]) -> Tensor:
        device = self._processes.device
        with torch.no_grad():
            parts = [
                self.model.text_model(**self._student.tokens(part, device)).pooler_output.float().cpu()
                for part in micro_batches(texts, targets.TEACHER_BATCH)
            ]
        return torch.cat(parts)


def distill(
    teacher: str,
    student: str,
    data: Sequence[Path],
    folder: Path,
    options: DistillOptions,
    settings: Settings,
    *,
    progress: Progress = silent,
    teacher_progress: Progress = silent,
    stop: Stop | None = None,
) -> Result:
    """Train the text model `student` on the parallel text `data` to give the text vectors of the encoder `teacher`.

    Writes an AltCLIP checkpoint with the teacher's image tower to `folder`. Raises UsageError, DataMissing, DataError,
    EncoderError, TrainingError, DiskFull, Stopped.
    """
    if options.towers != "text":
        raise UsageError("Distillation trains the text tower only.", "Leave --towers out.")
    processes = join(settings)
    run_folder = RunFolder(folder)
    described = {"kind": "distill", "teacher": teacher, "student": student, "data": [str(path) for path in data]}
    run_folder.check({**described, **options.comparable()}, resume=options.resume)
    corpora = find_corpora(data, options.source_language)
    teacher_model = models.load_teacher(models.find_checkpoint(teacher, settings))
    student_model = models.build_student(teacher_model, student, options.seed)
    found = translations.survey(corpora, options)
    bounded, plan, note = bound(options, translations.count_examples(found, options), "translations")
    selection.prepare(student_model, bounded, processes.device, with_scale=False)
    teacher_model.model.to(processes.device)
    encode = partial(models.pooled_texts, teacher_model, device=processes.device)
    file = run_folder.path / "targets.npy"
    if processes.rank == 0:
        run_folder.create({**described, **options.comparable()})
        width = int(teacher_model.model.text_projection.in_features)
        targets.write(file, partial(_sources, corpora, options), encode, width, teacher_progress)
    stored = file if processes.agree(file.is_file()) else None
    task = DistillTask(student_model, targets.Targets(encode, stored), corpora, found, bounded, processes)
    result = run(task, bounded, plan, run_folder, processes, progress, stop, tuple(filter(None, [note])))
    if processes.rank == 0:
        languages = ", ".join(f"{count} {language}" for language, count in sorted(found.languages.items()))
        facts = {**described, "translations": f"{found.total} ({languages})", "held out": len(found.validation)}
        output.write(student_model, result, bounded, facts)
        file.unlink(missing_ok=True)
    return result


def _sources(corpora: Sequence[Corpus], options: DistillOptions) -> Iterator[str]:
    return (pair.source for corpus in corpora for pair in corpus.read(skip_empty=options.skip_empty))


def _unit(vectors: Tensor) -> Floats:
    return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()  # type: ignore[no-any-return]
