"""`evaluate`: measuring encoders, on published data sets or on the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .figures import print_comparison, print_published, print_published_zeroshot, print_table
from .measuring import cache_folder, create_encoder, encoding_bars, finish, write_file
from .options import EncoderOption, JsonOption, wants_json
from .output import note, print_json, printable

DataArgument = Annotated[
    Path, typer.Argument(metavar="DATA", readable=False, help="Captions: a file or folder; docs/evaluation.md.")
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format", metavar="NAME", help="auto, jsonl, karpathy, flickr30k-cn, xtd10, crossmodal, or coco-cn."
    ),
]
ImagesOption = Annotated[
    Path | None, typer.Option("--images", metavar="DIR", readable=False, help="Where the pictures are.")
]
LanguagesOption = Annotated[
    str, typer.Option("--languages", metavar="en,zh", help="Only these languages; by default all there are.")
]
MissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Go on without pictures that are missing or cannot be read.")
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", readable=False, help="Where vectors are kept between runs.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="DIR", readable=False, help="Write the report here: JSON, Markdown, HTML."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Measure an encoder: retrieval, zero-shot classification, two side by side.")
    group.command()(retrieval)
    group.command()(zeroshot)
    group.command()(compare)
    app.add_typer(group, name="evaluate", no_args_is_help=True)


def retrieval(
    context: typer.Context,
    data: DataArgument,
    kind: FormatOption = "auto",
    images: ImagesOption = None,
    languages: LanguagesOption = "",
    encoder: EncoderOption = None,
    allow_missing: MissingOption = False,
    report: ReportOption = None,
    cache: CacheOption = None,
    among: Annotated[
        Path | None,
        typer.Option("--among", metavar="DIR", readable=False, help="Pictures without captions to mix in."),
    ] = None,
    half: Annotated[
        str, typer.Option("--half", metavar="first|second", help="Only every other picture; all by default.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Find pictures by their captions and captions by their pictures: R@1, R@5, R@10 and MR in every language."""
    from .. import datasets
    from ..answers.evaluation import Retrieval
    from ..evaluation import report as reports
    from ..evaluation import retrieval as measure
    from ..evaluation.report.document import compare_published

    loaded = datasets.load_mixed(data, kind, images, half, among)
    instance, settings = create_encoder(encoder)
    with encoding_bars() as (image_progress, text_progress):
        result = measure.evaluate(
            instance,
            loaded,
            settings,
            cache_folder(cache),
            languages=languages.split(",") if languages else (),
            allow_missing=allow_missing,
            image_progress=image_progress,
            text_progress=text_progress,
        )
    document = Retrieval.from_result(result)
    figures = document.model_dump()
    if wants_json(context, as_json):
        print_json(document)
    else:
        print_table(document)
    for row in compare_published(figures):
        print_published(row)
    if report is not None:
        for path in reports.write(result, figures, settings, report):
            note(f"Wrote {printable(path)}")
    finish(result.failures, instance.name)


def zeroshot(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="cifar10, imagenet, imagenet-v2 (-a, -r, -sketch), imagefolder.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="Its folder, or CIFAR-10's .tar.gz.")],
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="Language of names and templates.")
    ] = "en",
    split: Annotated[str | None, typer.Option("--split", metavar="NAME", help="CIFAR-10's: test or train.")] = None,
    encoder: EncoderOption = None,
    templates: Annotated[
        Path | None, typer.Option("--templates", metavar="FILE", readable=False, help="One a line, {c} for the class.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option("--classes", metavar="FILE", readable=False, help="CLASS<TAB>NAME a line.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", readable=False, help="Where the result is written.")
    ] = Path("result.txt"),
    allow_missing: MissingOption = False,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Classify pictures by class names alone; print and write the metrics as AltCLIP's script does."""
    from .. import datasets
    from ..answers.evaluation import ZeroShot
    from ..datasets import prompts
    from ..evaluation import published
    from ..evaluation import zeroshot as measure

    loaded = datasets.load_classification(dataset, folder, split)
    class_names = (
        prompts.read_class_names(classes, loaded.classes)
        if classes
        else prompts.class_names(dataset, loaded.classes, language)
    )
    prompt_templates = prompts.read_templates(templates) if templates else prompts.templates(dataset, language)
    instance, settings = create_encoder(encoder)
    with encoding_bars() as (image_progress, text_progress):
        result = measure.evaluate(
            instance,
            loaded,
            class_names,
            prompt_templates,
            settings,
            cache_folder(cache),
            allow_missing=allow_missing,
            image_progress=image_progress,
            text_progress=text_progress,
        )
    document = ZeroShot.from_result(result)
    line = json.dumps(document.model_dump())
    write_file(output, f"{line}\n")
    if wants_json(context, as_json):
        print_json(document)
    else:
        typer.echo(line)
    if language == "en" and not templates and not classes:
        for row in published.for_zeroshot(dataset, split or "", result.images):
            print_published_zeroshot(row, document, instance.name)
    finish(result.failures, instance.name)


def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="An encoder.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    data: DataArgument,
    kind: FormatOption = "auto",
    images: ImagesOption = None,
    languages: LanguagesOption = "",
    allow_missing: MissingOption = False,
    samples: Annotated[int, typer.Option("--samples", min=100, max=100_000, help="Bootstrap samples.")] = 2000,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the samples; fixed by default.")] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put two encoders side by side on the same data, with paired bootstrap confidence intervals."""
    from .. import datasets
    from ..answers.evaluation import Comparison
    from ..evaluation import compare as comparison
    from ..evaluation import retrieval as measure

    loaded = datasets.load_retrieval(data, kind, images)
    results = []
    for name in (first, second):
        instance, settings = create_encoder(name)
        with encoding_bars(f" with {instance.name}") as (image_progress, text_progress):
            results.append(
                measure.evaluate(
                    instance,
                    loaded,
                    settings,
                    cache_folder(cache),
                    languages=languages.split(",") if languages else (),
                    allow_missing=allow_missing,
                    image_progress=image_progress,
                    text_progress=text_progress,
                )
            )
    document = Comparison.from_results(results[0], results[1], samples, comparison.SEED if seed is None else seed)
    if wants_json(context, as_json):
        print_json(document)
    else:
        print_comparison(document)
    finish(results[0].failures)
