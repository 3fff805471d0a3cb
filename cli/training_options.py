"""Options that the commands of `train` share. None leaves the default of the kind of training, which the help names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

OutputOption = Annotated[
    Path, typer.Option("--output", metavar="DIR", readable=False, help="Where the checkpoint is written.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")]


def _number(name: str, kind: str, text: str, **limits: float) -> Any:
    return typer.Option(name, metavar=kind, help=text, show_default=False, **limits)  # type: ignore[arg-type]


EpochsOption = Annotated[int | None, _number("--epochs", "N", "Passes over the data [10].", min=1)]
BatchOption = Annotated[int | None, _number("--batch", "N", "Examples of a step [1024; finetune 4].", min=1)]
MicroBatchOption = Annotated[
    int | None, _number("--micro-batch", "N", "Examples at once; the result does not depend on it [64].", min=1)
]
RateOption = Annotated[float | None, _number("--lr", "RATE", "Learning rate [1e-4; align 2e-6].", min=0, max=1)]
DecayOption = Annotated[
    float | None, _number("--weight-decay", "X", "[distill 0.1, align 0.05, finetune 0.01].", min=0)
]
WarmupOption = Annotated[int | None, _number("--warmup", "STEPS", "[distill 500, align 2000, finetune 0].", min=0)]
ClipOption = Annotated[
    float | None, _number("--clip", "NORM", "Largest norm of the gradients; 0 for none [1; align 5].", min=0)
]
ScheduleOption = Annotated[
    str | None, _number("--schedule", "NAME", "cosine, linear or constant, after the warm-up [cosine].")
]
TowersOption = Annotated[
    str | None, _number("--towers", "WHICH", "What is trained: text, image or both [text; finetune both].")
]
LayersOption = Annotated[
    int | None, _number("--last-layers", "K", "Train only the last K layers of each trained tower.", min=0)
]
LayerDecayOption = Annotated[
    float | None,
    _number("--layer-decay", "X", "Factor of the learning rate from layer to layer down [1].", min=0, max=1),
]
LoraOption = Annotated[
    int | None, _number("--lora", "RANK", "Train matrices of that rank beside the weights (extra train).", min=1)
]
Bfloat16Option = Annotated[bool, typer.Option("--bf16", help="Compute in bfloat16; weights stay float32.")]
SeedOption = Annotated[int | None, _number("--seed", "N", "Of the order, the new layers and dropout [0].")]
PatienceOption = Annotated[
    int | None, _number("--patience", "N", "End after so many validations without a better score.", min=1)
]
ValidationStepsOption = Annotated[
    int | None, _number("--validate-steps", "N", "Validate after so many steps, not after each epoch.", min=1)
]
CheckpointOption = Annotated[int | None, _number("--checkpoint-steps", "N", "Steps between checkpoints [500].", min=1)]
LogOption = Annotated[int | None, _number("--log-steps", "N", "Steps between lines of the log [10].", min=1)]
HeldOutOption = Annotated[
    float | None, _number("--held-out", "SHARE", "Share of the data that validates [0.1].", min=0, max=0.9)
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", readable=False, help="Where vectors of pictures are kept.")
]

NAMES = {
    "lr": "learning_rate",
    "lora": "lora_rank",
    "bf16": "bfloat16",
    "validate_steps": "validation_steps",
}
"""Names of options that are not those of the settings."""
CHOICES = {"schedule": ("cosine", "linear", "constant"), "towers": ("text", "image", "both")}


def settings_of(**values: Any) -> dict[str, Any]:
    """The settings that were given, by their names in `training.options`. Raises UsageError."""
    from ..errors import UsageError

    given = {NAMES.get(name, name): value for name, value in values.items() if value is not None}
    for name, allowed in CHOICES.items():
        if given.get(name, allowed[0]) not in allowed:
            raise UsageError(f"--{name} is {given[name][:20]!r}.", f"It may be {', '.join(allowed)}.")
    if given.get("clip") == 0:
        given["clip"] = None
    return given
