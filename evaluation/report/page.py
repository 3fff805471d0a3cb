"""The report as one HTML page without scripts: its style, plots and thumbnails are inside it."""

from __future__ import annotations

import base64
import functools
import io
import os
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

from ...config import Settings
from ...data.pictures import files, images
from ...errors import PictureError
from .markdown import HEAD, seven
from .plots import Bars, overlap_map, recall_bars

STYLE = Path(__file__).parent / "page.css"
THUMBNAIL = 168
"""Pixels of a thumbnail's long side: twice what the page shows, for dense screens."""

QUALITY = 72
FAILURES_NAMED = 50
Thumbnail: TypeAlias = Callable[[str], str]


def render(document: dict[str, Any], settings: Settings) -> str:
    """The document of `document.build` as a page. Pictures that went away meanwhile are left blank."""
    thumbnail = functools.cache(functools.partial(_thumbnail, settings=settings))
    title = f"{document['dataset']}, {document['encoder']}"
    body = "\n".join(
        [
            _top(document),
            _bars(document),
            _figures(document),
            _published(document["published"]),
            _consistency(document["consistency"]),
            _hubness(document["hubness"]),
            _cuts(document["relevance_cut"]),
            _index(document["ann"]),
            _failures(document["failures"]),
            _worst(document["worst"], thumbnail),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: retrieval</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _top(document: dict[str, Any]) -> str:
    mean = document["mean"]
    tiles = [
        ("pictures", f"{document['images']:,}"),
        ("captions", f"{document['texts']:,}"),
        ("languages", str(len(document["languages"]))),
        ("text to image R@10", f"{mean['text_to_image']['R@10']:.2f}"),
        ("image to text R@10", f"{mean['image_to_text']['R@10']:.2f}"),
        ("mean recall MR", f"{mean['MR']:.2f}"),
    ]
    shown = "".join(f'<div class="tile"><b>{escape(value)}</b>{escape(name)}</div>' for name, value in tiles)
    return (
        f"<h1>{escape(document['dataset'])}, {escape(document['encoder'])}</h1>"
        f'<p class="soft">Retrieval, percent. Encoder fingerprint <code>{escape(document["fingerprint"])}</code></p>'
        f'<div class="tiles">{shown}</div>'
    )


def _bars(document: dict[str, Any]) -> str:
    rows = []
    for language, recalls in document["languages"].items():
        own = [row for row in document["published"] if row["language"] == language and row["agrees"] is not None]
        marks = {way: row[way]["R@10"] for row in own for way in ("text_to_image", "image_to_text") if row[way]}
        chance = {way: one["R@10"] for way, one in document["chance"][language].items()}
        rows.append(Bars(language, recalls, chance, marks))
    legend = (
        '<div class="legend"><span><i class="key text_to_image"></i>text to image</span>'
        '<span><i class="key image_to_text"></i>image to text</span>'
        "<span>full, half, pale: R@1, R@5, R@10</span><span>| R@10 by chance</span>"
        + ("<span>◆ published R@10 of this encoder</span>" if any(row.published for row in rows) else "")
        + "</div>"
    )
    return f"<h2>Recall in each language</h2>{legend}{recall_bars(rows)}"


def _figures(document: dict[str, Any]) -> str:
    rows = [[language, *seven(one)] for language, one in document["languages"].items()]
    return "<h2>Figures</h2>" + _table(HEAD, rows, last=["mean", *seven(document["mean"])])


def _published(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    head = ["language", "method", *HEAD[1:], "difference", "agrees"]
    verdict = {True: "yes", False: "no", None: ""}
    cells = [
        [
            row["language"],
            row["method"],
            *seven(row, digits=1),
            f"{row['largest_difference']:.2f}",
            verdict[row["agrees"]],
        ]
        for row in rows
    ]
    sources = "".join(f"<li>{escape(source)}</li>" for source in dict.fromkeys(row["source"] for row in rows))
    return (
        "<h2>Published figures</h2>"
        + _table(head, cells)
        + '<p class="soft">Difference: the largest of the row from ours, in points. Sources:</p>'
        + f'<ul class="soft">{sources}</ul>'
    )


def _consistency(found: dict[str, Any]) -> str:
    if found["mean"] is None:
        return ""
    return (
        "<h2>Consistency across languages</h2><p>How many of the first ten pictures are the same, in percent, when the "
        f"same picture's caption is asked in two languages. Mean of all pairs: {100 * found['mean']:.1f}.</p>"
        + overlap_map(found["languages"], found["pairs"])
    )


def _hubness(found: dict[str, Any]) -> str:
    head = ["language"]
    for kind in ("pictures", "captions"):
        head += [f"{kind}: skewness", "most often", "never %"]
    rows = [
        [language]
        + [
            cell
            for kind in ("images", "texts")
            for cell in (
                f"{one[kind]['skewness']:.2f}",
                str(one[kind]["largest"]),
                f"{100 * one[kind]['never']:.1f}",
            )
        ]
        for language, one in found.items()
    ]
    return (
        "<h2>Hubs</h2><p>Skewness of how often a picture (or caption) is among the first ten answers: 0 where all get "
        "their turn, the larger the more a few of them crowd out the rest.</p>" + _table(head, rows)
    )


def _cuts(found: dict[str, Any]) -> str:
    head = ["language"]
    first = next(iter(found.values()))
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
        for language, cuts in found.items()
    ]
    return (
        "<h2>Relevance cut</h2><p>If only results of at least this relevance were shown: how many of them are right, "
        "how many of the right ones are shown, and how many are shown for a query. Precision is a lower bound: other "
        "pictures that fit a caption count as wrong.</p>" + _table(head, rows)
    )


def _index(found: dict[str, Any]) -> str:
    return (
        f"<h2>Index</h2><p>Recall of the first ten by the library's index against an exact search over "
        f"{found['vectors']:,} vectors, {found['queries']:,} queries: <b>{found['recall']:.4f}</b>.</p>"
    )


def _failures(failures: Sequence[dict[str, str]]) -> str:
    if not failures:
        return ""
    items = "".join(
        f"<li><code>{escape(one['path'])}</code> {escape(one['reason'])}</li>" for one in failures[:FAILURES_NAMED]
    )
    left = len(failures) - FAILURES_NAMED
    more = f"<p>… and {left} more, all in report.json.</p>" if left > 0 else ""
    return f"<h2>Pictures left out: {len(failures)}</h2><ul>{items}</ul>{more}"


def _worst(found: dict[str, Any], thumbnail: Thumbnail) -> str:
    parts = ["<h2>Worst failures</h2>"]
    if found["text_to_image"]:
        cards = "".join(_text_case(case, thumbnail) for case in found["text_to_image"])
        parts.append(f'<h3>A caption did not find its picture</h3><div class="cases">{cards}</div>')
    if found["image_to_text"]:
        cards = "".join(_image_case(case, thumbnail) for case in found["image_to_text"])
        parts.append(f'<h3>A picture did not find its caption</h3><div class="cases">{cards}</div>')
    return "".join(parts) if len(parts) > 1 else ""


def _text_case(case: dict[str, Any], thumbnail: Thumbnail) -> str:
    found = "".join(_figure(path, f"{rank}", thumbnail) for rank, path in enumerate(case["found"], start=1))
    wanted = _figure(case["image"], "wanted", thumbnail, "right")
    return (
        f'<article class="case">{_case_head(case)}<p class="caption" {_speech(case)}>{escape(case["text"])}</p>'
        f'<div class="row"><div class="own">{wanted}</div>{found}</div></article>'
    )


def _image_case(case: dict[str, Any], thumbnail: Thumbnail) -> str:
    own = "".join(f'<p class="caption" {_speech(case)}>{escape(text)}</p>' for text in case["texts"])
    found = "".join(f"<li {_speech(case)}>{escape(text)}</li>" for text in case["found"])
    picture = _figure(case["image"], "picture", thumbnail, "right")
    return (
        f'<article class="case">{_case_head(case)}{own}<div class="row"><div class="own">{picture}</div>'
        f"<ol>{found}</ol></div></article>"
    )


def _case_head(case: dict[str, Any]) -> str:
    return (
        f"<header><span>{escape(case['language'])}</span><span>rank {case['rank']:g} of {case['of']:,}</span></header>"
    )


def _speech(case: dict[str, Any]) -> str:
    """Language and direction of a text that may be in any script."""
    return f'lang="{escape(case["language"])}" dir="auto"'


def _figure(path: str, label: str, thumbnail: Thumbnail, kind: str = "") -> str:
    source = thumbnail(path)
    name = os.path.basename(path)
    picture = f'<img src="{source}" alt="{escape(name)}">' if source else '<div class="none"></div>'
    return f'<figure class="{kind}" title="{escape(name)}">{picture}<figcaption>{escape(label)}</figcaption></figure>'


def _thumbnail(path: str, settings: Settings) -> str:
    """A small JPEG as a data: address; empty if the picture is gone or its path was not plain text."""
    try:
        data = files.read_bytes(os.fsencode(path), max_bytes=settings.max_file_bytes)
        image = images.decode(data, side=THUMBNAIL, max_pixels=settings.max_pixels).image
    except PictureError:
        return ""
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], last: Sequence[str] = ()) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    if last:
        body += '<tr class="mean">' + "".join(f"<td>{escape(cell)}</td>" for cell in last) + "</tr>"
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
