"""Documents about training runs."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from ..training import options
from .base import Document


class TrainingPoint(Document):
    """The loss of one step."""

    step: int = Field(description="From 1.")
    epoch: int = Field(description="From 1.")
    loss: float
    learning_rate: float
    gradient_norm: float = Field(description="Before it was clipped.")


class TrainingValidation(Document):
    """The scores of what was held out, after a step."""

    step: int
    scores: dict[str, float] = Field(description="By name. Recalls and accuracies are percent.")


class Training(Document):
    """A finished run of training."""

    kind: str = Field(description="distill, align or finetune.")
    output: str = Field(description="The folder of the checkpoint.")
    examples: int = Field(description="Of an epoch: translations, captions or pictures.")
    steps: int
    epochs: int = Field(description="That were begun.")
    seconds: float = Field(description="Of this process, without what it continued.")
    best_step: int = Field(description="The step whose weights were written.")
    ended_early: bool = Field(description="Whether the scores stopped getting better before the last epoch.")
    scores: dict[str, float] = Field(description="Of the weights that were written; empty if nothing was held out.")
    losses: list[TrainingPoint] = Field(description="The steps that were logged.")
    validations: list[TrainingValidation]
    notes: list[str] = Field(description="What was changed because there is little data.")

    @classmethod
    def from_result(cls, result: options.Result, output: str) -> Self:
        """`output` is the folder as text."""
        return cls(
            kind=result.kind,
            output=output,
            examples=result.examples,
            steps=result.steps,
            epochs=result.epochs,
            seconds=round(result.seconds, 3),
            best_step=result.best,
            ended_early=result.ended_early,
            scores=result.scores,
            losses=[TrainingPoint(**vars(point)) for point in result.points],
            validations=[TrainingValidation(**vars(each)) for each in result.validations],
            notes=list(result.notes),
        )
