"""The tables of the screen of appeals: surges, areas, rules."""

from __future__ import annotations

from datetime import timedelta

from dashboard.cells import Cell, cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.snapshot.contract import NO_REASON
from dashboard.views.figures import grain_of
from dashboard.views.words import worded
from geo.areas import name_of
from queries.appeals import RULE_DAYS, get_tickets_by_area, get_tickets_by_rule
from queries.surges import Surge, SurgeWatch, get_surges

SURGE_DAYS = 14


def watch_of(context: Context) -> SurgeWatch:
    """The alarms of the last days on screen."""
    day, area = context.filters.day, context.filters.area
    first = day - timedelta(days=SURGE_DAYS - 1)
    return get_surges(context.view, area=area, first=first, last=day, level=grain_of(area))


def surges_table(context: Context) -> TableData:
    """One row for each alarm, newest day first, the largest rise of a day first."""
    t = context.t
    columns = (
        ColumnSpec("date", t("appeals.column.day"), min_width=92),
        ColumnSpec("kind", t("appeals.column.kind"), min_width=88, hide_on_phone=True, wrap=True),
        ColumnSpec("what", t("appeals.column.what"), min_width=128, wrap=True),
        ColumnSpec("amount", t("appeals.column.amount"), kind="number", min_width=78),
        ColumnSpec("expected", t("appeals.column.expected"), kind="number", min_width=74),
        ColumnSpec("times", t("appeals.column.times"), kind="rate", min_width=66),
    )
    rows: list[dict[str, Value]] = [
        {
            "date": surge.date.isoformat(),
            "kind": t(f"surgekind.{surge.kind}"),
            "what": named(context, surge),
            "amount": cell(surge.amount),
            "expected": cell(round(surge.expected)),
            "times": cell(surge.amount / surge.expected) if surge.expected else Cell("not_reported"),
        }
        for surge in watch_of(context).surges
    ]
    return TableData(t("appeals.surges.title"), columns, rows)


def named(context: Context, surge: Surge) -> str:
    """What surges, in words."""
    if surge.kind == "topic":
        return worded(context, "ticketcategory.", surge.name)
    if surge.kind == "venue":
        return worded(context, "category.", surge.name)
    if surge.kind == "place":
        return name_of(surge.name, context.lang)
    reason, _, version = surge.name.rpartition("/")
    if reason == NO_REASON:
        return context.t("appeals.rule.none")
    return context.t("appeals.rule", reason=worded(context, "reason.", reason), version=version)


def areas_table(context: Context) -> TableData:
    """Waiting, oldest, opened, closed and the rate by area, the longest backlog first."""
    t = context.t
    area = context.filters.area
    found = get_tickets_by_area(context.view, area=area, date=context.filters.day, level=grain_of(area))
    cases = t("metric.unit.appeals")
    columns = (
        ColumnSpec("name", t("appeals.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("open", t("appeals.column.open"), kind="bar", unit=cases, min_width=96),
        ColumnSpec(
            "oldest", t("appeals.column.oldest"), kind="number", unit=t("metric.unit.hours"), min_width=78
        ),
        ColumnSpec("opened", t("appeals.column.opened"), kind="number", unit=cases, min_width=78),
        ColumnSpec("closed", t("appeals.column.closed"), kind="number", unit=cases, min_width=78),
        ColumnSpec("rate", t("appeals.column.rate"), kind="rate", min_width=84, hide_on_phone=True),
    )
    rows: list[dict[str, Value]] = [
        {
            "name": name_of(row.area, context.lang),
            "code": row.area,
            "open": row.open,
            "oldest": row.oldest_hours,
            "opened": row.opened,
            "closed": row.closed,
            "rate": row.rate,
        }
        for row in sorted(found, key=lambda row: (-(row.open.value or 0), row.area))
        if any(c.value is not None for c in (row.open, row.opened))
    ]
    return TableData(t("appeals.areas.title"), columns, rows)


def rules_table(context: Context) -> TableData:
    """Opened, closed, upheld by reason and version of the policy, the most often wrong first."""
    t = context.t
    day = context.filters.day
    first = day - timedelta(days=RULE_DAYS - 1)
    found = get_tickets_by_rule(context.view, area=context.filters.area, first=first, last=day)
    cases = t("metric.unit.appeals")
    columns = (
        ColumnSpec("reason", t("appeals.column.reason"), min_width=124, wrap=True),
        ColumnSpec("version", t("appeals.column.version"), kind="number", min_width=72),
        ColumnSpec("share", t("appeals.column.share"), kind="rate", unit="%", min_width=76),
        ColumnSpec("upheld", t("appeals.column.upheld"), kind="number", unit=cases, min_width=76),
        ColumnSpec("closed", t("appeals.column.closed"), kind="number", unit=cases, min_width=76),
        ColumnSpec("opened", t("appeals.column.opened"), kind="number", unit=cases, min_width=76),
        ColumnSpec(
            "hours",
            t("appeals.column.hours"),
            kind="rate",
            unit=t("metric.unit.hours"),
            min_width=80,
            hide_on_phone=True,
        ),
    )
    rows: list[dict[str, Value]] = [
        {
            "reason": t("appeals.rule.none")
            if row.reason == NO_REASON
            else worded(context, "reason.", row.reason),
            "version": cell(row.rule_version),
            "share": row.upheld_share,
            "upheld": cell(row.upheld),
            "closed": cell(row.closed),
            "opened": cell(row.opened),
            "hours": row.mean_hours,
        }
        for row in sorted(found, key=lambda row: (-(row.upheld_share.value or 0), row.reason))
    ]
    return TableData(t("appeals.rules.title"), columns, rows)
