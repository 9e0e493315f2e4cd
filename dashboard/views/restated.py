"""Late and corrected days on screen: marks for charts and trends, the table of corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from dashboard.cells import NOT_REPORTED, Cell
from dashboard.components.chart_parts import RestatedPoint
from dashboard.components.tables import ColumnSpec, Value
from dashboard.i18n.numbers import format_time
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.shell.filters import default_area
from geo.areas import name_of
from queries.restated import Restatement, get_restated_days, get_restatements

# Key figures whose trend is a watched measure: table, column, part.
FIGURES: Mapping[str, tuple[str, str, str]] = {
    "cases_local": ("case_daily", "confirmed_new", "local"),
    "cases_imported": ("case_daily", "confirmed_new", "imported"),
    "places_high": ("risk_place", "places", "high"),
    "places_medium": ("risk_place", "places", "medium"),
    "new_red": ("code_flow", "people", "red"),
    "new_yellow": ("code_flow", "people", "yellow"),
    "scans": ("scan_hourly", "scans", ""),
    "shows": ("scan_hourly", "shows", ""),
    "refused": ("scan_hourly", "refused", ""),
    "holders_red": ("code_stock", "holders", "red"),
    "holders_yellow": ("code_stock", "holders", "yellow"),
    "holders_green": ("code_stock", "holders", "green"),
}
_PARTS = {"code_stock": "colour.", "code_flow": "colour.", "risk_place": "level.", "case_daily": "origin."}
MOST_LINES = 500


def chart_marks(
    context: Context, *, table: str, measure: str, parts: Sequence[str], days: Sequence[date]
) -> list[RestatedPoint]:
    """The restated points of a chart over ``days`` whose series are ``parts`` of one measure, in order."""
    if not days:
        return []
    found = get_restated_days(
        context.view,
        area=context.filters.area,
        table=table,
        measure=measure,
        first=days[0],
        last=days[-1],
        min_cell=context.policy.disclosure.min_cell,
    )
    return [
        RestatedPoint(
            series=parts.index(part),
            day=day,
            before=row.before,
            after=row.after,
            kind=context.t(f"restatedkind.{row.kind}"),
            known=format_time(row.known_at, near=context.manifest.data_time),
        )
        for (day, part), row in found.items()
        if part in parts
    ]


def trend_marks(context: Context, figure: str, days: Sequence[date]) -> tuple[tuple[int, ...], str]:
    """Places of the restated days in the trend of a key figure, and the words for them."""
    watched = FIGURES.get(figure)
    if watched is None or not days:
        return (), ""
    table, measure, part = watched
    marks = chart_marks(context, table=table, measure=measure, parts=(part,), days=days)
    places = tuple(sorted(days.index(mark.day) for mark in marks if mark.day in days))
    said = "、" if context.lang == "zh-CN" else ", "
    words = said.join(f"{days[place]:%m-%d}" for place in places)
    return places, context.t("trend.restated", days=words) if places else ""


def measure_name(context: Context, row: Restatement) -> str:
    """A measure in words, with its part."""
    part = context.t(f"{_PARTS[row.table]}{row.part}") if row.part and row.table in _PARTS else ""
    return context.t(f"measure.{row.table}.{row.measure}", part=part)


def corrections_table(context: Context) -> TableData:
    """Everything that was restated about the reader's whole area within the days of the snapshot."""
    t, area = context.t, default_area(context.scope)
    first = min((table.first_day for table in context.manifest.tables if table.first_day), default=None)
    rows = get_restatements(
        context.view,
        area=area,
        first=first or context.manifest.data_day,
        last=context.manifest.data_day,
        min_cell=context.policy.disclosure.min_cell,
    )
    columns = (
        ColumnSpec("day", t("feeds.column.day"), min_width=88),
        ColumnSpec("feed", t("feeds.column.feed"), min_width=96, hide_on_phone=True),
        ColumnSpec("what", t("feeds.column.what"), min_width=90, wrap=True),
        ColumnSpec("kind", t("feeds.column.kind"), min_width=76, hide_on_phone=True),
        ColumnSpec("before", t("feeds.column.before"), kind="number", min_width=84),
        ColumnSpec("after", t("feeds.column.after"), kind="number", min_width=84),
        ColumnSpec("change", t("feeds.column.change"), kind="change", min_width=84, hide_on_phone=True),
        ColumnSpec("where", t("feeds.column.where"), min_width=100, hide_on_phone=True),
        ColumnSpec("known", t("feeds.column.known"), min_width=100, hide_on_phone=True),
        ColumnSpec("said", t("feeds.column.said"), min_width=214, hide_on_phone=True),
    )
    lines: list[dict[str, Value]] = [
        {
            "day": row.date.isoformat(),
            "feed": t(f"feed.{row.feed}"),
            "what": measure_name(context, row),
            "kind": t(f"restatedkind.{row.kind}"),
            "before": row.before,
            "after": row.after,
            "change": _change(row.before, row.after),
            "where": _where(context, row),
            "known": format_time(row.known_at, near=context.manifest.data_time),
            "said": row.snapshot_before,
        }
        for row in rows[:MOST_LINES]
    ]
    return TableData(t("feeds.restated.title"), columns, lines)


def _change(before: Cell, after: Cell) -> Cell:
    if before.value is None or after.value is None:
        return NOT_REPORTED
    return Cell("value", after.value - before.value)


def _where(context: Context, row: Restatement) -> str:
    if row.areas is None or row.one is None:
        return "—"
    if row.areas == 1:
        return name_of(row.one, context.lang)
    return context.t("feeds.where.many", n=row.areas)
