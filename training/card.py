"""The model card of a trained checkpoint: what it was trained on, with which settings, and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .models import DualModel
from .options import Options, Result

TITLES = {
    "distill": "text tower distilled from parallel text",
    "align": "text tower aligned with captioned pictures",
    "finetune": "fine-tuned to labelled pictures",
}


def model_card(dual: DualModel, result: Result, options: Options, facts: Mapping[str, Any]) -> str:
    """README.md, as the model hub reads it."""
    kind = dual.model.config.model_type
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: zero-shot-image-classification",
        f"tags: [{kind}, polyglance]",
        "---",
        "",
        f"# {result.output.resolve().name}: {TITLES[result.kind]}",
        "",
        f"A `{kind}` dual encoder of {dual.model.num_parameters():,} parameters, trained by `polyglance train "
        f"{result.kind}`. Vectors have {dual.source.dimension} components. Its image tower is that of "
        f"`{dual.source.name}`{'' if options.towers == 'text' else ', trained too'}.",
        "",
        "    polyglance search --help                                # --encoder takes this folder",
        "    transformers: AutoModel.from_pretrained(FOLDER)",
        "",
        "## Data",
        "",
        *_table("what", {key: _plain(value) for key, value in facts.items()}),
        "## Settings",
        "",
        *_table("setting", {"steps": result.steps, **{key: _plain(value) for key, value in asdict(options).items()}}),
        "## Scores",
        "",
    ]
    if result.scores:
        lines += [f"After step {result.best}, on what was held out; recalls and accuracies in percent.", ""]
        lines += _table("score", {name: f"{value:.4g}" for name, value in result.scores.items()})
    else:
        lines += ["Nothing was held out.", ""]
    if result.points:
        lines += [f"The loss was {result.points[0].loss:.4g} at first and {result.points[-1].loss:.4g} at the end.", ""]
    return "\n".join(lines)


def _table(head: str, rows: Mapping[str, Any]) -> list[str]:
    return [f"| {head} | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items()), ""]


def _plain(value: Any) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)
    return text.replace("|", "\\|")
