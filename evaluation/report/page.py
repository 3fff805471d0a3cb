"""The report as one HTML page without scripts, which contains its style, plots and thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ...config import Settings
from .cases import render_worst_cases
from .markdown import HEAD, format_recalls
from .plots import Bars, draw_overlap_map, draw_recall_bars

STYLE = Path(__file__).parent / "page.css"
FAILURES_NAMED = 50


def render(document: dict[str, Any], settings: Settings) -> str:
    """Render the document of `document.build` as a page. Pictures that no longer exist are left blank."""
    title = f"{document['dataset']}, {document['encoder']}"
    body = "\n".join(
        [
            _render_summary(document),
            _render_bars(document),
            _render_figures(document),
            _render_published(document["published"]),
            _render_consistency(document["consistency"]),
            _render_hubness(document["hubness"]),
            _render_cuts(document["relevance_cut"]),
            _render_index(document["ann"]),
            _render_failures(document["failures"]),
            render_worst_cases(document["worst"], settings),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: retrieval</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _render_summary(document: dict[str, Any]) -> str:
    mean = document["mean"]
    tiles = [
        ("pictures", f"{document['images']:,}"),
        ("captions", f"{document['texts']:,}"),
        ("languages", str(len(document["languages"]))),
        ("text to image R@10", f"{mean['text_to_image']['R@10']:.2f}"),
        ("image to text R@10", f"{mean['image_to_text']['R@10']:.2f}"),
        ("mean recall MR", f"{mean['MR']:.2f}"),
    ]
    tile_elements = "".join(f'<div class="tile"><b>{escape(value)}</b>{escape(name)}</div>' for name, value in tiles)
    return (
        f"<h1>{escape(document['dataset'])}, {escape(document['encoder'])}</h1>"
        f'<p class="soft">Retrieval, percent. Encoder fingerprint <code>{escape(document["fingerprint"])}</code></p>'
        f'<div class="tiles">{tile_elements}</div>'
    )


def _render_bars(document: dict[str, Any]) -> str:
    rows = []
    for language, recalls in document["languages"].items():
        same_encoder = [
            row for row in document["published"] if row["language"] == language and row["agrees"] is not None
        ]
        marks = {
            way: row[way]["R@10"] for row in same_encoder for way in ("text_to_image", "image_to_text") if row[way]
        }
        chance = {way: by_cut["R@10"] for way, by_cut in document["chance"][language].items()}
        rows.append(Bars(language, recalls, chance, marks))
    legend = (
        '<div class="legend"><span><i class="key text_to_image"></i>text to image</span>'
        '<span><i class="key image_to_text"></i>image to text</span>'
        "<span>full, half, pale: R@1, R@5, R@10</span><span>| R@10 by chance</span>"
        + ("<span>◆ published R@10 of this encoder</span>" if any(row.published for row in rows) else "")
        + "</div>"
    )
    return f"<h2>Recall in each language</h2>{legend}{draw_recall_bars(rows)}"


def _render_figures(document: dict[str, Any]) -> str:
    rows = [[language, *format_recalls(recalls)] for language, recalls in document["languages"].items()]
    return "<h2>Figures</h2>" + _render_table(HEAD, rows, last=["mean", *format_recalls(document["mean"])])


def _render_published(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    head = ["language", "method", *HEAD[1:], "difference", "agrees"]
    verdict = {True: "yes", False: "no", None: ""}
    cells = [
        [
            row["language"],
            row["method"],
            *format_recalls(row, digits=1),
            f"{row['largest_difference']:.2f}",
            verdict[row["agrees"]],
        ]
        for row in rows
    ]
    sources = "".join(f"<li>{escape(source)}</li>" for source in dict.fromkeys(row["source"] for row in rows))
    return (
        "<h2>Published figures</h2>"
        + _render_table(head, cells)
        + '<p class="soft">Difference: the largest of the row from ours, in points. Sources:</p>'
        + f'<ul class="soft">{sources}</ul>'
    )


def _render_consistency(consistency: dict[str, Any]) -> str:
    if consistency["mean"] is None:
        return ""
    return (
        "<h2>Consistency across languages</h2><p>How many of the first ten pictures are the same, in percent, when the "
        f"same picture's caption is asked in two languages. Mean of all pairs: {100 * consistency['mean']:.1f}.</p>"
        + draw_overlap_map(consistency["languages"], consistency["pairs"])
    )


def _render_hubness(hubness: dict[str, Any]) -> str:
    head = ["language"]
    for kind in ("pictures", "captions"):
        head += [f"{kind}: skewness", "most often", "never %"]
    rows = [
        [language]
        + [
            cell
            for kind in ("images", "texts")
            for cell in (
                f"{hubness_of_language[kind]['skewness']:.2f}",
                str(hubness_of_language[kind]["largest"]),
                f"{100 * hubness_of_language[kind]['never']:.1f}",
            )
        ]
        for language, hubness_of_language in hubness.items()
    ]
    return (
        "<h2>Hubs</h2><p>Skewness of how often a picture (or caption) is among the first ten answers: 0 where all get "
        "their turn, the larger the more a few of them crowd out the rest.</p>" + _render_table(head, rows)
    )


def _render_cuts(cuts_of_languages: dict[str, Any]) -> str:
    head = ["language"]
    first = next(iter(cuts_of_languages.values()))
    for cut in first:
        head += [f"≥ {cut['relevance']:g}: precision", "recall", "shown"]
    rows = [
        [language]
        + [
            cell
            for cut in cuts
            for cell in (
                "-" if cut["precision"] is None else f"{100 * cut['precision']:.1f}",
                f"{100 * cut['recall']:.1f}",
                f"{cut['shown']:.1f}",
            )
        ]
        for language, cuts in cuts_of_languages.items()
    ]
    return (
        "<h2>Relevance cut</h2><p>If only results of at least this relevance were shown: how many of them are right, "
        "how many of the right ones are shown, and how many are shown for a query. Precision is a lower bound: other "
        "pictures that fit a caption count as wrong.</p>" + _render_table(head, rows)
    )


def _render_index(index: dict[str, Any]) -> str:
    return (
        f"<h2>Index</h2><p>Recall of the first ten by the library's index against an exact search over "
        f"{index['vectors']:,} vectors, {index['queries']:,} queries: <b>{index['recall']:.4f}</b>.</p>"
    )


def _render_failures(failures: Sequence[dict[str, str]]) -> str:
    if not failures:
        return ""
    items = "".join(
        f"<li><code>{escape(failure['path'])}</code> {escape(failure['reason'])}</li>"
        for failure in failures[:FAILURES_NAMED]
    )
    remaining = len(failures) - FAILURES_NAMED
    more = f"<p>… and {remaining} more, all in report.json.</p>" if remaining > 0 else ""
    return f"<h2>Pictures left out: {len(failures)}</h2><ul>{items}</ul>{more}"


def _render_table(head: Sequence[str], rows: Sequence[Sequence[str]], last: Sequence[str] = ()) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    if last:
        body += '<tr class="mean">' + "".join(f"<td>{escape(cell)}</td>" for cell in last) + "</tr>"
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
