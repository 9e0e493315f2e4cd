"""A trend in the height of two lines of text: an SVG picture of under a kilobyte, no chart engine."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.palette import PALETTES, Theme
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_compact

_WIDTH, _HEIGHT, _PAD = 120.0, 30.0, 3.0


def sparkline(
    trend: Sequence[Cell], *, lang: Lang, theme: Theme, restated: Sequence[int] = (), restated_words: str = ""
) -> Component:
    """The cells of ``trend``, oldest first, as a line; a day without a value is a gap.

    ``restated`` are places in ``trend`` whose value an earlier snapshot had stated otherwise; they are
    marked, and ``restated_words`` says so.

    The scale runs from the lowest to the highest value (a trend, not an amount), and the words for a
    screen reader carry lowest, highest and latest.
    """
    values = [c.value for c in trend]
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return html.Div(t(lang, "ui.spark.none"), className="tf-spark tf-spark-none")
    last = values[-1]
    words = t(
        lang,
        "ui.spark",
        days=len(values),
        low=format_compact(lang, min(known)),
        high=format_compact(lang, max(known)),
        last=t(lang, f"cell.{trend[-1].state}") if last is None else format_compact(lang, last),
    )
    words = f"{words} {restated_words}" if restated_words else words
    return html.Img(
        src=spark_source(values, theme=theme, restated=restated), alt=words, title=words, className="tf-spark"
    )


def spark_source(values: Sequence[float | None], *, theme: Theme, restated: Sequence[int] = ()) -> str:
    """The picture as a ``data:`` URI; the policy of the page must allow ``img-src data:``."""
    p = PALETTES[theme]
    lines = []
    for run in _runs(_points(values)):
        if len(run) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            floor = f"{run[-1][0]:.1f},{_HEIGHT:.0f} {run[0][0]:.1f},{_HEIGHT:.0f}"
            lines.append(f'<polygon points="{path} {floor}" fill="{p.accent}" fill-opacity="0.10"/>')
            lines.append(
                f'<polyline points="{path}" fill="none" stroke="{p.accent}" stroke-width="1.5" '
                'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
            )
        else:
            x, y = run[0]
            lines.append(
                f'<rect x="{x - 0.6:.1f}" y="{y - 1.5:.1f}" width="1.2" height="3" fill="{p.accent}"/>'
            )
    points = _points(values)
    for place in restated:
        point = points[place]
        if point is not None:
            x = point[0]
            lines.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEIGHT:.0f}" stroke="{p.text_dim}" '
                'stroke-width="1" stroke-dasharray="2 2" vector-effect="non-scaling-stroke"/>'
            )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" '
        f'preserveAspectRatio="none">{"".join(lines)}</svg>'
    )
    return "data:image/svg+xml," + quote(svg, safe="/:=,.-' ")


def _points(values: Sequence[float | None]) -> list[tuple[float, float] | None]:
    known = [v for v in values if v is not None]
    low, high = min(known), max(known)
    span = high - low
    step = _WIDTH / max(1, len(values) - 1)
    room = _HEIGHT - 2 * _PAD
    # A level trend runs through the middle: at the floor it would look like zero.
    return [
        None if v is None else (i * step, _HEIGHT - _PAD - room * ((v - low) / span if span else 0.5))
        for i, v in enumerate(values)
    ]


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]
