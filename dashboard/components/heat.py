"""Heat of two dimensions as a plain dict: hour by category, and flows between code colours."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.cells import Cell
from dashboard.components.badges import sign_of
from dashboard.components.chart_parts import (
    Json,
    base_layout,
    figure,
    note,
    plain_axis,
    text_width,
    value_text,
)
from dashboard.components.palette import PALETTES, Theme
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_compact

Grid = Sequence[Sequence[Cell]]


def heat(
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Grid,
    unit: str,
    lang: Lang,
    theme: Theme,
    show_values: bool = False,
) -> Json:
    """Cells coloured from low to high in seven steps; ``values[row][column]``, first row on top.

    What is not reported stays empty with a cross, what is suppressed with a circle.
    """
    hover = [
        [
            t(lang, "ui.chart.heat", row=row, column=column, value=value_text(c, unit, lang))
            for column, c in zip(columns, line, strict=True)
        ]
        for row, line in zip(rows, values, strict=True)
    ]
    left = max(map(text_width, rows), default=0) + 14
    trace, layout, notes = _draw(
        columns, rows, values, hover, lang=lang, theme=theme, show_values=show_values, left=left
    )
    return figure([trace], {**layout, "annotations": notes})


def flow_matrix(
    *, colours: Sequence[tuple[str, str]], values: Grid, unit: str, lang: Lang, theme: Theme
) -> Json:
    """How many moved from one colour to another: ``values[from][to]``; ``colours`` are (id, name).

    The diagonal is nobody's move and stays empty.
    """
    names = [f"{sign_of(c)} {name}" for c, name in colours]
    hover = [
        [
            ""
            if i == j
            else t(
                lang,
                "ui.chart.cell",
                row=row[1],
                column=column[1],
                value=value_text(values[i][j], unit, lang),
            )
            for j, column in enumerate(colours)
        ]
        for i, row in enumerate(colours)
    ]
    moved = [[None if i == j else c for j, c in enumerate(line)] for i, line in enumerate(values)]
    corner = t(lang, "ui.chart.from_to")
    left = max(*map(text_width, names), text_width(corner)) + 14
    trace, layout, notes = _draw(
        names, names, moved, hover, lang=lang, theme=theme, show_values=True, left=left
    )
    place = {"x": 0, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "right", "xshift": -8}
    notes.append(note(corner, theme=theme, yanchor="bottom", yshift=4, **place))
    return figure([trace], {**layout, "annotations": notes})


def _draw(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[Cell | None]],
    hover: list[list[str]],
    *,
    lang: Lang,
    theme: Theme,
    show_values: bool,
    left: int,
) -> tuple[Json, Json, list[Json]]:
    p = PALETTES[theme]
    high = max(
        (c.value for line in values for c in line if c is not None and c.value is not None), default=0.0
    )
    top = high or 1.0
    steps = [[edge, colour] for i, colour in enumerate(p.seq) for edge in (i / 7, (i + 1) / 7)]
    trace: Json = {
        "type": "heatmap",
        "x": list(range(len(columns))),
        "y": list(range(len(rows))),
        # A root scale: flows and hours span orders of magnitude, and a linear one shows a single cell.
        "z": [
            [None if c is None or c.value is None else (c.value / top) ** 0.5 for c in line]
            for line in values
        ],
        "zmin": 0,
        "zmax": 1,
        "colorscale": steps,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertext": hover,
        "hoverinfo": "text",
        "hoverongaps": False,
    }
    layout = base_layout(theme, margin=(left, 4, 24, 4))
    many = len(columns) > 12
    layout["xaxis"] = plain_axis(
        theme,
        side="top",
        tickvals=list(range(0, len(columns), 3 if many else 1)),
        ticktext=list(columns)[:: 3 if many else 1],
        range=[-0.5, len(columns) - 0.5],
    )
    layout["yaxis"] = plain_axis(
        theme,
        tickvals=list(range(len(rows))),
        ticktext=[f"{r} " for r in rows],
        range=[len(rows) - 0.5, -0.5],
        tickfont={"color": p.text, "size": 12},
    )
    notes: list[Json] = []
    for i, line in enumerate(values):
        for j, c in enumerate(line):
            if c is None:
                notes.append(note("–", x=j, y=i, theme=theme))
            elif c.value is None:
                notes.append(
                    note(
                        "◌" if c.state == "suppressed" else "×",
                        x=j,
                        y=i,
                        theme=theme,
                        hovertext=hover[i][j],
                        captureevents=True,
                    )
                )
            elif show_values:
                notes.append(
                    note(
                        format_compact(lang, c.value),
                        x=j,
                        y=i,
                        theme=theme,
                        font={"size": 12, "color": _ink(theme, (c.value / top) ** 0.5)},
                    )
                )
    return trace, layout, notes


def _ink(theme: Theme, share: float) -> str:
    """Black or white on a step of the density scale, whichever reads."""
    p = PALETTES[theme]
    step = min(6, int(share * 7))
    strong = step >= 4
    if theme == "light":
        return p.surface if strong else p.text
    return p.accent_contrast if strong else p.text
