"""Policy: what is in force and proven, the change at hand with its impact and next step, the history."""

from __future__ import annotations

import re

from dash import html
from dash.development.base_component import Component

from dashboard.components.states import loading
from dashboard.components.tables import ColumnSpec, Value
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData, register_export
from dashboard.shell.filterbar import register_map
from dashboard.shell.pages import Page, live_card, register_page
from dashboard.views.policy_body import (
    GROUPS_SHOWN,
    VIEWS,
    browser_words,
    form_card,
    group_list,
    view_links,
)
from dashboard.views.policy_desk import read_desk
from dashboard.views.policy_history import history_table, history_view
from dashboard.views.policy_impact_view import impact_view
from dashboard.views.policy_now import now_card
from dashboard.views.policy_rows import release_words
from dashboard.views.policy_side import side_card


def body(context: Context) -> Component:
    def slot(name: str, height: int) -> Component:
        return loading(html.Div(id=f"policy-{name}"), height=height, lang=context.lang)

    return html.Div(
        [
            html.H1(context.t("nav.policy"), className="tf-hidden"),
            slot("now", 132),
            html.Div(
                [
                    html.Div(html.Div(id="policy-groups"), className="tf-pol-left"),
                    html.Div(
                        [html.Div(id="policy-tabs"), slot("form", 480), html.Div(id="policy-more")],
                        className="tf-pol-middle",
                    ),
                    html.Div(slot("side", 160), className="tf-pol-right"),
                ],
                className="tf-pol",
            ),
            browser_words(context),
        ]
    )


PAGE = register_page(
    __name__,
    Page(
        key="policy",
        path="/policy",
        order=30,
        needs="view",
        body=body,
        bar=(),
        options={
            "view": VIEWS,
            "group": GROUPS_SHOWN,
            "change": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
            "a": re.compile(r"[1-9][0-9]{0,5}"),
            "touched": re.compile(r"[0-9]{1,16}"),
            "b": re.compile(r"[1-9][0-9]{0,5}"),
        },
        live=True,
    ),
)


register_map(PAGE.key, "policy")


@live_card(PAGE, "policy-now")
def draw_now(context: Context) -> Component:
    return now_card(context, read_desk(context))


@live_card(PAGE, "policy-groups")
def draw_groups(context: Context) -> Component:
    return group_list(context, read_desk(context))


@live_card(PAGE, "policy-tabs")
def draw_tabs(context: Context) -> Component:
    return view_links(context, read_desk(context))


@live_card(PAGE, "policy-form", follows=False)
def draw_form(context: Context) -> Component:
    """What is typed into; it is drawn again only when it is asked for, never because something moved."""
    if context.filters.options["view"] != "edit":
        return html.Div(hidden=True, className="tf-card tf-pol-off")
    return form_card(context, read_desk(context))


@live_card(PAGE, "policy-more")
def draw_more(context: Context) -> Component:
    """The other two views: impact, and history."""
    view = context.filters.options["view"]
    if view == "history":
        return history_view(context, read_desk(context))
    return impact_view(context, read_desk(context)) if view == "impact" else html.Div(hidden=True)


@live_card(PAGE, "policy-side")
def draw_side(context: Context) -> Component:
    return side_card(context, read_desk(context))


def reasons_table(context: Context) -> TableData:
    """The table of reasons in force, for the export."""
    t = context.t
    columns = (
        ColumnSpec("colour", t("codes.column.colour"), kind="status", min_width=84),
        ColumnSpec("reason", t("codes.column.reason"), min_width=190),
        ColumnSpec("release", t("policy.page.release"), min_width=220),
        ColumnSpec("clause", t("policy.page.clause"), min_width=70, hide_on_phone=True),
    )
    rows: list[dict[str, Value]] = [
        {
            "colour": row.colour,
            "reason": row.zh if context.lang == "zh-CN" else row.en,
            "release": release_words(context, row),
            "clause": row.clause,
        }
        for row in context.policy.health_code.rows
    ]
    return TableData(t("policy.page.reasons"), columns, rows)


register_export(PAGE.key, "reasons", reasons_table)
register_export(PAGE.key, "history", history_table)
