"""What stands on a chart over days beside its lines: events, days still incomplete, names at line ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from dashboard.components.chart_parts import (
    Json,
    Mark,
    RestatedPoint,
    Series,
    note,
    text_width,
    value_text,
)
from dashboard.components.palette import PALETTES, Theme
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_day

_MARKS = {"policy": ("▼", "solid"), "decision": ("◆", "dash"), "correction": ("✎", "dot")}


def happenings(
    days: Sequence[date],
    marks: Sequence[Mark],
    incomplete_from: date | None,
    *,
    restated: bool = False,
    lang: Lang,
    theme: Theme,
) -> tuple[list[Json], list[Json], int]:
    """Shapes and labels of what happened, and how many rows of labels stand above the plot."""
    p = PALETTES[theme]
    shapes: list[Json] = []
    labels: list[tuple[str, str, str, str]] = []
    if incomplete_from is not None and days and incomplete_from <= days[-1]:
        start, end = max(incomplete_from, days[0]) - timedelta(days=1), f"{days[-1]} 12:00"
        shapes.append(
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": f"{start} 12:00",
                "x1": end,
                "y0": 0,
                "y1": 1,
                "fillcolor": p.unknown,
                "opacity": 0.14,
                "line": {"width": 0},
                "layer": "below",
            }
        )
        labels.append((t(lang, "ui.chart.delay"), end, "right", p.text_dim))
    for mark in marks:
        if not days or not days[0] <= mark.day <= days[-1]:
            continue
        sign, dash = _MARKS[mark.kind]
        colour = p.accent if mark.kind == "policy" else p.text_dim
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": format_day(mark.day),
                "x1": format_day(mark.day),
                "y0": 0,
                "y1": 1,
                "line": {"color": colour, "width": 1, "dash": dash},
                "layer": "below",
            }
        )
        side = "left" if mark.day <= days[len(days) // 2] else "right"
        labels.append((f"{sign} {mark.text}", format_day(mark.day), side, colour))
    if restated and days:
        # What the sign on the points means; its own row, since it belongs to no day.
        labels.append((t(lang, "ui.chart.restated.sign"), format_day(days[0]), "left", p.text_dim))
    placed = _rows_of(labels, days)
    notes = [
        note(
            text,
            theme=theme,
            x=x,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=16 * row,
            xanchor=side,
            font={"size": 12, "color": colour},
        )
        for (text, x, side, colour), row in zip(labels, placed, strict=True)
    ]
    return shapes, notes, max(placed, default=-1) + 1


def restated_points(
    days: Sequence[date],
    series: Sequence[Series],
    restated: Sequence[RestatedPoint],
    *,
    unit: str,
    lang: Lang,
    theme: Theme,
) -> Json | None:
    """A trace of open diamonds on the points that were restated; None without any that is drawn."""
    place = {day: i for i, day in enumerate(days)}
    drawn = [
        (point, value)
        for point in restated
        if point.day in place and (value := series[point.series].values[place[point.day]].value) is not None
    ]
    if not drawn:
        return None
    return {
        "type": "scatter",
        "mode": "markers",
        "name": t(lang, "ui.chart.restated.sign"),
        "x": [format_day(point.day) for point, _ in drawn],
        "y": [value for _, value in drawn],
        "cliponaxis": False,
        "marker": {
            "symbol": "diamond-open",
            "size": 9,
            "color": PALETTES[theme].text,
            "line": {"width": 1.5, "color": PALETTES[theme].text},
        },
        "hovertext": [
            t(
                lang,
                "ui.chart.restated",
                name=series[point.series].name,
                before=value_text(point.before, unit, lang),
                after=value_text(point.after, unit, lang),
                kind=point.kind,
                known=point.known,
            )
            for point, _ in drawn
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }


def _rows_of(labels: Sequence[tuple[str, str, str, str]], days: Sequence[date]) -> list[int]:
    """The row of each label so that none overlap on the narrowest plot, a phone's 220 pixels."""
    taken: list[list[tuple[float, float]]] = []
    rows = []
    for text, x, side, _colour in labels:
        at = 220 * (date.fromisoformat(x[:10]) - days[0]).days / max(1, len(days) - 1)
        width = text_width(text) + 8
        left, right = (at, at + width) if side == "left" else (at - width, at)
        row = next(
            (i for i, spans in enumerate(taken) if all(right <= a or left >= b for a, b in spans)), len(taken)
        )
        if row == len(taken):
            taken.append([])
        taken[row].append((left, right))
        rows.append(row)
    return rows


def end_labels(
    xs: Sequence[str],
    series: Sequence[Series],
    colours: Sequence[str],
    *,
    low: float,
    high: float,
    room: int,
    ink: str,
) -> list[Json]:
    gap = (high - low) * 15 / max(1, room)
    ends = [
        (next((c.value for c in reversed(s.values) if c.value is not None), low), s.name, colour)
        for s, colour in zip(series, colours, strict=True)
    ]
    labels: list[Json] = []
    floor = low - gap
    for value, name, colour in sorted(ends):
        # Pushed upwards from below, so that two lines that end together keep two legible names.
        floor = max(value, floor + gap)
        labels.append(
            {
                # The colour on a mark, not on the letters: category colours reach 3:1, text needs 4.5:1.
                "text": f'<span style="color:{colour}">━</span> {name}',
                "x": xs[-1] if xs else 0,
                "y": floor,
                "xanchor": "left",
                "xshift": 6,
                "showarrow": False,
                "font": {"size": 12, "color": ink},
            }
        )
    return labels
