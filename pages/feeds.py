"""Feeds: is today's update late, or is that all; and what was rejected, why."""

from __future__ import annotations

from datetime import datetime

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
from dashboard.shell.filters import default_area
from dashboard.shell.pages import Page, card, register_page
from dashboard.snapshot.contract import FEEDS, RESTATED
from dashboard.views.feedreport import build_plate, report_table
from dashboard.views.figures import feed_marks
from dashboard.views.menus import export_menu
from dashboard.views.restated import corrections_table
from dashboard.views.snapshotlist import snapshot_list
from geo.areas import name_of
from queries.feeds import get_feed_rejects, get_feed_states, worst_first


def body(context: Context) -> Component:
    def slot(name: str, width: str, height: int) -> Component:
        return html.Div(
            loading(html.Div(id=f"feeds-{name}"), height=height, lang=context.lang), className=width
        )

    return html.Div(
        [
            html.Div(
                [html.H1(context.t("nav.feeds")), html.P(context.t("feeds.lead"))], className="tf-page-head"
            ),
            # What is not part of the snapshot is drawn with the page, never kept with its cards.
            build_plate(context),
            html.Div(
                [
                    slot("states", "tf-col-12", 260),
                    slot("corrections", "tf-col-12", 260),
                    html.Div(
                        [slot("rejects", "", 220), slot("report", "", 220), snapshots_card(context)],
                        className="tf-col-7 tf-stack",
                    ),
                    html.Div(id="feeds-snapshot", className="tf-col-5"),
                ],
                className="tf-grid",
            ),
        ]
    )


def snapshots_card(context: Context) -> Component:
    return card_frame(
        id="feeds-snapshots-card",
        question_title=context.t("feeds.snapshots.title"),
        unit=context.t("feeds.snapshots.unit"),
        body=snapshot_list(context),
        provenance=source(context, "feeds.snapshots.definition"),
        link="",
        lang=context.lang,
    )


PAGE = register_page(__name__, Page(key="feeds", path="/feeds", order=20, needs="view", body=body, bar=()))


def spoken(words: str, context: Context) -> str:
    """The half of "中文 / English" in the reader's language."""
    pairs = [line.partition(" / ") for line in words.splitlines()]
    return "\n".join(en if context.lang == "en" and en else zh for zh, _, en in pairs)


CORRECTIONS_SHOWN = 20  # the newest days; the export has all
# A sign beside the word, so that a feed in trouble is seen and not only read.
STATE_SIGNS = {"on_time": "✓", "late": "◷", "partial": "◐", "not_reported": "✕"}


def source(context: Context, definition: str = "feeds.definition") -> Provenance:
    return Provenance(
        definition=context.t(definition),
        denominator="",
        feeds=feed_marks(context, tuple(feed.id for feed in FEEDS)),
        data_time=context.manifest.data_time,
        owner=context.t("feeds.owner"),
    )


def behind(until: datetime | None, context: Context) -> int | None:
    """Minutes the data of a feed end before the newest of the snapshot; None where nothing came."""
    if until is None:
        return None
    return max(0, round((context.manifest.data_time - until).total_seconds() / 60))


def states_table(context: Context) -> TableData:
    t = context.t
    columns = (
        ColumnSpec("feed", t("feeds.column.feed"), min_width=92, wrap=True),
        ColumnSpec("department", t("feeds.column.department"), min_width=120, hide_on_phone=True, wrap=True),
        ColumnSpec("state", t("feeds.column.state"), min_width=76),
        ColumnSpec("until", t("feeds.column.until"), min_width=100),
        ColumnSpec("arrived", t("feeds.column.arrived"), min_width=100, hide_on_phone=True),
        ColumnSpec("behind", t("feeds.column.behind"), kind="number", unit=t("unit.minutes"), min_width=76),
        ColumnSpec(
            "late",
            t("feeds.column.late"),
            kind="number",
            unit=t("unit.minutes"),
            min_width=80,
            hide_on_phone=True,
        ),
        ColumnSpec(
            "accepted",
            t("feeds.column.accepted"),
            kind="number",
            unit=t("unit.rows"),
            min_width=96,
            hide_on_phone=True,
        ),
        ColumnSpec(
            "usual",
            t("feeds.column.usual"),
            kind="number",
            unit=t("unit.rows"),
            min_width=84,
            hide_on_phone=True,
        ),
        ColumnSpec(
            "rejected",
            t("feeds.column.rejected"),
            kind="number",
            unit=t("unit.rows"),
            min_width=70,
            hide_on_phone=True,
        ),
        ColumnSpec("note", t("feeds.column.note"), min_width=160, hide_on_phone=True, wrap=True),
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
            "behind": cell(behind(row.data_until, context)),
            "late": cell(late.get(row.feed)),
            "accepted": cell(row.accepted),
            "usual": cell(row.usual),
            "rejected": cell(row.rejected),
            "note": spoken(row.note or "", context),
        }
        for row in worst_first(get_feed_states(context.view))
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
        ColumnSpec("feed", t("feeds.column.feed"), width=104, wrap=True),
        ColumnSpec("reason", t("feeds.column.reason"), min_width=130, wrap=True),
        ColumnSpec("rows", t("feeds.column.rejected"), kind="number", unit=t("unit.rows"), width=84),
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


@card(PAGE, "feeds-corrections")
def draw_corrections(context: Context) -> Component:
    """Days that an earlier snapshot had stated otherwise, for the reader's whole area."""
    t, table = context.t, corrections_table(context)
    rows = table.rows[:CORRECTIONS_SHOWN]
    beyond = len(table.rows) - CORRECTIONS_SHOWN
    more = t("feeds.restated.more", n=beyond) if beyond > 0 else ""
    known = context.manifest.table(RESTATED).reported
    nothing = "feeds.restated.none" if known else "feeds.restated.unknown"
    note = t("feeds.restated.note", minimum=context.policy.disclosure.min_cell)
    return card_frame(
        id="feeds-corrections-card",
        question_title=table.title,
        unit=t("feeds.restated.unit", area=name_of(default_area(context.scope), context.lang)),
        body=html.Div(
            [
                data_table(
                    id="feeds-corrections-table",
                    columns=table.columns,
                    rows=rows,
                    lang=context.lang,
                    label=table.title,
                )
                if table.rows
                else empty_state(why=t(nothing), todo=t(f"{nothing}.todo")),
                html.P(f"{note} {more}".strip(), className="tf-dim tf-card-note"),
            ]
        ),
        provenance=source(context, "feeds.restated.definition"),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "corrections") if table.rows else None,
    )


@card(PAGE, "feeds-report")
def draw_report(context: Context) -> Component:
    """What the rules said of the snapshot on screen when it was built."""
    t, table, validation = context.t, report_table(context), context.manifest.validation
    if validation is None:
        inside: Component = empty_state(why=t("feeds.report.unknown"), todo=t("feeds.report.unknown.todo"))
    elif not table.rows:
        inside = empty_state(
            why=t("feeds.report.clean", passed=f"{validation.passed:,}"), todo=t("feeds.report.clean.todo")
        )
    else:
        inside = data_table(
            id="feeds-report-table",
            columns=table.columns,
            rows=table.rows,
            lang=context.lang,
            label=table.title,
        )
    unit = (
        t("feeds.report.unit", passed=f"{validation.passed:,}", warnings=len(validation.findings))
        if validation
        else ""
    )
    return card_frame(
        id="feeds-report-card",
        question_title=table.title,
        unit=unit,
        body=inside,
        provenance=source(context, "feeds.report.definition"),
        link="",
        lang=context.lang,
        menu=export_menu(context, PAGE.key, "report") if table.rows else None,
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
    # The report has the findings of the rules; here stands what the importers noted as well.
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
register_export(PAGE.key, "corrections", corrections_table)
register_export(PAGE.key, "report", report_table)
register_export(PAGE.key, "rejects", rejects_table)
