"""What all figures share: layout, axes with the language's own numbers, graph wrapper."""

# ruff: noqa: A002 - id is the word Dash uses for the same thing
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.palette import FONT, PALETTES, Theme, colour_of
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_cell, format_compact

Json: TypeAlias = dict[str, object]
MarkKind = Literal["policy", "decision", "correction"]
SIZE = 12


@dataclass(frozen=True)
class Series:
    """One thing drawn over the same days or groups; ``status`` (a colour or level id) fixes its colour."""

    name: str
    values: tuple[Cell, ...]
    status: str = ""


@dataclass(frozen=True)
class Mark:
    """Something that happened on a day: a policy version, a decision, a correction of the data."""

    day: date
    text: str
    kind: MarkKind = "policy"


@dataclass(frozen=True)
class RestatedPoint:
    """A point of a chart that an earlier snapshot had stated otherwise.

    ``series`` counts from 0; ``kind`` is the word for late or corrected, ``known`` says since when.
    """

    series: int
    day: date
    before: Cell
    after: Cell
    kind: str
    known: str


def colours_of(series: Sequence[Series], theme: Theme) -> tuple[str, ...]:
    """The colour of each series: its status, or the categories in order.

    Raises ``ValueError`` for more than six categories: nobody tells a seventh colour apart.
    """
    cats = iter(PALETTES[theme].cat)
    chosen = [colour_of(theme, s.status) if s.status else next(cats, "") for s in series]
    if "" in chosen:
        raise ValueError("more than six series without a status; show the largest and group the others")
    return tuple(chosen)


def value_text(figure: Cell, unit: str, lang: Lang) -> str:
    """The exact value with its unit, or the word of the state."""
    text = format_cell(lang, figure, exact=True)
    return text if figure.value is None or not unit else t(lang, "ui.chart.value", value=text, unit=unit)


def axis_ticks(low: float, high: float, lang: Lang, *, count: int = 4) -> tuple[list[float], list[str]]:
    """About ``count`` round steps from ``low`` to ``high`` and their texts (``2 万``, ``20 k``)."""
    span = high - low
    if span <= 0:
        return [low], [tick_text(low, lang)]
    raw = span / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= raw * 0.999)
    if step < 1 and high > 2:
        step = 1.0
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [round(i * step, 10) for i in range(first, last + 1)]
    return values, [tick_text(v, lang) for v in values]


def tick_text(value: float, lang: Lang) -> str:
    """A round number without trailing zeros behind the point."""
    sign, text = ("−" if value < 0 else ""), format_compact(lang, abs(value))
    number, mark, unit = text.partition("\u2009")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return sign + number + mark + unit


def base_layout(
    theme: Theme, *, margin: tuple[int, int, int, int], hovermode: str | bool = "closest"
) -> Json:
    """Layout without axes; ``margin`` is left, right, top, bottom in pixels."""
    p = PALETTES[theme]
    left, right, top, bottom = margin
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": SIZE, "color": p.text},
        "margin": {"l": left, "r": right, "t": top, "b": bottom, "pad": 0},
        "hovermode": hovermode,
        "hoverlabel": {
            "bgcolor": p.surface,
            "bordercolor": p.border_strong,
            "font": {"family": FONT, "size": SIZE, "color": p.text},
            "align": "left",
            "namelength": -1,
        },
        "showlegend": False,
        "dragmode": False,
        "transition": {"duration": 0},
        "shapes": [],
        "annotations": [],
    }


def plain_axis(theme: Theme, **more: object) -> Json:
    """An axis without grid, line or zoom."""
    p = PALETTES[theme]
    return {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "fixedrange": True,
        "ticks": "",
        "tickfont": {"color": p.text_dim, "size": SIZE},
        "automargin": False,
        **more,
    }


def value_axis(theme: Theme, lang: Lang, *, low: float, high: float, count: int = 4) -> Json:
    """A value axis from ``low`` to ``high`` with a faint grid and ticks in the language's numbers."""
    p = PALETTES[theme]
    values, texts = axis_ticks(low, high, lang, count=count)
    return plain_axis(
        theme,
        range=[low, high],
        tickvals=values,
        ticktext=texts,
        showgrid=True,
        gridcolor=p.border,
        gridwidth=1,
    )


def note(text: str, *, theme: Theme, **more: object) -> Json:
    """A short text inside a figure, without an arrow; ``more`` places it (``x``, ``y``, anchors)."""
    return {
        "text": text,
        "showarrow": False,
        "font": {"size": SIZE, "color": PALETTES[theme].text_dim},
        **more,
    }


def text_width(text: str) -> int:
    """Width of ``text`` in pixels at 12 px, good to a few pixels: a Chinese character is as wide as high."""
    return round(sum(12.2 if ord(ch) > 0x2E7F or ch in "■▲●◆◇○" else 7.0 for ch in text))


def legend_above(theme: Theme) -> Json:
    """A legend in one line above the plot, for more series than lines can be labelled directly."""
    return {
        "orientation": "h",
        "x": 0,
        "y": 1.02,
        "yanchor": "bottom",
        "font": {"size": SIZE, "color": PALETTES[theme].text},
        "itemclick": False,
        "itemdoubleclick": False,
        "traceorder": "normal",
    }


def figure(data: list[Json], layout: Json) -> Json:
    """A figure as a plain dict; building it through plotly's own classes costs ten times the query."""
    return {"data": data, "layout": layout}


def graph(
    *, id: str, figure: Json, height: int, lang: Lang, label: str, filename: str = "tianfu"
) -> Component:
    """Show ``figure`` at least ``height`` pixels high, filling its card, with one button: the picture as PNG.

    ``label`` says in words what the picture shows, for a reader who cannot see it.
    """
    return html.Div(
        dcc.Graph(
            id=id,
            figure=figure,
            responsive=True,
            config={
                "displaylogo": False,
                "showSendToCloud": False,
                "showEditInChartStudio": False,
                "plotlyServerURL": "",
                "scrollZoom": False,
                "doubleClick": False,
                "displayModeBar": "hover",
                "modeBarButtons": [["toImage"]],
                "toImageButtonOptions": {"format": "png", "filename": filename, "scale": 2},
                "locale": lang,
                "locales": {
                    lang: {"dictionary": {"Download plot as a PNG": t(lang, "ui.chart.png")}, "format": {}}
                },
            },
            className="tf-graph-plot",
            style={"height": "100%", "width": "100%"},
        ),
        className="tf-graph",
        style={"minHeight": height},
        role="group",
        **{"aria-label": label},
    )
