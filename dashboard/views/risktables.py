"""The tables of the risk page: areas with their level and places, and the listed places themselves."""

from __future__ import annotations

from datetime import date

from dashboard.cells import NOT_REPORTED, Cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.policy.evaluate import days_clear, expected_release
from dashboard.policy.store import risk_area_of
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.snapshot.contract import RISK_LEVELS
from dashboard.views.areamap import map_area
from dashboard.views.figures import grain_of
from dashboard.views.riskmap import why_text
from geo.areas import name_of
from queries.levels import AreaLevel, get_levels
from queries.risk import RiskPlace, get_risk_by_area, get_risk_places


def levels(context: Context) -> tuple[AreaLevel, ...]:
    """The level of each part of the area on screen."""
    return levels_of(context, context.filters.area)


def levels_of(context: Context, area: str) -> tuple[AreaLevel, ...]:
    """The level of each part of ``area`` on the day."""
    return get_levels(
        context.view,
        area=area,
        date=context.filters.day,
        level=grain_of(area),
        thresholds=context.policy.risk_area,
    )


def areas_table(context: Context) -> TableData:
    """The table twin of the map: one row an area, the same figures."""
    t, area = context.t, map_area(context)
    # Not the levels of that day: they leave out a functional area without a listed place.
    before = {
        row.area: row.places
        for row in get_risk_by_area(
            context.view,
            area=area,
            date=context.filters.compare,
            level=grain_of(area),
        )
    }
    rows: list[dict[str, Value]] = []
    for row in levels_of(context, area):
        was, now = before.get(row.area, NOT_REPORTED), row.places.places
        rows.append(
            {
                "code": row.area,
                "name": name_of(row.area, context.lang),
                "level": row.level or "unknown",
                "why": why_text(context, row),
                **{at: row.places.levels[at] for at in RISK_LEVELS},
                "rate": row.places.rate("high"),
                "change": _change(now, was),
            }
        )
    order = {"high": 0, "medium": 1, "unknown": 2, "low": 3}
    rows.sort(key=lambda row: (order[str(row["level"])], -_number(row["high"]), -_number(row["medium"])))
    columns = (
        ColumnSpec("name", t("risk.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("level", t("risk.column.level"), kind="status", min_width=88),
        ColumnSpec("high", t("level.high"), kind="bar", min_width=76),
        ColumnSpec("medium", t("level.medium"), kind="bar", min_width=82),
        ColumnSpec("change", t("risk.column.change"), kind="change", min_width=82),
        ColumnSpec("why", t("risk.column.why"), min_width=150, hide_on_phone=True),
    )
    return TableData(t("risk.areas.title"), columns, rows)


def areas_total(context: Context, table: TableData) -> dict[str, Value]:
    """The pinned sum of the table of areas; a sum with a part that is not reported is not reported."""
    return {"name": context.t("ui.table.total")} | {
        field: _sum([row[field] for row in table.rows]) for field in ("high", "medium", "change")
    }


def _sum(values: list[Value]) -> Cell:
    cells = [value for value in values if isinstance(value, Cell)]
    if not cells or any(cell.value is None for cell in cells):
        return Cell("not_reported")
    return Cell("value", sum(cell.value or 0 for cell in cells))


def _change(now: Cell, was: Cell) -> Cell:
    if now.value is None or was.value is None:
        return Cell("not_reported")
    return Cell("value", now.value - was.value)


def _number(value: Value) -> float:
    return value.value or 0 if isinstance(value, Cell) else 0


def places_table(context: Context) -> TableData | None:
    """Every listed place with its days clear and the day the rule expects it to be released."""
    t = context.t
    places = get_risk_places(context.view, area=context.filters.area, date=context.filters.day)
    if places is None:
        return None
    columns = (
        ColumnSpec("text", t("risk.column.place"), min_width=210),
        ColumnSpec("area", t("risk.column.area"), min_width=88),
        ColumnSpec("level", t("risk.column.level"), kind="status", min_width=92),
        ColumnSpec("since", t("risk.column.since"), min_width=96),
        ColumnSpec("clear", t("risk.column.clear"), kind="number", unit=t("unit.days"), min_width=84),
        ColumnSpec("release", t("risk.column.release"), min_width=128),
        ColumnSpec("rule", t("risk.column.rule"), min_width=110, hide_on_phone=True),
    )
    order = {level: n for n, level in enumerate(RISK_LEVELS)}
    ranked = sorted(places, key=lambda place: (order[place.level], place.area, place.text))
    return TableData(t("risk.places.title"), columns, [_place_row(context, place) for place in ranked])


def _place_row(context: Context, place: RiskPlace) -> dict[str, Value]:
    thresholds = risk_area_of(place.rule_set, context.policy)
    release = (
        expected_release(thresholds, level=place.level, last_case=place.last_case, since=place.since)
        if thresholds
        else None
    )
    clear = days_clear(place.last_case, context.filters.day)
    missing = context.t("cell.not_reported")
    return {
        "text": place.text,
        "area": name_of(place.area, context.lang),
        "level": place.level,
        "since": place.since.isoformat() if place.since else missing,
        "clear": Cell("not_reported") if clear is None else Cell("value", clear),
        "release": _release_text(context, release),
        "rule": context.t(f"ruleset.{place.rule_set}"),
    }


def _release_text(context: Context, release: date | None) -> str:
    if release is None:
        return context.t("risk.release.unknown")
    if release <= context.filters.day:
        return context.t("risk.release.due", day=release)
    return release.isoformat()


def places_export(context: Context) -> TableData:
    """The listed places for an export; empty where the list of the day is not known."""
    return places_table(context) or TableData(context.t("risk.places.title"), (), ())
