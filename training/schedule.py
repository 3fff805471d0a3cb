"""Learning rates over a run, and the bounds that small data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .options import Options, Schedule

WARMUP_SHARE = 10
"""A warm-up is at most one of so many steps."""

AnyOptions = TypeVar("AnyOptions", bound=Options)


@dataclass(frozen=True)
class Plan:
    """The number of steps, and the learning rate of each."""

    steps: int
    warmup: int
    learning_rate: float
    schedule: Schedule

    def rate(self, step: int) -> float:
        """The learning rate of step 0, 1, …: it rises in a line, then falls to 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        factor = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[self.schedule]
        return self.learning_rate * factor


def bound(options: AnyOptions, epoch_sizes: Sequence[int], what: str) -> tuple[AnyOptions, Plan, str]:
    """(options, plan, note): batch and warm-up as large as `epoch_sizes` allow; the note says what changed."""
    examples = max(epoch_sizes)
    batch = min(options.batch, examples)
    steps = sum(math.ceil(size / batch) for size in epoch_sizes)
    warmup = min(options.warmup, steps // WARMUP_SHARE)
    changes = [
        f"the {name} is {value} instead of {before}"
        for name, value, before in (("batch", batch, options.batch), ("warm-up", warmup, options.warmup))
        if value != before
    ]
    note = f"There are {examples} {what} and {steps} steps: {' and '.join(changes)}." if changes else ""
    bounded = replace(options, batch=batch, warmup=warmup, micro_batch=min(options.micro_batch, batch))
    return bounded, Plan(steps, warmup, options.learning_rate, options.schedule), note
