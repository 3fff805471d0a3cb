"""The report as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

HEAD = ["language", "T2I R@1", "R@5", "R@10", "I2T R@1", "R@5", "R@10", "MR"]
"""T2I: a caption finds its picture; I2T: a picture finds its caption."""

FAILURES_NAMED = 20


def render(document: dict[str, Any]) -> str:
    """Render the document of `document.build` as Markdown."""
    parts = [
        f"# {_escape_cell(document['dataset'])}, {_escape_cell(document['encoder'])}",
        f"{document['images']} pictures, {document['texts']} captions, percent. "
        f"Fingerprint of the encoder: `{document['fingerprint']}`.",
        recall_table(document),
    ]
    if document["published"]:
        parts += ["## Published figures", published_table(document["published"])]
    parts += ["## More", diagnostics_table(document)]
    if document["failures"]:
        failures = [
            f"- {_escape_cell(failure['path'])}: {_escape_cell(failure['reason'])}"
            for failure in document["failures"][:FAILURES_NAMED]
        ]
        remaining = len(document["failures"]) - len(failures)
        failures += [f"- … and {remaining} more, all in report.json"] if remaining else []
        parts += [f"## Pictures left out: {len(document['failures'])}", "\n".join(failures)]
    return "\n\n".join(parts) + "\n"


def recall_table(document: dict[str, Any]) -> str:
    """The recalls of each language in both directions, and their mean."""
    rows = [[language, *format_recalls(recalls)] for language, recalls in document["languages"].items()]
    rows.append(["**mean**", *format_recalls(document["mean"])])
    return table(HEAD, rows)


def published_table(rows: Sequence[dict[str, Any]]) -> str:
    """The published rows with their largest difference from our figures."""
    head = ["language", "method", *HEAD[1:], "largest difference", "agrees", "source"]
    verdict = {True: "yes", False: "**no**", None: ""}
    return table(
        head,
        [
            [
                row["language"],
                row["method"],
                *format_recalls(row, digits=1),
                f"{row['largest_difference']:.2f}",
                verdict[row["agrees"]],
                row["source"],
            ]
            for row in rows
        ],
    )


def diagnostics_table(document: dict[str, Any]) -> str:
    """For each language: chance, hubness, and the relevance cut at 0.5. Below: consistency, and recall of the index."""
    rows = []
    for language in document["languages"]:
        hubs = document["hubness"][language]
        cut = next(cut for cut in document["relevance_cut"][language] if cut["relevance"] == 0.5)
        rows.append(
            [
                language,
                f"{document['chance'][language]['text_to_image']['R@10']:.2f}",
                f"{document['chance'][language]['image_to_text']['R@10']:.2f}",
                f"{hubs['images']['skewness']:.2f}",
                f"{hubs['texts']['skewness']:.2f}",
                "-" if cut["precision"] is None else f"{100 * cut['precision']:.1f}",
                f"{100 * cut['recall']:.1f}",
                f"{cut['shown']:.1f}",
            ]
        )
    head = [
        "language",
        "chance T2I R@10",
        "chance I2T R@10",
        "hubness pictures",
        "hubness captions",
        "precision at relevance 0.5",
        "recall",
        "shown",
    ]
    index = document["ann"]
    lines = [f"Recall@10 of the index against an exact search: {index['recall']:.4f} ({index['queries']} queries)."]
    if document["consistency"]["mean"] is not None:
        overlap = f"Overlap of the first ten between languages: {100 * document['consistency']['mean']:.1f} %."
        lines.insert(0, overlap)
    return table(head, rows) + "\n\n" + " ".join(lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; markup in the cells is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_escape_cell(cell) for cell in line) + " |" for line in lines)


def format_recalls(figures: dict[str, Any], digits: int = 2) -> list[str]:
    """The recalls of both directions and MR as text; "-" for figures that a published row lacks."""
    values = [figures[way].get(f"R@{cut}") for way in ("text_to_image", "image_to_text") for cut in (1, 5, 10)]
    return ["-" if value is None else f"{value:.{digits}f}" for value in (*values, figures["MR"])]


def _escape_cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
