"""The states of a card or a screen that are not a figure: each has a sign of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cells import Cell
from dashboard.components.icon import icon
from dashboard.i18n.catalogue import Lang, t
from dashboard.i18n.numbers import format_age, format_cell, format_exact, format_time


def cell_text(figure: Cell, lang: Lang, *, exact: bool = True) -> Component:
    """A figure in running text: its number, or the sign and word of why there is none."""
    if figure.value is not None:
        return html.Span(
            format_cell(lang, figure, exact=exact), className="tf-num", title=format_exact(figure.value)
        )
    name = figure.state.replace("_", "-")
    return html.Span([icon(name), html.Span(format_cell(lang, figure))], className=f"tf-cell tf-cell-{name}")


def not_reported_sign(lang: Lang) -> Component:
    """*Not reported*: no feed delivered it; never zero."""
    return cell_text(Cell("not_reported"), lang)


def skeleton(*, height: int, lang: Lang) -> Component:
    """A quiet block of the size of what is loading, ``height`` in pixels, so that nothing jumps."""
    return html.Div(
        [dmc.Skeleton(height=14, width="42%", mb=12), dmc.Skeleton(height=max(16, height - 26))],
        className="tf-skeleton",
        style={"height": height},
        role="status",
        **{"aria-label": t(lang, "ui.loading")},
    )


def loading(children: Component, *, height: int, lang: Lang) -> Component:
    """Show a skeleton of ``height`` pixels while callbacks draw ``children``.

    A wait below 250 ms shows nothing: a flash would be the only thing seen.
    """
    return dcc.Loading(
        children,
        custom_spinner=skeleton(height=height, lang=lang),
        delay_show=250,
        overlay_style={"visibility": "visible", "opacity": 0.55},
        parent_className="tf-loading",
        parent_style={"minHeight": height},
    )


def empty_state(*, why: str, todo: str) -> Component:
    """Nothing to show: ``why`` and what to do."""
    return _plain("empty", icon_name="search", what=why, todo=todo)


def error_state(
    *, what: str, todo: str, lang: Lang, retry_id: str | dict[str, str] | None = None
) -> Component:
    """What happened and what to do; with ``retry_id`` a button that a callback listens to."""
    button = (
        html.Button(
            [icon("retry"), t(lang, "ui.retry")],
            id=retry_id,
            n_clicks=0,
            className="tf-button",
            type="button",
        )
        if retry_id is not None
        else None
    )
    return _plain("error", icon_name="alert", what=what, todo=todo, button=button, role="alert")


def out_of_scope(*, todo: str, lang: Lang) -> Component:
    """The area lies outside what the person may see."""
    return _plain("out-of-scope", icon_name="locked", what=t(lang, "ui.out_of_scope"), todo=todo)


def stale_plate(*, data_time: datetime, age: timedelta, lang: Lang) -> Component:
    """Plate over a page whose data are older than they should be."""
    return html.Div(
        [
            icon("stale"),
            html.Strong(t(lang, "ui.stale")),
            html.Span(t(lang, "ui.stale.since", time=format_time(data_time), age=format_age(lang, age))),
        ],
        className="tf-plate tf-plate-stale",
        role="status",
    )


def synthetic_ribbon(lang: Lang) -> Component:
    """Says on every screen that the data are synthetic."""
    return html.Div(t(lang, "ui.synthetic"), className="tf-ribbon", role="note")


def _plain(
    kind: str, *, icon_name: str, what: str, todo: str, button: Component | None = None, role: str = "status"
) -> Component:
    return html.Div(
        [
            icon(icon_name),
            html.P(what, className="tf-state-what"),
            html.P(todo, className="tf-state-todo"),
            button,
        ],
        className=f"tf-state tf-state-{kind}",
        role=role,
    )
