"""Legends: status with shape, letter and count; density and change as steps with their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dash import html
from dash.development.base_component import Component

from dashboard.components.badges import COLOUR_LETTERS, LEVEL_LETTERS, status_mark
from dashboard.i18n.catalogue import Lang, t

_STEPS = {
    "density": [f"seq-{i}" for i in range(7)],
    "change": ["div-n3", "div-n2", "div-n1", "div-0", "div-p1", "div-p2", "div-p3"],
}


@dataclass(frozen=True)
class LegendItem:
    """One status: its colour or level id, its word, and the formatted count (empty: none shown)."""

    status: str
    name: str
    count: str = ""


def status_legend(items: tuple[LegendItem, ...], *, lang: Lang) -> Component:
    """Shape, letter, word and count of each status."""
    rows = [
        html.Li(
            [
                status_mark(item.status),
                html.Span(
                    COLOUR_LETTERS.get(item.status) or LEVEL_LETTERS.get(item.status, "?"),
                    className="tf-badge-letter",
                ),
                html.Span(item.name),
                html.Span(item.count, className="tf-num tf-legend-count") if item.count else None,
            ]
        )
        for item in items
    ]
    return html.Ul(rows, className="tf-legend", **{"aria-label": t(lang, "ui.legend")})


def scale_legend(
    *, kind: Literal["density", "change"], low: str, high: str, lang: Lang, missing: bool = True
) -> Component:
    """The seven steps of a scale between the texts of its limits, and the hatch of *missing*."""
    steps = [html.Span(style={"background": f"var(--tf-{step})"}) for step in _STEPS[kind]]
    return html.Div(
        [
            html.Span(low, className="tf-num"),
            html.Span(steps, className="tf-scale", **{"aria-hidden": "true"}),
            html.Span(high, className="tf-num"),
            html.Span([status_mark("unknown"), t(lang, "ui.legend.missing")], className="tf-legend-missing")
            if missing
            else None,
        ],
        className="tf-legend tf-legend-scale",
        role="group",
        **{"aria-label": t(lang, "ui.legend")},
    )
