"""Figures over days and areas as plain dicts: lines, stacked bars, ranked bars.

Values arrive as cells. A cell without a value is a gap with a sign, never a zero; every hover is a
sentence with the exact value. The title and unit stand in the card, not in the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard.cells import Cell
from dashboard.components.badges import sign_of
from dashboard.components.chart_notes import end_labels, happenings, restated_points
from dashboard.components.chart_parts import (
    Json,
    Mark,
    RestatedPoint,
    Series,
    base_layout,
    colours_of,
    figure,
    legend_above,
    note,
    plain_axis,
    text_width,
    value_axis,
    value_text,
)
from dashboard.components.palette import PALETTES, Theme, colour_of
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_cell, format_compact, format_day

_DASHES = ("solid", "solid", "dash", "dot", "dashdot", "longdash")


@dataclass(frozen=True)
class RankRow:
    """One area of a ranking; ``status`` (a level or colour id) gives the bar its colour and its sign."""

    name: str
    value: Cell
    status: str = ""


def trend_lines(
    *,
    days: Sequence[date],
    series: Sequence[Series],
    unit: str,
    lang: Lang,
    theme: Theme,
    from_zero: bool = False,
    incomplete_from: date | None = None,
    marks: Sequence[Mark] = (),
    restated: Sequence[RestatedPoint] = (),
    height: int = 240,
) -> Json:
    """Lines over ``days`` (oldest first, one cell a day in each series).

    Up to four series are labelled at their end, more get a legend. Days from ``incomplete_from`` on are
    shaded because later reports may still change them. Points that were ``restated`` carry a sign that says
    what they had been before. ``height`` in pixels keeps labels apart.
    """
    p = PALETTES[theme]
    colours = colours_of(series, theme)
    direct = len(series) <= 4
    known = [c.value for s in series for c in s.values if c.value is not None]
    low, high = _limits(known, from_zero=from_zero)
    label_room = (
        36 + max((text_width(s.name) for s in series), default=0) if direct and len(series) > 1 else 14
    )
    points = restated_points(days, series, restated, unit=unit, lang=lang, theme=theme)
    shapes, notes, label_rows = happenings(
        days, marks, incomplete_from, restated=points is not None, lang=lang, theme=theme
    )
    top = 10 + 16 * label_rows + (0 if direct else 22)
    layout = base_layout(theme, margin=(48, label_room, top, 24), hovermode="x unified")
    xs = [format_day(d) for d in days]
    data: list[Json] = []
    for s, colour, dash in zip(series, colours, _DASHES, strict=False):
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(days) <= 14 else "lines",
                "name": s.name,
                "x": xs,
                "y": [c.value for c in s.values],
                "connectgaps": False,
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {"size": 5, "color": colour},
                "hovertext": [_point(s.name, c, unit, lang) for c in s.values],
                "hovertemplate": "%{hovertext}<extra></extra>",
                "showlegend": not direct,
            }
        )
        data += _missing_marks(days, s, low=low, unit=unit, lang=lang, theme=theme)
    if points is not None:
        data.append(points)
    if direct and len(series) > 1:
        notes += end_labels(xs, series, colours, low=low, high=high, room=height - top - 24, ink=p.text)
    layout["shapes"], layout["annotations"] = shapes, notes
    layout["xaxis"] = _day_axis(days, theme)
    layout["yaxis"] = value_axis(theme, lang, low=low, high=high)
    if not direct:
        layout["showlegend"], layout["legend"] = (
            True,
            legend_above(theme) | {"y": 1 + 16 * label_rows / height + 0.02},
        )
    if not known:
        layout["annotations"] = [*notes, _nothing(lang, theme)]
    layout["hoverdistance"] = 30
    layout["spikedistance"] = -1
    return figure(data, layout)


def stacked_bars(
    *,
    groups: Sequence[str],
    series: Sequence[Series],
    unit: str,
    lang: Lang,
    theme: Theme,
    group_words: Sequence[str] | None = None,
) -> Json:
    """Bars from zero, one per group (an hour, an age band), stacked by series in the given order.

    ``group_words`` are the groups as the hover says them. A group with nothing reported carries a sign.
    """
    p = PALETTES[theme]
    words = group_words or groups
    sums = [
        [c.value for c in column if c.value is not None]
        for column in zip(*(s.values for s in series), strict=True)
    ]
    data: list[Json] = []
    for s, colour in zip(series, colours_of(series, theme), strict=True):
        marker: Json = {"color": colour, "line": {"width": 1, "color": p.surface}}
        if s.status and colour == p.unknown:
            marker["pattern"] = {
                "shape": "/",
                "size": 5,
                "solidity": 0.35,
                "fgcolor": p.surface,
                "fillmode": "overlay",
            }
        data.append(
            {
                "type": "bar",
                "name": f"{sign_of(s.status)} {s.name}" if s.status else s.name,
                "x": list(groups),
                "y": [c.value for c in s.values],
                "marker": marker,
                "hovertext": [
                    t(lang, "ui.chart.heat", row=w, column=s.name, value=value_text(c, unit, lang))
                    for w, c in zip(words, s.values, strict=True)
                ],
                "hoverinfo": "text",
            }
        )
    layout = base_layout(theme, margin=(48, 8, 34, 24))
    high = max((sum(column) for column in sums if column), default=0.0)
    layout |= {"barmode": "stack", "bargap": 0.22, "showlegend": True, "legend": legend_above(theme)}
    layout["xaxis"] = plain_axis(theme, type="category", nticks=13)
    layout["yaxis"] = value_axis(theme, lang, low=0.0, high=high * 1.04 or 1.0)
    layout["annotations"] = [
        note(
            "×",
            x=g,
            y=0,
            theme=theme,
            yanchor="bottom",
            hovertext=f"{w}：{t(lang, 'cell.not_reported')}",
            captureevents=True,
        )
        for g, w, column in zip(groups, words, sums, strict=True)
        if not column
    ]
    return figure(data, layout)


def ranked_bars(
    *, rows: Sequence[RankRow], unit: str, lang: Lang, theme: Theme, in_order: bool = False
) -> Json:
    """Horizontal bars from zero, largest first; rows without a value stand last with their sign.

    With ``in_order`` the rows stay as given, because they are stages or steps. Give the graph
    ``rank_height(len(rows))`` pixels.
    """
    p = PALETTES[theme]
    ranked = sorted(rows, key=lambda r: (r.value.value is None, -(r.value.value or 0.0)))
    ordered = list(rows) if in_order else ranked
    names = [f"{r.name} {sign_of(r.status)}" if r.status else r.name for r in ordered]
    high = max((r.value.value for r in ordered if r.value.value is not None), default=0.0)
    trace: Json = {
        "type": "bar",
        "orientation": "h",
        "x": [r.value.value for r in ordered],
        "y": list(range(len(ordered))),
        "marker": {"color": [colour_of(theme, r.status) if r.status else p.cat[0] for r in ordered]},
        "hovertext": [
            t(lang, "ui.chart.point", name=r.name, value=value_text(r.value, unit, lang)) for r in ordered
        ],
        "hoverinfo": "text",
        "width": 0.62,
    }
    layout = base_layout(theme, margin=(20 + max((text_width(n) for n in names), default=0), 64, 4, 4))
    layout["xaxis"] = plain_axis(theme, range=[0, high or 1.0], showticklabels=False)
    layout["yaxis"] = plain_axis(
        theme,
        range=[len(ordered) - 0.5, -0.5],
        tickvals=list(range(len(ordered))),
        ticktext=[f"{n}  " for n in names],
        tickfont={"color": p.text, "size": 12},
    )
    layout["annotations"] = [
        note(
            _rank_text(r.value, lang),
            x=r.value.value or 0,
            y=i,
            theme=theme,
            xanchor="left",
            xshift=6,
            font={"size": 12, "color": p.text if r.value.value is not None else p.text_dim},
        )
        for i, r in enumerate(ordered)
    ]
    return figure([trace], layout)


def rank_height(rows: int) -> int:
    """Height in pixels of a ranking of so many rows."""
    return 24 * max(1, rows) + 8


def _rank_text(value: Cell, lang: Lang) -> str:
    if value.value is None:
        sign = "◌" if value.state == "suppressed" else "×"
        return f"{sign} {format_cell(lang, value)}"
    return format_compact(lang, value.value)


def _limits(known: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    # A scale that starts far from zero is honest for lines only; close to zero it starts there.
    if from_zero or (low >= 0 and low < 0.5 * high):
        low = min(0.0, low)
    pad = (high - low or abs(high) or 1.0) * 0.08
    return (low if low == 0 else low - pad), high + pad


def _point(name: str, value: Cell, unit: str, lang: Lang) -> str:
    return t(lang, "ui.chart.point", name=name, value=value_text(value, unit, lang))


def _missing_marks(
    days: Sequence[date], s: Series, *, low: float, unit: str, lang: Lang, theme: Theme
) -> list[Json]:
    missing = [(d, c) for d, c in zip(days, s.values, strict=True) if c.value is None]
    if not missing:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": s.name,
            "x": [format_day(d) for d, _ in missing],
            "y": [low for _ in missing],
            "cliponaxis": False,
            "marker": {
                "symbol": ["circle-open" if c.state == "suppressed" else "x-thin-open" for _, c in missing],
                "size": 7,
                "color": PALETTES[theme].unknown,
                "line": {"width": 1.5, "color": PALETTES[theme].unknown},
            },
            "hovertext": [_point(s.name, c, unit, lang) for _, c in missing],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "showlegend": False,
        }
    ]


def _day_axis(days: Sequence[date], theme: Theme) -> Json:
    step = max(1, -(-len(days) // 5))
    shown = [d for i, d in enumerate(days) if (len(days) - 1 - i) % step == 0]
    ends = {"range": [f"{days[0] - timedelta(days=1)} 12:00", f"{days[-1]} 12:00"]} if days else {}
    return plain_axis(
        theme,
        type="date",
        hoverformat="%Y-%m-%d",
        showspikes=False,
        tickvals=[format_day(d) for d in shown],
        ticktext=[d.strftime("%m-%d") for d in shown],
        showline=True,
        linecolor=PALETTES[theme].border_strong,
        **ends,
    )


def _nothing(lang: Lang, theme: Theme) -> Json:
    return note(f"× {t(lang, 'cell.not_reported')}", x=0.5, y=0.5, xref="paper", yref="paper", theme=theme)
