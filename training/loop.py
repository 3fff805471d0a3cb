"""The loop of all kinds of training: batches -> gradients -> optimiser, with checkpoints, validation and early stop.

Everything random in a step is drawn from (seed, step, process), and the order of the examples from (seed, epoch): a
checkpoint needs no generator's state, and a continued run computes what the uninterrupted one would have.
"""

from __future__ import annotations

import hashlib
import logging
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from ..errors import Stopped, TrainingError
from ..indexer.run.stop import Stop
from ..progress import Progress, Tick, silent
from . import selection
from .checkpoints import RunFolder
from .log import Log, SilentLog
from .options import Options, Point, Result, Validation
from .processes import Processes
from .schedule import Plan

log = logging.getLogger("polyglance")


class Task(Protocol):
    """What differs between the kinds of training."""

    kind: str
    what: str
    """What an example is, in the plural: translations, captions, pictures."""
    model: Any
    score: str
    """Name of the score by which the best weights are chosen."""
    lower_is_better: bool

    def epoch_sizes(self) -> Sequence[int]:
        """The number of examples of each epoch."""

    def examples(self, epoch: int) -> Iterator[Any]:
        """The examples of an epoch in its order, the same at each call."""

    def backward(self, batch: Sequence[Any]) -> float:
        """Add the batch's gradients, this process's part of them, and return the loss."""

    def after_step(self) -> None:
        """Keep weights in their limits."""

    def validate(self) -> dict[str, float]:
        """Scores by name; empty if nothing is held out."""


@dataclass
class _Position:
    """Where a run is: `batch` batches of `epoch` are done, `step` in all."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float = math.nan
    best_step: int = 0
    without_better: int = 0


def run(
    task: Task,
    options: Options,
    plan: Plan,
    folder: RunFolder,
    processes: Processes,
    progress: Progress = silent,
    stop: Stop | None = None,
    notes: tuple[str, ...] = (),
) -> Result:
    """Train until the last epoch or the early stop; leave the model with its best weights.

    Raises TrainingError if the loss or a gradient is not finite; DiskFull; Stopped, with a checkpoint written.
    """
    return _Run(task, options, plan, folder, processes, progress, stop or Stop(), notes).run()


class _Run:
    def __init__(
        self,
        task: Task,
        options: Options,
        plan: Plan,
        folder: RunFolder,
        processes: Processes,
        progress: Progress,
        stop: Stop,
        notes: tuple[str, ...],
    ) -> None:
        self._task, self._options, self._plan = task, options, plan
        self._folder, self._processes, self._progress, self._stop = folder, processes, progress, stop
        self._notes = notes
        self._position = _Position()
        self._weights = dict(selection.trained(task.model))
        self._optimizer = torch.optim.AdamW(
            selection.parameter_groups(task.model, options), lr=options.learning_rate, betas=(0.9, 0.999)
        )
        state = folder.newest() if options.resume else None
        size = self._restore(state) if state else 0
        self._saved_step = self._position.step if state else -1
        self._log = Log(folder.log, size, self._position.step) if processes.rank == 0 else SilentLog()
        if not self._log.has_board:
            self._notes += ("TensorBoard files are not written: pip install 'polyglance[train]'",)
        for note in self._notes if processes.rank == 0 else ():
            log.info(note)

    def run(self) -> Result:
        start = time.monotonic()
        with self._stop.observed():
            try:
                self._progress(Tick(self._position.step, self._plan.steps))
                ended_early = self._train()
                self._save()
            finally:
                self._log.close()
        self._use_best()
        return Result(
            self._task.kind,
            self._folder.output,
            max(self._task.epoch_sizes()),
            self._position.step,
            self._position.epoch,
            time.monotonic() - start,
            tuple(self._log.points),
            tuple(self._log.validations),
            self._position.best_step or self._position.step,
            ended_early,
            self._notes,
        )

    def _train(self) -> bool:
        """Train the epochs that are left. Returns whether the run ended before the last."""
        position = self._position
        while position.epoch < self._options.epochs:
            if self._is_exhausted():
                return True
            for batch in self._batches():
                self._step(batch)
                position.batch += 1
                steps = self._options.validation_steps
                if steps and position.step % steps == 0 and self._validate():
                    return True
                if position.step % self._options.checkpoint_steps == 0:
                    self._save()
                if self._processes.agree(self._stop.asked):
                    self._save()
                    raise Stopped
            position.epoch, position.batch = position.epoch + 1, 0
            if not self._options.validation_steps and self._validate():
                return position.epoch < self._options.epochs
        return False

    def _is_exhausted(self) -> bool:
        return 0 < self._options.patience <= self._position.without_better

    def _batches(self) -> Iterator[list[Any]]:
        """The batches of the epoch that are left. One with fewer examples than processes is left out."""
        size = self._options.batch
        for index, batch in enumerate(_group(self._task.examples(self._position.epoch), size)):
            if index >= self._position.batch and len(batch) >= self._processes.count:
                yield batch

    def _step(self, batch: Sequence[Any]) -> None:
        position, task = self._position, self._task
        seed_step(self._options.seed, position.step, self._processes.rank)
        selection.set_modes(task.model)
        rate = self._plan.rate(position.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self._optimizer.zero_grad(set_to_none=True)
        loss = task.backward(batch)
        self._processes.sum_gradients(self._weights.values())
        limit = self._options.clip if self._options.clip is not None else math.inf
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights.values(), limit))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = "loss" if not math.isfinite(loss) else "gradient"
            raise TrainingError(
                f"The {what} of step {position.step + 1} is not a finite number, at a learning rate of {rate:.3g}.",
                "The checkpoints before it are kept. Start again with a lower --lr, a longer --warmup, or --clip.",
            )
        self._optimizer.step()
        task.after_step()
        position.step += 1
        if position.step % self._options.log_steps == 0 or position.step in (1, self._plan.steps):
            self._log.add_point(Point(position.step, position.epoch + 1, loss, rate, norm))
        self._progress(Tick(position.step, self._plan.steps))

    def _validate(self) -> bool:
        """Validate, keep the weights if they are the best so far, and return whether the run should end."""
        position, task = self._position, self._task
        task.model.eval()
        scores = self._processes.agree(task.validate() if self._processes.rank == 0 else {})
        if not scores:
            return False
        self._log.add_validation(Validation(position.step, scores))
        sign = -1 if task.lower_is_better else 1
        if math.isnan(position.best) or sign * scores[task.score] > sign * position.best:
            position.best, position.best_step, position.without_better = scores[task.score], position.step, 0
            if self._processes.rank == 0:
                self._folder.save_best({"step": position.step, "weights": self._state()})
        else:
            position.without_better += 1
        return self._is_exhausted()

    def _save(self) -> None:
        """Write a checkpoint, unless the one of this position is there."""
        position = self._position
        if self._saved_step == position.step and position.batch:
            return
        self._saved_step = position.step
        if self._processes.rank == 0:
            state = {
                "position": vars(position).copy(),
                "log": self._log.size,
                "weights": self._state(),
                "optimizer": self._optimizer.state_dict(),
            }
            self._folder.save(position.step, state)

    def _restore(self, state: dict[str, Any]) -> int:
        """Take up a checkpoint. Returns the size of the log when it was written."""
        self._position = _Position(**state["position"])
        self._set_weights(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        return int(state["log"])

    def _use_best(self) -> None:
        if self._position.best_step and (best := self._folder.best()):
            self._set_weights(best["weights"])

    def _state(self) -> dict[str, torch.Tensor]:
        return {name: parameter.detach() for name, parameter in self._weights.items()}

    def _set_weights(self, weights: dict[str, torch.Tensor]) -> None:
        if set(weights) != set(self._weights):
            raise TrainingError(
                f"The checkpoint in {self._folder.output} has other weights.", "Continue it with its own settings."
            )
        with torch.no_grad():
            for name, parameter in self._weights.items():
                parameter.copy_(weights[name])


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for one step of one process."""
    digest = hashlib.sha256(f"{seed} {step} {rank}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:7], "big"))


def seed_epoch(seed: int, epoch: int) -> random.Random:
    """The generator of an epoch's order."""
    return random.Random(f"{seed} {epoch}")


def autocast(options: Options, device: torch.device) -> AbstractContextManager[Any]:
    """bfloat16 inside, if the options ask for it; weights and losses stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=options.bfloat16)


def _group(examples: Iterator[Any], size: int) -> Iterator[list[Any]]:
    batch = []
    for example in examples:
        batch.append(example)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
