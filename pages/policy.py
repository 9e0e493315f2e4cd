"""Policy: every threshold in force with its unit, bounds and source; read only."""

from __future__ import annotations

from itertools import groupby, pairwise

from dash import html
from dash.development.base_component import Component

from dashboard.components.badges import colour_badge
from dashboard.components.tables import ColumnSpec, Value, data_table
from dashboard.i18n.catalogue import Lang
from dashboard.policy.groups import ReasonRow
from dashboard.policy.model import Source, Text
from dashboard.policy.thresholds import Threshold, list_thresholds
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData, register_export
from dashboard.shell.pages import Page, card, register_page
from dashboard.views.menus import export_menu


def body(context: Context) -> Component:
    policy, lang = context.policy, context.lang
    lead = context.t("policy.page.lead", version=policy.version, day=policy.effective_from)
    return html.Div(
        [
            html.Div(
                [
                    html.H1(context.t("nav.policy")),
                    html.P(lead),
                    html.P(words(policy.notes, lang), className="tf-dim"),
                ],
                className="tf-page-head",
            ),
            html.Div(
                [
                    html.Div(id="policy-thresholds", className="tf-col-6"),
                    html.Div(id="policy-reasons", className="tf-col-6"),
                ],
                className="tf-grid",
            ),
        ]
    )


PAGE = register_page(__name__, Page(key="policy", path="/policy", order=30, needs="view", body=body, bar=()))


@card(PAGE, "policy-thresholds")
def draw_thresholds(context: Context) -> Component:
    groups = groupby(list_thresholds(context.policy), key=lambda threshold: threshold.group)
    return html.Div(
        [_group(context, group, list(thresholds)) for group, thresholds in groups], className="tf-stack"
    )


def _group(context: Context, group: str, thresholds: list[Threshold]) -> Component:
    return html.Section(
        [
            html.Header(
                html.Div(
                    [
                        html.H2(context.t(f"policy.{group}"), className="tf-card-title"),
                        html.P(context.t(f"policy.{group}.note"), className="tf-card-unit"),
                    ],
                    className="tf-card-heading",
                ),
                className="tf-card-head",
            ),
            html.Dl(
                [_row(context, threshold, before) for before, threshold in pairwise([None, *thresholds])],
                className="tf-thresholds",
            ),
        ],
        className="tf-card",
    )


def _row(context: Context, threshold: Threshold | None, before: Threshold | None) -> Component | None:
    """One threshold; what the row above says already (note, source) is not said again."""
    if threshold is None:
        return None
    t = context.t
    note_said = before is not None and before.name == threshold.name
    source_said = before is not None and before.source == threshold.source
    name = t(threshold.text_key)
    if threshold.key:
        name = f"{name} · {key_text(context, threshold)}"
    bounds = (
        t("policy.page.bounds", low=f"{threshold.low:,}", high=f"{threshold.high:,}")
        if threshold.low is not None and threshold.high is not None
        else ""
    )
    return html.Div(
        [
            html.Dt(
                [name, None if note_said else html.Span(t(f"{threshold.text_key}.note"), className="tf-dim")]
            ),
            html.Dd(
                [
                    html.Span(
                        [value_text(context, threshold), " ", unit_text(context, threshold)],
                        className="tf-num tf-strong",
                    ),
                    html.Span(bounds, className="tf-dim"),
                    None
                    if source_said
                    else html.Span(
                        t("policy.page.source", source=words(threshold.source, context.lang)),
                        className="tf-dim",
                    ),
                ]
            ),
        ]
    )


def key_text(context: Context, threshold: Threshold) -> str:
    """The key of a threshold by key in words: a feed, or a venue category."""
    kind = "feed" if threshold.group == "feeds" else "category"
    return context.t(f"{kind}.{threshold.key}")


def value_text(context: Context, threshold: Threshold) -> str:
    value = threshold.value
    if isinstance(value, bool):
        return context.t("policy.yes" if value else "policy.no")
    if isinstance(value, int):
        return f"{value:,}"
    return context.t(f"{'ruleset' if threshold.name == 'rule_set' else threshold.name}.{value}")


def unit_text(context: Context, threshold: Threshold) -> str:
    return context.t(f"unit.{threshold.unit}") if threshold.unit else ""


def reasons_table(context: Context) -> TableData:
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
            "reason": t(f"reason.{row.reason_code}"),
            "release": release_text(context, row),
            "clause": row.clause,
        }
        for row in context.policy.health_code.rows
    ]
    return TableData(t("policy.page.reasons"), columns, rows)


def release_text(context: Context, row: ReasonRow) -> str:
    """How a colour ends, in one sentence."""
    if row.release is None:
        return context.t("policy.release.none")
    key = f"policy.release.{row.release}" + ("" if row.hold_days is not None else ".open")
    start = context.t(f"policy.hold.{row.hold_from}")
    return context.t(key, days=row.hold_days, tests=row.tests_required, start=start)


def words(entry: Text | Source, lang: Lang) -> str:
    """The text of a policy entry in the reader's language."""
    return entry.zh if lang == "zh-CN" else entry.en


@card(PAGE, "policy-reasons")
def draw_reasons(context: Context) -> Component:
    table = reasons_table(context)
    colours = html.Div(
        [colour_badge(colour.id, context.lang) for colour in context.policy.colours], className="tf-badges"
    )
    return html.Section(
        [
            html.Header(
                [
                    html.Div(
                        [html.H2(table.title, className="tf-card-title"), colours],
                        className="tf-card-heading",
                    ),
                    html.Div(export_menu(context, PAGE.key, "reasons"), className="tf-card-tools"),
                ],
                className="tf-card-head",
            ),
            data_table(
                id="policy-reasons-table",
                columns=table.columns,
                rows=table.rows,
                lang=context.lang,
                label=table.title,
            ),
        ],
        className="tf-card",
    )


register_export(PAGE.key, "reasons", reasons_table)
