"""The area map of a page: cities of the province, or the counties of one city; shared by risk and codes.

A page gives a ``Draw`` function from its context to hideout and legend; here it is tied to the page's
store, so that a drill or a change of the day restyles the shapes without loading them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import dash
from dash import Input, Output, html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.errors import TianfuError
from dashboard.i18n.numbers import format_change, format_compact, format_rate
from dashboard.shell.board import as_text
from dashboard.shell.context import Context, build_context
from dashboard.shell.drawn import keep
from dashboard.shell.filterbar import register_map
from dashboard.shell.pages import Page
from dashboard.views.scales import change_style, density_style
from geo.areas import get_area, name_of
from geo.layers import AreaMark, LegendItem, area_map, attribution_text, build_hideout, legend_lines

Drawn: TypeAlias = tuple[Sequence[AreaMark], Sequence[LegendItem]]
Draw: TypeAlias = Callable[[Context], Drawn]


def map_area(context: Context) -> str:
    """The area whose parts the map draws: a county among the counties of its city, where in scope."""
    area = get_area(context.filters.area)
    if area.level in ("county", "functional") and area.city and context.scope.allows(area.city):
        return area.city
    return area.code


def map_body(context: Context, *, prefix: str, draw: Draw) -> Component:
    """The map as it stands in a layout: its first hideout is part of it, a later one could be lost."""
    marks, legend = draw(context)
    area = get_area(context.filters.area)
    boundaries = context.board.boundaries
    drawn = area_map(
        prefix=prefix,
        url=shapes_address(context),
        bounds=boundaries.bounds(area.code if area.level == "province" else area.city or area.code),
        hideout=hideout(context, marks),
        legend=legend,
        attribution=attribution_text(boundaries, context.lang),
        lang=context.lang,
        title=name_of(context.filters.area, context.lang),
    )
    return html.Div(
        [drawn, html.P(off_map(context, marks), id=f"{prefix}-off", className="tf-map-off")],
        className="tf-map-box",
    )


def off_map(context: Context, marks: Sequence[AreaMark]) -> list[Component | str]:
    """Functional areas have no boundary to draw; what is marked on them is said in words below the map."""
    said = [mark for mark in marks if mark.label and get_area(mark.code).level == "functional"]
    if not said:
        return []
    parts: list[Component | str] = [context.t("map.off")]
    for mark in said:
        link = context.filters.query(area=mark.code)
        parts += [
            html.A(
                f"{name_of(mark.code, context.lang)} {mark.label}", href=link, title="\n".join(mark.hover)
            ),
            " ",
        ]
    return parts


def register_area_map(page: Page, *, prefix: str, draw: Draw) -> None:
    """Redraw the map when the filters of ``page`` change; url and hideout travel together."""
    register_map(page.key, prefix)

    @dash.callback(
        Output(f"{prefix}-shapes", "url"),
        Output(f"{prefix}-shapes", "hideout"),
        Output(f"{prefix}-legend", "children"),
        Output(f"{prefix}-off", "children"),
        Input(page.store_id, "data"),
        prevent_initial_call=True,
    )
    def update(data: object) -> object:
        try:
            raw = as_text(data) if isinstance(data, dict) else {}
            context = build_context(raw, needs=page.needs, options=page.options)
        except TianfuError:
            # The cards beside it say why; a map keeps what it showed rather than going blank.
            return dash.no_update, dash.no_update, dash.no_update, dash.no_update
        return keep(context, f"{prefix}-map", lambda context: redraw(context, draw))


def redraw(context: Context, draw: Draw) -> tuple[object, object, object, object]:
    """Address of the shapes, their looks, the lines of the legend, and what has no boundary."""
    marks, legend = draw(context)
    return shapes_address(context), hideout(context, marks), legend_lines(legend), off_map(context, marks)


def shapes_address(context: Context) -> str:
    """URL of the shapes: all cities, or the counties of a city (also for a county official)."""
    area = get_area(context.filters.area)
    boundaries = context.board.boundaries
    return boundaries.path("city") if area.level == "province" else boundaries.path("county", area.city)


def hideout(context: Context, marks: Sequence[AreaMark]) -> dict[str, object]:
    """The looks of all areas; neighbours of a county that may not be seen are marked as out of scope."""
    alone = get_area(map_area(context)).level in ("county", "functional")
    return build_hideout(
        marks,
        selected=context.filters.area,
        names_lang=context.lang,
        rest="out_of_scope" if alone else "not_reported",
        rest_hover=(context.t("error.out_of_scope"),) if alone else (),
    )


def fill_style(value: Cell, fill: str, known: Sequence[float]) -> str:
    """The map style of one value; a missing or hidden one has a hatch of its own."""
    if value.value is None:
        return value.state
    return change_style(value.value, known) if fill == "change" else density_style(value.value, known)


def fill_legend(context: Context, values: Sequence[Cell], fill: str) -> list[LegendItem]:
    """The steps that occur, each with its range and how many areas are in it, then what has no value."""
    known = [cell.value for cell in values if cell.value is not None]
    steps: dict[str, list[float]] = {}
    for value in known:
        steps.setdefault(fill_style(Cell("value", value), fill, known), []).append(value)
    items = []
    for style, inside in sorted(steps.items(), key=lambda step: min(step[1])):
        low, high = fill_text(context, min(inside), fill), fill_text(context, max(inside), fill)
        items.append(LegendItem(style, "", low if low == high else f"{low} – {high}", len(inside)))
    for state in ("suppressed", "not_reported"):
        count = sum(cell.state == state for cell in values)
        if count:
            items.append(LegendItem(state, "", context.t(f"cell.{state}"), count))
    return items


def fill_text(context: Context, value: float, fill: str) -> str:
    """A value as the map writes it."""
    if fill == "change":
        return format_change(context.lang, value)
    return format_rate(value) if fill == "rate" else format_compact(context.lang, value)
