"""The filter bar of a page: where, which day, compared with which day; the same words as in the URL."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from dash import ClientsideFunction, Input, Output, State, clientside_callback, html
from dash.development.base_component import Component

from dashboard.components.breadcrumbs import Crumb, breadcrumbs
from dashboard.components.filters import AreaChoice, area_select, date_picker
from dashboard.components.icon import icon
from dashboard.shell.context import Context
from geo.areas import Area, all_areas, ancestors, get_area, name_of

BarPart = Literal["area", "date", "compare"]


def filter_bar(key: str, parts: tuple[BarPart, ...], context: Context) -> Component:
    """The bar of page ``key``: breadcrumbs, and the widgets named in ``parts``."""
    return html.Div(
        [
            html.Div(crumbs(context), id=f"{key}-crumbs"),
            pinned_sign(context) if context.filters.pinned else None,
            html.Div(
                [
                    *(_widget(part, key, context) for part in parts),
                    html.Button(
                        [icon("link"), html.Span(context.t("filter.link"))],
                        type="button",
                        className="tf-button tf-button-quiet",
                        **{"data-tf-action": "link"},
                    ),
                ],
                className="tf-filterbar-end",
            ),
        ],
        className="tf-filterbar",
    )


def pinned_sign(context: Context) -> Component:
    """Says that the page shows one snapshot for good, and leads to the newest one."""
    newest = context.filters.query(pinned="", snapshot="")
    sign = [icon("locked"), context.t("shell.pinned", id=context.manifest.id)]
    # A target of its own makes the browser load the page, not only change its filters.
    return html.A(sign, href=newest, target="_self", className="tf-pinned")


def crumbs(context: Context) -> Component:
    """The way down to the area on screen, beginning at the widest area of the scope."""
    area = get_area(context.filters.area)
    path = [step for step in (*ancestors(area.code), area) if context.scope.allows(step.code)]
    return breadcrumbs(
        tuple(
            Crumb(name_of(step.code, context.lang), context.filters.query(area=step.code)) for step in path
        ),
        lang=context.lang,
    )


def register_word(key: str, word: str) -> None:
    """Tie the widget ``<key>-<word>`` to the store: a change is handled in the browser, store and URL."""
    store, widget = f"{key}-filters", f"{key}-{word}"
    clientside_callback(
        ClientsideFunction("tianfu", "filter_word"),
        Output(store, "data", allow_duplicate=True),
        Input(widget, "value"),
        State(store, "data"),
        prevent_initial_call=True,
    )
    clientside_callback(
        ClientsideFunction("tianfu", "show_word"),
        Output(widget, "value"),
        Input(store, "data"),
        State(widget, "value"),
        prevent_initial_call=True,
    )


def register_days(key: str) -> None:
    """Tie the day slider ``<key>-days`` with its list of days in ``<key>-daylist`` to the store."""
    store, slider, days = f"{key}-filters", f"{key}-days", f"{key}-daylist"
    clientside_callback(
        ClientsideFunction("tianfu", "filter_day"),
        Output(store, "data", allow_duplicate=True),
        Input(slider, "value"),
        State(store, "data"),
        State(days, "data"),
        prevent_initial_call=True,
    )
    clientside_callback(
        ClientsideFunction("tianfu", "show_day"),
        Output(slider, "value"),
        Input(store, "data"),
        State(days, "data"),
        State(slider, "value"),
        prevent_initial_call=True,
    )


def register_map(key: str, prefix: str) -> None:
    """Tie a map's clicks and Escape to the store of page ``key``."""
    store = f"{key}-filters"
    clientside_callback(
        ClientsideFunction("tianfu", "filter_map"),
        Output(store, "data", allow_duplicate=True),
        Input(f"{prefix}-shapes", "clickData"),
        State(store, "data"),
        prevent_initial_call=True,
    )


def _widget(part: BarPart, key: str, context: Context) -> Component:
    if part == "area":
        return area_select(
            id=f"{key}-area",
            areas=area_choices(context),
            value=context.filters.area,
            label=context.t("filter.area"),
            nothing_found=context.t("filter.area.none"),
        )
    first, last = days_of(context)
    chosen = context.filters.day if part == "date" else context.filters.compare
    return date_picker(
        id=f"{key}-{part}",
        value=chosen,
        first=first - timedelta(days=1) if part == "compare" else first,
        last=last,
        label=context.t(f"filter.{part}"),
        lang=context.lang,
    )


def days_of(context: Context) -> tuple[date, date]:
    """The first and last day that any table of the snapshot holds."""
    first = min(
        (t.first_day for t in context.manifest.tables if t.first_day), default=context.manifest.data_day
    )
    return first, context.manifest.data_day


def area_choices(context: Context) -> tuple[AreaChoice, ...]:
    """Every area of the scope, each city followed by its counties."""
    ordered = sorted((area for area in all_areas() if context.scope.allows(area.code)), key=_order)
    other = "en" if context.lang == "zh-CN" else "zh-CN"
    return tuple(AreaChoice(a.code, name_of(a.code, context.lang), name_of(a.code, other)) for a in ordered)


def _order(area: Area) -> tuple[str, bool, bool, str]:
    city = area.city or ""
    return city, area.level != "city", area.level == "functional", area.code
