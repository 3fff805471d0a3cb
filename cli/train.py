"""`train`: a multilingual text tower from parallel text, its alignment with pictures, and fine-tuning to classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import completion, train_pairs, training_options
from .measuring import make_bar
from .options import JsonOption, wants_json
from .output import note, print_json, printable
from .stopping import stoppable
from .usage import show_help

if TYPE_CHECKING:
    from ..progress import Progress
    from ..training.options import Result

EncoderOption = Annotated[
    str,
    typer.Option(
        "--encoder",
        metavar="ENCODER",
        help="The dual encoder to train: a name, a hub id, a directory.",
        autocompletion=completion.encoders,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(
        help="Train an encoder: distill a text tower, align it with pictures, fine-tune it to classes.",
        invoke_without_command=True,
    )
    group.callback()(show_help)
    group.command()(distill)
    group.command()(align)
    group.command()(finetune)
    group.command()(train_pairs.pairs)
    app.add_typer(group, name="train")


def distill(
    context: typer.Context,
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher",
            metavar="ENCODER",
            help="The dual encoder whose text vectors are learned: CLIP, AltCLIP …",
            autocompletion=completion.encoders,
        ),
    ],
    student: Annotated[
        str,
        typer.Option("--student", metavar="TEXT_MODEL", help="An XLM-R, or an AltCLIP: a directory or a hub id."),
    ],
    data: Annotated[
        list[Path],
        typer.Option(
            "--data",
            metavar="FILE",
            readable=False,
            help="Parallel text: .tsv, .jsonl, .tmx, NAME.en and NAME.zh; .gz.",
        ),
    ],
    output: training_options.OutputOption,
    more_data: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", readable=False, help="More files, after that of --data.")
    ] = None,
    source_language: Annotated[
        str, typer.Option("--source-language", metavar="CODE", help="The teacher's language.")
    ] = "en",
    english_share: Annotated[
        float | None,
        typer.Option(
            "--english-share",
            metavar="SHARE",
            min=0,
            max=0.9,
            help="Examples in the teacher's own language [0.2].",
            show_default=False,
        ),
    ] = None,
    skip_empty: Annotated[bool, typer.Option("--skip-empty", help="Leave out lines with an empty text.")] = False,
    epochs: training_options.EpochsOption = None,
    batch: training_options.BatchOption = None,
    micro_batch: training_options.MicroBatchOption = None,
    lr: training_options.RateOption = None,
    weight_decay: training_options.DecayOption = None,
    warmup: training_options.WarmupOption = None,
    clip: training_options.ClipOption = None,
    schedule: training_options.ScheduleOption = None,
    last_layers: training_options.LayersOption = None,
    layer_decay: training_options.LayerDecayOption = None,
    lora: training_options.LoraOption = None,
    bf16: training_options.Bfloat16Option = False,
    seed: training_options.SeedOption = None,
    held_out: training_options.HeldOutOption = None,
    patience: training_options.PatienceOption = None,
    validate_steps: training_options.ValidationStepsOption = None,
    checkpoint_steps: training_options.CheckpointOption = None,
    log_steps: training_options.LogOption = None,
    resume: training_options.ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Stage 1: teach a text model the vectors of an encoder's text tower, from parallel text; no pictures needed."""
    values = {name: value for name, value in locals().items() if name not in NOT_SETTINGS}
    from ..config import load
    from ..training import distill as stage
    from ..training.options import DistillOptions

    options = DistillOptions(**training_options.settings_of(**values))
    files = [*data, *(more_data or [])]
    with _bars("Encoding texts", "texts") as (steps, texts), stoppable() as stop:
        result = stage.distill(
            teacher,
            student,
            [*data, *(more_data or [])],
            output,
            options,
            load(),
            progress=steps,
            teacher_progress=texts,
            stop=stop,
        )
    _print(context, result, as_json)


def align(
    context: typer.Context,
    encoder: EncoderOption,
    data: Annotated[
        Path, typer.Option("--data", metavar="PAIRS.jsonl", readable=False, help="Pictures with captions.")
    ],
    output: training_options.OutputOption,
    epochs: training_options.EpochsOption = None,
    batch: training_options.BatchOption = None,
    micro_batch: training_options.MicroBatchOption = None,
    lr: training_options.RateOption = None,
    weight_decay: training_options.DecayOption = None,
    warmup: training_options.WarmupOption = None,
    clip: training_options.ClipOption = None,
    schedule: training_options.ScheduleOption = None,
    towers: training_options.TowersOption = None,
    last_layers: training_options.LayersOption = None,
    layer_decay: training_options.LayerDecayOption = None,
    lora: training_options.LoraOption = None,
    bf16: training_options.Bfloat16Option = False,
    seed: training_options.SeedOption = None,
    held_out: training_options.HeldOutOption = None,
    patience: training_options.PatienceOption = None,
    validate_steps: training_options.ValidationStepsOption = None,
    checkpoint_steps: training_options.CheckpointOption = None,
    log_steps: training_options.LogOption = None,
    cache: training_options.CacheOption = None,
    resume: training_options.ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Stage 2: bring texts nearer to the pictures that they describe; the image tower stays as it is by default."""
    values = {name: value for name, value in locals().items() if name not in NOT_SETTINGS}
    from ..config import load
    from ..training import align as stage
    from ..training.options import AlignOptions

    options = AlignOptions(**training_options.settings_of(**values))
    with _bars("Encoding pictures", "pictures") as (steps, pictures), stoppable() as stop:
        result = stage.align(
            encoder, data, output, options, load(), cache=cache, progress=steps, image_progress=pictures, stop=stop
        )
    _print(context, result, as_json)


def finetune(
    context: typer.Context,
    encoder: EncoderOption,
    data: Annotated[
        str, typer.Option("--data", metavar="FOLDER|cifar10:DIR", help="A folder with one folder a class, or CIFAR-10.")
    ],
    output: training_options.OutputOption,
    languages: Annotated[
        str, typer.Option("--languages", metavar="en,zh", help="Languages of class names and prompts.")
    ] = "en",
    classes: Annotated[
        Path | None, typer.Option("--classes", metavar="FILE", readable=False, help="CLASS<TAB>NAME a line.")
    ] = None,
    validation: Annotated[
        Path | None, typer.Option("--validation", metavar="DIR", readable=False, help="Other pictures that validate.")
    ] = None,
    epochs: training_options.EpochsOption = None,
    batch: training_options.BatchOption = None,
    micro_batch: training_options.MicroBatchOption = None,
    lr: training_options.RateOption = None,
    weight_decay: training_options.DecayOption = None,
    warmup: training_options.WarmupOption = None,
    clip: training_options.ClipOption = None,
    schedule: training_options.ScheduleOption = None,
    towers: training_options.TowersOption = None,
    last_layers: training_options.LayersOption = None,
    layer_decay: training_options.LayerDecayOption = None,
    lora: training_options.LoraOption = None,
    bf16: training_options.Bfloat16Option = False,
    seed: training_options.SeedOption = None,
    held_out: training_options.HeldOutOption = None,
    patience: training_options.PatienceOption = None,
    validate_steps: training_options.ValidationStepsOption = None,
    checkpoint_steps: training_options.CheckpointOption = None,
    log_steps: training_options.LogOption = None,
    cache: training_options.CacheOption = None,
    resume: training_options.ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune an encoder to labelled pictures; the checkpoint that classifies best what is held out is kept."""
    values = {name: value for name, value in locals().items() if name not in (*NOT_SETTINGS, "validation")}
    from ..config import load
    from ..training import finetune as stage
    from ..training.options import FinetuneOptions

    values["languages"] = tuple(languages.split(","))
    options = FinetuneOptions(**training_options.settings_of(**values))
    with _bars("Encoding pictures", "pictures") as (steps, pictures), stoppable() as stop:
        result = stage.finetune(
            encoder,
            data,
            output,
            options,
            load(),
            validation=validation,
            cache=cache,
            progress=steps,
            image_progress=pictures,
            stop=stop,
        )
    _print(context, result, as_json)


NOT_SETTINGS = frozenset(
    {"context", "teacher", "student", "encoder", "data", "output", "cache", "as_json", "more_data"}
)
"""Parameters of the commands that are no settings of the training."""


@contextmanager
def _bars(what: str, unit: str) -> Iterator[tuple[Progress, Progress]]:
    """The progress functions of training and of what comes before it."""
    with ExitStack() as stack:
        yield make_bar(stack, "Training", "steps"), make_bar(stack, what, unit)


def _print(context: typer.Context, result: Result, as_json: bool) -> None:
    if wants_json(context, as_json):
        from ..answers.training import Training

        print_json(Training.from_result(result, printable(result.output)))
        return
    for validation in result.validations:
        typer.echo(f"step {validation.step:>7}  {_figures(validation.scores)}")
    losses = f", loss {result.points[0].loss:.4g} -> {result.points[-1].loss:.4g}" if result.points else ""
    early = ", ended early" if result.ended_early else ""
    typer.echo(f"{result.steps} steps in {result.seconds:.0f} s{losses}{early}.")
    typer.echo(f"Wrote {printable(result.output)}; its weights are those of step {result.best}.")
    note(f"Use it: polyglance reencode --encoder {printable(result.output)}")


def _figures(scores: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
