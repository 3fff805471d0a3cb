"""The settings of a training run, with the defaults of each kind, and what a run returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Schedule: TypeAlias = Literal["cosine", "linear", "constant"]
Towers: TypeAlias = Literal["text", "image", "both"]

NOT_COMPARED = frozenset({"resume", "checkpoint_steps", "log_steps"})
"""Options that may differ between a run and its continuation."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What all kinds of training have in common. A batch is the number of examples of one optimiser step."""

    epochs: int = 10
    batch: int = 1024
    micro_batch: int = 64
    """Examples that are computed at once; the gradients of a batch are the same for every value."""
    learning_rate: float = 1e-4
    weight_decay: float = 0.1
    warmup: int = 500
    """Steps in which the learning rate rises from 0."""
    clip: float | None = 1.0
    """Largest norm of all gradients together; None does not clip."""
    schedule: Schedule = "cosine"
    """How the learning rate falls to 0 after the warm-up."""
    towers: Towers = "text"
    """The towers that are trained."""
    last_layers: int | None = None
    """Train only so many last layers of each trained tower, and what follows them; None trains all."""
    layer_decay: float = 1.0
    """Factor of the learning rate from each layer to the one below it."""
    lora_rank: int = 0
    """Rank of the matrices that LoRA (`peft`) trains instead of the towers' weights; 0 trains the weights."""
    bfloat16: bool = False
    seed: int = 0
    patience: int = 0
    """Validations without a better score after which the run ends; 0 runs to the end."""
    validation_steps: int = 0
    """Steps between validations; 0 validates after each epoch."""
    checkpoint_steps: int = 500
    log_steps: int = 10
    resume: bool = False

    def comparable(self) -> dict[str, Any]:
        """The options that a continued run must share with its beginning."""
        return {key: value for key, value in asdict(self).items() if key not in NOT_COMPARED}


@dataclass(frozen=True, kw_only=True)
class DistillOptions(Options):
    """Stage 1. The defaults are those of arXiv 2211.06679 as far as it names them."""

    source_language: str = "en"
    english_share: float = 0.2
    """Share of the examples whose text is the teacher's own."""
    held_out: float = 0.1
    """Share of the source texts that validate, at most HELD_OUT."""
    skip_empty: bool = False
    buffer: int = 100_000
    """Translations in memory, from which the next is drawn."""


@dataclass(frozen=True, kw_only=True)
class AlignOptions(Options):
    """Stage 2: pictures with captions; the image tower is frozen by default."""

    learning_rate: float = 2e-6
    weight_decay: float = 0.05
    warmup: int = 2000
    clip: float | None = 5.0
    held_out: float = 0.1
    """Share of the pictures that validate, at most HELD_OUT, if the file marks none."""


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(Options):
    """Labelled pictures. The defaults are those of AltCLIP's example."""

    batch: int = 4
    micro_batch: int = 4
    weight_decay: float = 0.01
    warmup: int = 0
    towers: Towers = "both"
    languages: tuple[str, ...] = ("en",)
    """Languages of the class names and prompts; each example draws one."""
    classes: Path | None = None
    """File of class names, CLASS<TAB>NAME a line."""
    held_out: float = 0.1


HELD_OUT = 1000
"""Largest number of texts or pictures that are held out for validation."""


@dataclass(frozen=True)
class Point:
    """The loss of one step."""

    step: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float


@dataclass(frozen=True)
class Validation:
    """The scores of a validation, by name; percent, or the MSE."""

    step: int
    scores: dict[str, float]


@dataclass(frozen=True)
class Result:
    """A finished run: `points` are the logged steps, `best` is the step whose weights were written."""

    kind: str
    output: Path
    examples: int
    steps: int
    epochs: int
    seconds: float
    points: tuple[Point, ...]
    validations: tuple[Validation, ...]
    best: int
    ended_early: bool
    notes: tuple[str, ...] = field(default=())

    @property
    def scores(self) -> dict[str, float]:
        """The scores of the weights that were written."""
        return next((each.scores for each in self.validations if each.step == self.best), {})
