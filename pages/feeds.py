"""Feeds: is today's update late, or is that all; and what was rejected, why."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.cells import cell
from dashboard.components.cards import card as card_frame
from dashboard.components.provenance import Provenance
from dashboard.components.states import empty_state, loading
from dashboard.components.tables import ColumnSpec, Value, data_table
from dashboard.i18n.numbers import format_time
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData, register_export
from dashboard.shell.pages import Page, card, register_page
from dashboard.snapshot.contract import FEEDS
from dashboard.views.figures import feed_marks
from dashboard.views.menus import export_menu
from queries.feeds import get_feed_rejects, get_feed_states


def body(context: Context) -> Component:
    return html.Div(
        [
            html.Div(
                [html.H1(context.t("nav.feeds")), html.P(context.t("feeds.lead"))], className="tf-page-head"
            ),
            html.Div(
                [
                    html.Div(loading(html.Div(id="feeds-states"), height=260, lang=context.lang)),
                    html.Div(
                        loading(html.Div(id="feeds-rejects"), height=220, lang=context.lang),
                        className="tf-col-7",
                    ),
                    html.Div(id="feeds-snapshot", className="tf-col-5"),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(__name__, Page(key="feeds", path="/feeds", order=20, needs="view", body=body, bar=()))


def spoken(words: str, context: Context) -> str:
    """The half of "中文 / English" in the reader's language."""
    pairs = [line.partition(" / ") for line in words.splitlines()]
    return "\n".join(en if context.lang == "en" and en else zh for zh, _, en in pairs)


# A sign beside the word, so that a feed in trouble is seen and not only read.
STATE_SIGNS = {"on_time": "✓", "late": "◷", "partial": "◐", "not_reported": "✕"}


def source(context: Context) -> Provenance:
    return Provenance(
        definition=context.t("feeds.definition"),
        denominator="",
        feeds=feed_marks(context, tuple(feed.id for feed in FEEDS)),
        data_time=context.manifest.data_time,
        owner=context.t("feeds.owner"),
    )


def states_table(context: Context) -> TableData:
    t = context.t
    columns = (
        ColumnSpec("feed", t("feeds.column.feed"), min_width=100),
        ColumnSpec("department", t("feeds.column.department"), min_width=140, hide_on_phone=True, wrap=True),
        ColumnSpec("state", t("feeds.column.state"), min_width=80),
        ColumnSpec("until", t("feeds.column.until"), min_width=104),
        ColumnSpec("arrived", t("feeds.column.arrived"), min_width=104),
        ColumnSpec("late", t("feeds.column.late"), kind="number", unit=t("unit.minutes"), min_width=90),
        ColumnSpec("accepted", t("feeds.column.accepted"), kind="number", unit=t("unit.rows"), min_width=100),
        ColumnSpec("usual", t("feeds.column.usual"), kind="number", unit=t("unit.rows"), min_width=100),
        ColumnSpec("rejected", t("feeds.column.rejected"), kind="number", unit=t("unit.rows"), min_width=90),
        ColumnSpec("note", t("feeds.column.note"), min_width=190, hide_on_phone=True, wrap=True),
    )
    late = context.policy.feeds.late_after_minutes
    rows: list[dict[str, Value]] = [
        {
            "feed": t(f"feed.{row.feed}"),
            "department": spoken(row.department, context),
            "state": f"{STATE_SIGNS.get(row.state, '?')} {t(f'feedstate.{row.state}')}",
            "until": format_time(row.data_until, near=context.manifest.data_time)
            if row.data_until
            else t("cell.not_reported"),
            "arrived": format_time(row.arrived_at, near=context.manifest.data_time)
            if row.arrived_at
            else t("feeds.not_known"),
            "late": cell(late.get(row.feed)),
            "accepted": cell(row.accepted),
            "usual": cell(row.usual),
            "rejected": cell(row.rejected),
            "note": spoken(row.note or "", context),
        }
        for row in get_feed_states(context.view)
    ]
    return TableData(t("feeds.states.title"), columns, rows)


@card(PAGE, "feeds-states")
def draw_states(context: Context) -> Component:
    table = states_table(context)
    return card_frame(
        id="feeds-states-card",
        question_title=table.title,
        unit=context.t("feeds.states.unit"),
        body=data_table(
            id="feeds-states-table",
            columns=table.columns,
            rows=table.rows,
            lang=context.lang,
            label=table.title,
        ),
        provenance=source(context),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "states"),
    )


def rejects_table(context: Context) -> TableData:
    t = context.t
    columns = (
        ColumnSpec("feed", t("feeds.column.feed"), min_width=100),
        ColumnSpec("reason", t("feeds.column.reason"), min_width=320, wrap=True),
        ColumnSpec("rows", t("feeds.column.rejected"), kind="number", unit=t("unit.rows"), min_width=90),
    )
    rows: list[dict[str, Value]] = [
        {
            "feed": t(f"feed.{row.feed}"),
            "reason": t(f"reject.{row.reason}"),
            "rows": cell(row.rows),
        }
        for row in get_feed_rejects(context.view)
    ]
    return TableData(t("feeds.rejects.title"), columns, rows)


@card(PAGE, "feeds-rejects")
def draw_rejects(context: Context) -> Component:
    table = rejects_table(context)
    return card_frame(
        id="feeds-rejects-card",
        question_title=table.title,
        unit=context.t("feeds.rejects.unit"),
        body=data_table(
            id="feeds-rejects-table",
            columns=table.columns,
            rows=table.rows,
            lang=context.lang,
            label=table.title,
        )
        if table.rows
        else empty_state(why=context.t("feeds.rejects.none"), todo=context.t("feeds.rejects.none.todo")),
        provenance=source(context),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "rejects") if table.rows else None,
    )


@card(PAGE, "feeds-snapshot")
def draw_snapshot(context: Context) -> Component:
    """The snapshot on screen: id, both clocks, tables, and what the validation warned of."""
    t, manifest = context.t, context.manifest
    facts = [
        (t("feeds.snapshot.id"), manifest.id),
        (t("feeds.snapshot.data_time"), manifest.data_time.strftime("%Y-%m-%d %H:%M")),
        (t("feeds.snapshot.built_at"), manifest.built_at.strftime("%Y-%m-%d %H:%M")),
        (t("feeds.snapshot.policy"), t("shell.policy", version=manifest.policy_version)),
    ]
    tables = [
        html.Li(
            [
                html.Span(table.name),
                html.Span(
                    f"{table.rows:,}" if table.reported else t("cell.not_reported"), className="tf-num"
                ),
            ]
        )
        for table in manifest.tables
    ]
    warnings = [html.Li(spoken(words, context)) for words in manifest.warnings]
    return card_frame(
        id="feeds-snapshot-card",
        question_title=t("feeds.snapshot.title"),
        unit="",
        body=html.Div(
            [
                html.Dl(
                    [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="tf-facts"
                ),
                html.H3(t("feeds.snapshot.tables")),
                html.Ul(tables, className="tf-facts-list"),
                html.H3(t("feeds.snapshot.warnings")),
                html.Ul(warnings, className="tf-warnings")
                if warnings
                else html.P(t("feeds.snapshot.no_warnings")),
            ]
        ),
        provenance=source(context),
        link="",
        lang=context.lang,
    )


register_export(PAGE.key, "states", states_table)
register_export(PAGE.key, "rejects", rejects_table)
