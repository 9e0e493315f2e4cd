"""The tables of the code-colour page: areas, reasons, and every way of changing colour."""

from __future__ import annotations

from dashboard.cells import Cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.views.areamap import map_area
from dashboard.views.codemap import changes_on_map, of_colour
from geo.areas import name_of
from queries.codes import get_colours_by_reason
from queries.disclosure import rate
from queries.flows import get_flows
from queries.overview import get_code_figures

COLOURS = ("yellow", "red", "green")


def colour(context: Context) -> str:
    """The colour on screen."""
    return context.filters.options["colour"]


def min_cell(context: Context) -> int:
    """Counts of people from 1 to below this are hidden."""
    return context.policy.disclosure.min_cell


def areas_table(context: Context) -> TableData:
    """The table twin of the map: holders of every colour by area, rate and change of the colour on screen."""
    t, chosen = context.t, colour(context)
    rows: list[dict[str, Value]] = []
    for row in changes_on_map(context, map_area(context)):
        holders = {c: of_colour(row.now, row.now.colours, c) for c in COLOURS}
        rows.append(
            {
                "code": row.area,
                "name": name_of(row.area, context.lang),
                **holders,
                "rate": rate(holders[chosen], row.now.residents),
                "change": of_colour(row.now, row.colours, chosen),
            }
        )
    rows.sort(key=lambda row: -_number(row["rate"]))
    people = t("unit.people")
    columns = (
        ColumnSpec("name", t("risk.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("rate", t("codes.column.rate", colour=t(f"colour.{chosen}")), kind="rate", min_width=84),
        ColumnSpec("change", t("codes.column.change"), kind="change", min_width=84),
        *(ColumnSpec(c, t(f"colour.{c}"), kind="number", unit=people, min_width=88) for c in COLOURS),
    )
    return TableData(t("codes.areas.title"), columns, rows)


def areas_total(context: Context) -> dict[str, Value]:
    """The pinned total of the table of areas: the figures of the area on screen, hidden where they are."""
    figures = {
        figure.id: figure
        for figure in get_code_figures(
            context.view,
            area=map_area(context),
            date=context.filters.day,
            min_cell=min_cell(context),
        )
    }
    chosen = figures[f"holders_{colour(context)}"]
    return {
        "name": context.t("ui.table.total"),
        "rate": chosen.rate,
        **{c: figures[f"holders_{c}"].day for c in COLOURS},
    }


def _number(value: Value) -> float:
    return value.value or 0 if isinstance(value, Cell) else 0


def reasons_table(context: Context) -> TableData:
    """Holders of every colour by reason."""
    t = context.t
    parts = get_colours_by_reason(
        context.view, area=context.filters.area, date=context.filters.day, min_cell=min_cell(context)
    )
    columns = (
        ColumnSpec("colour", t("codes.column.colour")),
        ColumnSpec("reason", t("codes.column.reason")),
        ColumnSpec("holders", t("codes.column.holders"), kind="number", unit=t("unit.people")),
    )
    rows: list[dict[str, Value]] = [
        {"colour": t(f"colour.{p.colour}"), "reason": t(f"reason.{p.part}"), "holders": p.holders}
        for p in parts
    ]
    return TableData(t("codes.reasons.title"), columns, rows)


def changes_table(context: Context) -> TableData:
    """Every way of changing on the day: from, to, reason, who did it, how many."""
    t = context.t
    flows = get_flows(
        context.view, area=context.filters.area, date=context.filters.day, min_cell=min_cell(context)
    )
    columns = (
        ColumnSpec("from", t("codes.column.from"), min_width=76),
        ColumnSpec("to", t("codes.column.to"), min_width=76),
        ColumnSpec("reason", t("codes.column.reason"), min_width=130),
        ColumnSpec("actor", t("codes.column.actor"), min_width=84),
        ColumnSpec("people", t("codes.column.people"), kind="number", unit=t("unit.people"), min_width=80),
        ColumnSpec("changes", t("codes.column.changes"), kind="number", min_width=80, hide_on_phone=True),
    )
    ordered = sorted(flows.flows, key=lambda flow: -(flow.people.value or 0))
    rows: list[dict[str, Value]] = [
        {
            "from": t(f"colour.{flow.from_colour}"),
            "to": t(f"colour.{flow.to_colour}"),
            "reason": t(f"reason.{flow.reason}"),
            "actor": t(f"actor.{flow.actor}"),
            "people": flow.people,
            "changes": flow.changes,
        }
        for flow in ordered
    ]
    return TableData(t("codes.changes.title"), columns, rows)
