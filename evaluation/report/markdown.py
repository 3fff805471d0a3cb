"""The report as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

HEAD = ["language", "T2I R@1", "R@5", "R@10", "I2T R@1", "R@5", "R@10", "MR"]
"""T2I: a caption finds its picture; I2T: a picture finds its caption."""

FAILURES_NAMED = 20


def render(document: dict[str, Any]) -> str:
    """The document of `document.build` as Markdown."""
    parts = [
        f"# {_cell(document['dataset'])}, {_cell(document['encoder'])}",
        f"{document['images']} pictures, {document['texts']} captions, percent. "
        f"Fingerprint of the encoder: `{document['fingerprint']}`.",
        figures(document),
    ]
    if document["published"]:
        parts += ["## Published figures", beside(document["published"])]
    parts += ["## More", more(document)]
    if document["failures"]:
        failures = [f"- {_cell(one['path'])}: {_cell(one['reason'])}" for one in document["failures"][:FAILURES_NAMED]]
        left = len(document["failures"]) - len(failures)
        failures += [f"- … and {left} more, all in report.json"] if left else []
        parts += [f"## Pictures left out: {len(document['failures'])}", "\n".join(failures)]
    return "\n\n".join(parts) + "\n"


def figures(document: dict[str, Any]) -> str:
    """Both directions of each language, the mean, and what chance gives on average."""
    rows = [[language, *seven(one)] for language, one in document["languages"].items()]
    rows.append(["**mean**", *seven(document["mean"])])
    return table(HEAD, rows)


def beside(rows: Sequence[dict[str, Any]]) -> str:
    """Published rows with their largest difference from ours."""
    head = ["language", "method", *HEAD[1:], "largest difference", "agrees", "source"]
    verdict = {True: "yes", False: "**no**", None: ""}
    return table(
        head,
        [
            [
                row["language"],
                row["method"],
                *seven(row, digits=1),
                f"{row['largest_difference']:.2f}",
                verdict[row["agrees"]],
                row["source"],
            ]
            for row in rows
        ],
    )


def more(document: dict[str, Any]) -> str:
    """Chance, hubness, the relevance cut at one half, for each language; consistency and the index in one line."""
    rows = []
    for language in document["languages"]:
        hubs = document["hubness"][language]
        cut = next(one for one in document["relevance_cut"][language] if one["relevance"] == 0.5)
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
    """A Markdown table; what is in the cells is made harmless."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def seven(one: dict[str, Any], digits: int = 2) -> list[str]:
    """Both directions' recalls and MR as text; what a published row lacks is "-"."""
    values = [one[way].get(f"R@{cut}") for way in ("text_to_image", "image_to_text") for cut in (1, 5, 10)]
    return ["-" if value is None else f"{value:.{digits}f}" for value in (*values, one["MR"])]


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
