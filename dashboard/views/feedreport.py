"""What the validation said, for a person: of the snapshot on screen, and of a delivery that was refused."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.cells import cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.i18n.numbers import format_time
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.last_build import read_refused
from dashboard.snapshot.manifest import Checked
from geo.areas import is_area, name_of


def report_table(context: Context) -> TableData:
    """Every finding on the snapshot on screen: how bad, what, by which rule, in which data, where."""
    t = context.t
    columns = (
        ColumnSpec("outcome", t("feeds.report.column.outcome"), min_width=84),
        ColumnSpec("found", t("feeds.report.column.found"), min_width=180, wrap=True),
        ColumnSpec("rule", t("feeds.report.column.rule"), min_width=150, wrap=True, hide_on_phone=True),
        ColumnSpec("table", t("feeds.report.column.table"), min_width=130, wrap=True, hide_on_phone=True),
        ColumnSpec(
            "rows",
            t("feeds.report.column.rows"),
            kind="number",
            unit=t("unit.rows"),
            min_width=84,
            hide_on_phone=True,
        ),
        ColumnSpec("where", t("feeds.report.column.where"), min_width=150, wrap=True, hide_on_phone=True),
    )
    validation = context.manifest.validation
    rows: list[dict[str, Value]] = [
        {
            "outcome": t(f"feeds.report.outcome.{found.outcome}"),
            "found": sentence(context, found),
            "rule": t(f"rule.{found.rule}"),
            "table": table_words(context, found.table),
            "rows": cell(found.rows),
            "where": where(context, found),
        }
        for found in (validation.findings if validation else ())
    ]
    return TableData(t("feeds.report.title"), columns, rows)


def sentence(context: Context, found: Checked) -> str:
    """A finding in the reader's language; where the rule has no own words for it, the rule with its rows."""
    said = found.sentence if context.lang == "en" else found.sentence_zh
    return said or context.t(
        "feeds.report.found", rows=f"{found.rows:,}", rule=context.t(f"rule.{found.rule}")
    )


def table_words(context: Context, table: str) -> str:
    """A table with the feed it comes from, so that the department is known that can mend it."""
    spec = TABLE_BY_NAME.get(table)
    if spec is None or not spec.feed:
        return table or "—"
    return f"{context.t(f'feed.{spec.feed}')} · {table}"


def where(context: Context, found: Checked) -> str:
    """Days and areas of the rows, areas by name."""
    lines = []
    for text in found.where:
        pairs = dict(part.split("=", 1) for part in text.split() if "=" in part)
        area = pairs.get("area", "")
        words = [pairs.get("date", ""), name_of(area, context.lang) if is_area(area) else area]
        lines.append(" ".join(word for word in words if word))
    joint = "；" if context.lang == "zh-CN" else "; "
    return joint.join(dict.fromkeys(line for line in lines if line)) or "—"


def build_plate(context: Context) -> Component | None:
    """Why the newest delivery is not on screen: each rule that refuses it, then the rows put aside."""
    store = context.board.store
    build = read_refused(store.root, served=store.manifest(store.current_id()).built_at)
    if build is None:
        return None
    t = context.t
    at = format_time(build.at, near=context.manifest.built_at)
    errors = [f for f in build.validation.findings if f.outcome == "error"] if build.validation else []
    lines: list[Component] = [
        html.Li(
            [
                html.Strong(f"{t('feeds.report.outcome.error')} {t(f'rule.{found.rule}')}"),
                html.P(sentence(context, found)),
                html.P(f"{table_words(context, found.table)} · {where(context, found)}", className="tf-dim"),
            ]
        )
        for found in errors
    ]
    if not errors:
        lines = [html.Li([html.Strong(t("feeds.build.nothing")), html.P(build.trouble, className="tf-dim")])]
    rejected = sum(rows for _, _, rows in build.rejects)
    return html.Section(
        [
            html.H2(t("feeds.build.refused", at=at)),
            html.P(t("feeds.build.todo")),
            html.Ul(lines, className="tf-refusals"),
            html.P(t("feeds.build.rejects", rows=f"{rejected:,}")) if rejected else None,
            html.Ul(
                [
                    html.Li(f"{_feed(context, feed)} · {rows:,} · {t(f'reject.{reason}')}")
                    for feed, reason, rows in build.rejects
                ],
                className="tf-refusals-rows",
            )
            if rejected
            else None,
        ],
        className="tf-plate-report",
        role="status",
        id="feeds-build",
    )


def _feed(context: Context, feed: str) -> str:
    return context.t(f"feed.{feed}")
