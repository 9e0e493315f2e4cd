"""The map of code colours: holders of one colour by area, count, per 100,000 residents, or change."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.cells import Cell
from dashboard.i18n.numbers import format_cell, format_rate
from dashboard.shell.context import Context
from dashboard.views.areamap import Drawn, fill_legend, fill_style, fill_text, map_area
from dashboard.views.figures import grain_of
from geo.areas import get_area
from geo.layers import AreaMark
from queries.codes import AreaChange, AreaColours, get_colour_changes
from queries.disclosure import rate


def changes_on_map(context: Context, area: str) -> tuple[AreaChange, ...]:
    """The parts of ``area`` on the day and on the day compared with.

    Holders of a functional area are reported under its counties: without rows of its own it has no line.
    """
    rows = get_colour_changes(
        context.view,
        area=area,
        date=context.filters.day,
        compare=context.filters.compare,
        level=grain_of(area),
        min_cell=context.policy.disclosure.min_cell,
    )
    return tuple(row for row in rows if row.now.holders.value or get_area(row.area).level != "functional")


def of_colour(row: AreaColours, colours: Mapping[str, Cell], colour: str) -> Cell:
    """The cell of a colour; one that nobody holds is zero where the area reported."""
    absent = Cell("not_reported") if row.holders.state == "not_reported" else Cell("value", 0)
    return colours.get(colour, absent)


def draw_code_map(context: Context) -> Drawn:
    """Marks and legend for the colour and the measure on screen."""
    colour, fill = context.filters.options["colour"], context.filters.options["fill"]
    rows = changes_on_map(context, map_area(context))
    values = {row.area: fill_value(row, colour, fill) for row in rows}
    known = [cell.value for cell in values.values() if cell.value is not None]
    marks = [
        AreaMark(
            code=row.area,
            style=fill_style(values[row.area], fill, known),
            label=_label(context, values[row.area], fill),
            hover=_hover(context, row, colour),
        )
        for row in rows
    ]
    return marks, fill_legend(context, list(values.values()), fill)


def fill_value(row: AreaChange, colour: str, fill: str) -> Cell:
    """What the map colours an area by."""
    holders = of_colour(row.now, row.now.colours, colour)
    if fill == "change":
        return of_colour(row.now, row.colours, colour)
    return rate(holders, row.now.residents) if fill == "rate" else holders


def _label(context: Context, value: Cell, fill: str) -> str:
    return "" if value.value is None else fill_text(context, value.value, fill)


def _hover(context: Context, row: AreaChange, colour: str) -> tuple[str, ...]:
    t = context.t
    holders = of_colour(row.now, row.now.colours, colour)
    per = rate(holders, row.now.residents)
    change = of_colour(row.now, row.colours, colour)
    lines = [f"{t(f'colour.{colour}')} {format_cell(context.lang, holders, exact=True)}"]
    if per.value is not None:
        lines.append(t("codes.map.rate", value=format_rate(per.value)))
    if change.value is not None:
        lines.append(
            t(
                "codes.map.change",
                value=fill_text(context, change.value, "change"),
                day=context.filters.compare,
            )
        )
    return tuple(lines)
