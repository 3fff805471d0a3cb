"""Plots as SVG text for an HTML page; the page's style sheet sets the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
LEFT = 92
RIGHT = 60
BAR = 13
GAP = 3
ROW = 2 * BAR + GAP + 14
CUTS = ("R@10", "R@5", "R@1")  # widest first: shorter bars are drawn over it


@dataclass(frozen=True)
class Bars:
    """A language's pair of bars: recalls of both directions, R@10 of chance, and published R@10, all in percent."""

    label: str
    recalls: Mapping[str, Mapping[str, float]]
    chance: Mapping[str, float]
    published: Mapping[str, float]


def draw_recall_bars(rows: Sequence[Bars]) -> str:
    """Horizontal bars: R@1, R@5 and R@10 over each other, text to image above image to text."""
    height = ROW * len(rows) + 34
    parts = [f'<svg class="bars" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Recall per language">']
    for percent in range(0, 101, 20):
        x = _x(percent)
        parts.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 24}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 8}">{percent}</text>')
    for number, row in enumerate(rows):
        y = ROW * number + 8
        parts.append(f'<text class="name" x="{LEFT - 10}" y="{y + BAR + 5}">{escape(row.label)}</text>')
        parts += _draw_bar(row, "text_to_image", y)
        parts += _draw_bar(row, "image_to_text", y + BAR + GAP)
    return "".join([*parts, "</svg>"])


def _draw_bar(row: Bars, way: str, y: int) -> list[str]:
    values = row.recalls[way]
    parts = [
        f'<rect class="{way} c{cut[2:]}" x="{LEFT}" y="{y}" width="{_x(values[cut]) - LEFT:.1f}" height="{BAR}">'
        f"<title>{escape(row.label)} {way.replace('_', ' ')} {cut}: {values[cut]:.1f}</title></rect>"
        for cut in CUTS
    ]
    chance = _x(row.chance[way])
    parts.append(f'<line class="chance" x1="{chance:.1f}" x2="{chance:.1f}" y1="{y}" y2="{y + BAR}"/>')
    if way in row.published:
        x, middle = _x(row.published[way]), y + BAR / 2
        parts.append(f'<path class="published" d="M{x - 5:.1f} {middle}l5 -5l5 5l-5 5z"/>')
    parts.append(
        f'<text class="value" x="{_x(max(values["R@10"], 0)) + 6:.1f}" y="{y + BAR - 2}">{values["R@10"]:.1f}</text>'
    )
    return parts


def draw_overlap_map(languages: Sequence[str], pairs: Sequence[Sequence[float | None]]) -> str:
    """A square map of the overlaps, 0 to 1, of pairs of languages: a larger overlap has a fuller colour."""
    cell, margin = 46, 36
    size = cell * len(languages) + margin
    parts = [
        f'<svg class="map" viewBox="0 0 {size} {size}" style="max-width:{size}px" role="img" aria-label="Overlap">'
    ]
    for row, left in enumerate(languages):
        middle = margin + cell * row + cell / 2
        parts.append(f'<text class="name" x="{margin - 8}" y="{middle + 4}">{escape(left)}</text>')
        parts.append(f'<text class="tick" x="{middle}" y="{margin - 10}">{escape(left)}</text>')
        for column, value in enumerate(pairs[row]):
            if value is None or row == column:
                continue
            x, y = margin + cell * column, margin + cell * row
            parts.append(
                f'<rect class="overlap" x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" '
                f'fill-opacity="{value:.2f}"/>'
                f'<text class="share{" full" if value > 0.55 else ""}" x="{x + cell / 2 - 1}" y="{y + cell / 2 + 4}">'
                f"{100 * value:.0f}</text>"
            )
    return "".join([*parts, "</svg>"])


def _x(percent: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * percent / 100
