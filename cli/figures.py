"""Printing the figures of an evaluation in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from .output import note

if TYPE_CHECKING:
    from ..answers.evaluation import Comparison, Retrieval, ZeroShot
    from ..evaluation.published import Published


def print_table(document: Retrieval) -> None:
    """Print the recalls of each language, one language per line."""
    note(f"{document.dataset}, {document.encoder}: {document.images} pictures, {document.texts} captions")
    head = "".join(f"{name:>8}" for name in ("R@1", "R@5", "R@10"))
    typer.echo(f"{'':8}{'text to image':>24}    {'image to text':>24}\n{'':8}{head}    {head}      MR")
    for language, figures in [*document.languages.items(), ("mean", document.mean)]:
        directions = [
            "".join(f"{value:>8.2f}" for value in recalls.values())
            for recalls in (figures.text_to_image, figures.image_to_text)
        ]
        typer.echo(f"{language:8}{directions[0]}    {directions[1]}{figures.MR:>8.2f}")


def print_published(row: dict[str, Any]) -> None:
    """Print one published row, and whether ours agree with it if it is about the same weights."""
    figures = [
        f"{short} {name} {value}"
        for short, way in (("T2I", "text_to_image"), ("I2T", "image_to_text"))
        for name, value in row[way].items()
    ]
    figures += [f"MR {row['MR']}"] if row["MR"] is not None else []
    verdict = verdict_of(row["largest_difference"], row["agrees"] is not None)
    note(f"published: {row['language']} {row['method']} {', '.join(figures)}{verdict}")


def print_published_zeroshot(row: Published, document: ZeroShot, encoder: str) -> None:
    """Print one published row of zero-shot classification, and whether ours agrees with it for the same weights."""
    from ..evaluation import published

    verdict = verdict_of(published.agreement(row, document.metrics.model_dump()), row.is_from(encoder))
    note(f"published: {row.method} acc1 {row.acc1} acc5 {row.acc5} recall {row.mean_per_class_recall}{verdict}")


def verdict_of(difference: float, is_own: bool) -> str:
    """Return whether figures of the same weights agree, by their largest `difference` in points; empty for others."""
    from ..evaluation.published import TOLERANCE

    if not is_own:
        return ""
    return f": {'agrees' if difference <= TOLERANCE else 'DIFFERS'}, by {difference:.2f} points at most"


def print_comparison(document: Comparison) -> None:
    """Print R@10 and MR of each language, all measures of the mean."""
    first, second = document.encoders
    note(f"{document.dataset}: {document.images} pictures, {document.texts} captions; A {first}, B {second}")
    note(f"B - A with its {document.confidence:.0%} interval; * where the interval leaves out 0")
    typer.echo(f"{'':8}{'':22}{'A':>8}{'B':>8}{'B - A':>8}   interval")
    for language, measures in [*document.languages.items(), ("mean", document.mean)]:
        rows = [
            (f"{way} {name}", measure)
            for way, recalls in (("text to image", measures.text_to_image), ("image to text", measures.image_to_text))
            for name, measure in recalls.items()
            if language == "mean" or name == "R@10"
        ]
        for name, measure in [*rows, ("MR", measures.MR)]:
            difference = measure.difference
            ends = f"{difference.low:+.2f} to {difference.high:+.2f}{' *' if difference.differs else ''}"
            typer.echo(
                f"{language:8}{name:22}{measure.first.value:>8.2f}{measure.second.value:>8.2f}"
                f"{difference.value:>+8.2f}   {ends}"
            )
