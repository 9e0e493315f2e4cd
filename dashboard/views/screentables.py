"""The tables of the screen of outbreak screening: stages, areas, lists, contacts, incidents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from dashboard.cells import Cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.i18n.numbers import format_day, format_time
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.shell.filterbar import days_of
from dashboard.views.figures import grain_of
from dashboard.views.funnel import NOT_RUN, funnel_of, incident_name, incidents_of, stage_name
from dashboard.views.words import worded
from geo.areas import name_of
from queries.followup import (
    LATE_DAYS,
    FollowUpAreas,
    get_contacts_by_area,
    get_finished_day,
    get_lists_by_area,
)
from queries.screening import ENTERED, get_funnel_by_area

LIST_COLUMNS = ("overdue", "returned", "pushed")
CONTACT_COLUMNS = ("found", "close", "followed", "lost", "waiting")


def min_cell(context: Context) -> int:
    """Counts of people from 1 to below this are hidden."""
    return context.policy.disclosure.min_cell


def stages_table(context: Context) -> TableData:
    """Every stage by outcome: who stays, and who dropped out for which reason."""
    t, funnel = context.t, funnel_of(context)
    columns = (
        ColumnSpec("stage", t("screening.column.stage")),
        ColumnSpec("outcome", t("screening.column.outcome")),
        ColumnSpec("people", t("screening.column.people"), kind="number", unit=t("unit.people")),
        ColumnSpec("time", t("screening.column.time")),
    )
    rows: list[dict[str, Value]] = []
    for stage in funnel.stages if funnel else ():
        outcomes = [
            (t("screening.column.entered"), stage.entered),
            (t("screening.funnel.kept"), stage.kept),
            *(
                (worded(context, "dropreason.", reason), figure)
                for reason, figure in stage.drops
                if reason != NOT_RUN
            ),
        ]
        rows += [
            {
                "stage": stage_name(context, stage.stage),
                "outcome": outcome,
                "people": figure,
                "time": format_time(stage.computed_at),
            }
            for outcome, figure in outcomes
        ]
    return TableData(t("screening.funnel.title"), columns, rows)


def areas_table(context: Context) -> TableData:
    """People who entered and who stayed in each stage, by area; the most on the final list first."""
    t, funnel = context.t, funnel_of(context)
    title = t("screening.areas.title")
    name = ColumnSpec("name", t("screening.column.area"), link=True, pinned=True, min_width=104)
    if funnel is None:
        return TableData(title, (name,), [])
    area = context.filters.area
    found = get_funnel_by_area(
        context.view,
        area=area,
        level=grain_of(area),
        incident=funnel.incident,
        min_cell=min_cell(context),
    )
    people = t("unit.people")
    entered = ColumnSpec(ENTERED, t("screening.column.entered"), kind="number", unit=people, min_width=88)
    stages = tuple(
        ColumnSpec(stage, stage_name(context, stage), kind="number", unit=people, min_width=88)
        for stage in found.stages
    )
    last = found.stages[-1]
    ordered = sorted(found.lines.items(), key=lambda item: (-_number(item[1][last]), item[0]))
    rows: list[dict[str, Value]] = [
        {"code": code, "name": name_of(code, context.lang), **line} for code, line in ordered
    ]
    return TableData(title, (name, entered, *stages), rows)


def areas_total(context: Context) -> dict[str, Value] | None:
    """The pinned total of the table of areas."""
    funnel, area = funnel_of(context), context.filters.area
    if funnel is None:
        return None
    found = get_funnel_by_area(
        context.view,
        area=area,
        level=grain_of(area),
        incident=funnel.incident,
        min_cell=min_cell(context),
    )
    return {"name": context.t("ui.table.total"), **found.totals} if len(found.lines) > 1 else None


def lists_span(context: Context) -> tuple[date, date] | None:
    """The days whose lists the table holds: seven, up to the newest whose time is over; None without one."""
    last = get_finished_day(context.view, area=context.filters.area, date=context.filters.day)
    return None if last is None else (last - timedelta(days=LATE_DAYS - 1), last)


def lists_of(context: Context) -> FollowUpAreas | None:
    """Lists by area over those days."""
    span, area = lists_span(context), context.filters.area
    if span is None:
        return None
    return get_lists_by_area(
        context.view,
        area=area,
        first=span[0],
        last=span[1],
        level=grain_of(area),
        min_cell=min_cell(context),
    )


def lists_table(context: Context) -> TableData:
    """Who returned lists in time and who did not, by area: the smallest share first."""
    t, found = context.t, lists_of(context)
    people = t("unit.people")
    columns = (
        ColumnSpec("name", t("screening.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("share", t("screening.column.share"), kind="rate", unit="%", min_width=92),
        *(
            ColumnSpec(c, t(f"screening.column.{c}"), kind="number", unit=people, min_width=84)
            for c in LIST_COLUMNS
        ),
    )
    lines = found.lines if found else {}
    ordered = sorted(lines.items(), key=lambda item: (_number(item[1]["share"], missing=101), item[0]))
    return TableData(t("screening.lists.title"), columns, [_line(context, *item) for item in ordered])


def lists_total(context: Context) -> dict[str, Value] | None:
    found = lists_of(context)
    return {"name": context.t("ui.table.total"), **found.totals} if found and len(found.lines) > 1 else None


def contacts_of(context: Context) -> FollowUpAreas:
    """Contacts by area over the last days."""
    area, day = context.filters.area, context.filters.day
    return get_contacts_by_area(
        context.view,
        area=area,
        first=day - timedelta(days=LATE_DAYS - 1),
        last=day,
        level=grain_of(area),
        min_cell=min_cell(context),
    )


def contacts_table(context: Context) -> TableData:
    """Contacts found and reached, by area, the most first; areas where nobody was found are left out."""
    t, people = context.t, context.t("unit.people")
    columns = (
        ColumnSpec("name", t("screening.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("share", t("screening.column.reached"), kind="rate", unit="%", min_width=76),
        *(
            ColumnSpec(
                c,
                t(f"screening.column.{c}"),
                kind="number",
                unit=people,
                min_width=100,
                hide_on_phone=c == "close",
            )
            for c in CONTACT_COLUMNS
        ),
    )
    ordered = sorted(
        contacts_of(context).lines.items(), key=lambda item: (-_number(item[1]["found"]), item[0])
    )
    rows = [_line(context, *item) for item in ordered if item[1]["found"].value != 0]
    return TableData(t("screening.follow.title"), columns, rows)


def incidents_table(context: Context) -> TableData:
    """Every incident of the scope; a row chooses the day it began, and with it the incident."""
    t = context.t
    columns = (
        ColumnSpec("incident", t("screening.column.incident"), link=True, min_width=140),
        ColumnSpec("place", t("screening.column.place"), min_width=96),
        ColumnSpec("began", t("screening.column.began"), min_width=96),
        ColumnSpec("ended", t("screening.column.ended"), min_width=84),
    )
    first, _ = days_of(context)
    rows: list[dict[str, Value]] = [
        {
            "incident": incident_name(context, row.incident),
            "place": name_of(row.area, context.lang),
            "began": format_day(row.began),
            "ended": format_day(row.ended) if row.ended else t("screening.incidents.open"),
            "date": format_day(max(row.began, first)),
        }
        for row in incidents_of(context)
        if row.began <= context.manifest.data_day
    ]
    return TableData(t("screening.incidents.title"), columns, rows)


def _line(context: Context, code: str, cells: Mapping[str, Cell]) -> dict[str, Value]:
    return {"code": code, "name": name_of(code, context.lang), **cells}


def _number(figure: Cell, *, missing: float = 0) -> float:
    return missing if figure.value is None else figure.value
