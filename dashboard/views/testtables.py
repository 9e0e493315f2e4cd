"""The tables of the screen of testing: areas, valid tests by venue, groups, look-ups, institutions."""

from __future__ import annotations

from dashboard.cells import Cell, cell
from dashboard.components.tables import ColumnSpec, Value
from dashboard.i18n.numbers import format_day
from dashboard.shell.context import Context
from dashboard.shell.exports import TableData
from dashboard.views.figures import grain_of
from dashboard.views.words import worded
from geo.areas import name_of
from queries.services import get_doses_by_group, get_lookup_trend
from queries.testing import Clock, get_institutions, get_test_clock, get_tests_by_area


def min_cell(context: Context) -> int:
    """Counts of people from 1 to below this are hidden."""
    return context.policy.disclosure.min_cell


def areas_table(context: Context) -> TableData:
    """Testing by area, the slowest first."""
    t, area = context.t, context.filters.area
    found = get_tests_by_area(
        context.view, area=area, date=context.filters.day, level=grain_of(area), min_cell=min_cell(context)
    )
    samples = t("metric.unit.samples")
    columns = (
        ColumnSpec("name", t("testing.column.area"), link=True, pinned=True, min_width=104),
        ColumnSpec("share", t("testing.column.share"), kind="rate", unit="%", min_width=80),
        ColumnSpec("sampled", t("testing.column.sampled"), kind="bar", unit=samples, min_width=92),
        ColumnSpec("waiting", t("testing.column.waiting"), kind="number", unit=samples, min_width=80),
        ColumnSpec("positive", t("testing.column.positive"), kind="number", unit=samples, min_width=100),
        ColumnSpec("rate", t("testing.column.rate"), kind="rate", min_width=84, hide_on_phone=True),
        ColumnSpec("capacity", t("testing.column.capacity"), kind="number", min_width=96),
        ColumnSpec(
            "institutions",
            t("testing.column.institutions"),
            kind="number",
            min_width=96,
            hide_on_phone=True,
        ),
    )
    rows: list[dict[str, Value]] = [
        {
            "name": name_of(row.area, context.lang),
            "code": row.area,
            "share": row.share,
            "sampled": row.sampled,
            "waiting": row.waiting,
            "positive": row.positive,
            "rate": row.rate,
            "capacity": row.capacity,
            "institutions": row.institutions,
        }
        for row in sorted(found, key=lambda row: (_missing_last(row.share), row.area))
        if row.sampled.value is not None or row.institutions.value is not None
    ]
    return TableData(t("testing.areas.title"), columns, rows)


def clock_of(context: Context) -> Clock | None:
    """The validity clock by the policy in force, on the day of its count; None on any other day."""
    rules = context.policy.nucleic_test
    clock = get_test_clock(
        context.view,
        area=context.filters.area,
        basis=rules.basis,
        limits=tuple(sorted(set(rules.validity_hours.values()))),
        min_cell=min_cell(context),
    )
    return clock if clock is not None and clock.as_of.date() == context.filters.day else None


def valid_table(context: Context) -> TableData:
    """Holders whose test is valid at each kind of venue, the strictest first."""
    t, clock = context.t, clock_of(context)
    columns = (
        ColumnSpec("venue", t("testing.column.venue"), min_width=92),
        ColumnSpec(
            "limit", t("testing.column.limit"), kind="number", unit=t("metric.unit.hours"), min_width=76
        ),
        ColumnSpec("holders", t("testing.column.holders"), kind="bar", unit=t("unit.people"), min_width=96),
        ColumnSpec("rate", t("testing.column.per"), kind="rate", min_width=76),
    )
    limits = sorted(context.policy.nucleic_test.validity_hours.items(), key=lambda item: (item[1], item[0]))
    rows: list[dict[str, Value]] = [
        {
            "venue": worded(context, "category.", venue),
            "limit": cell(limit),
            "holders": clock.valid[limit],
            "rate": clock.rates[limit],
        }
        for venue, limit in limits
        if clock is not None
    ]
    return TableData(t("testing.valid.title"), columns, rows)


def groups_table(context: Context) -> TableData:
    """Doses by group of the plan, in the order of the plan."""
    t = context.t
    found = get_doses_by_group(context.view, area=context.filters.area, date=context.filters.day)
    doses = t("metric.unit.doses")
    most = max((len(row.by_number) for row in found), default=1)
    columns = (
        ColumnSpec("group", t("testing.column.group"), min_width=104, wrap=True),
        *(
            ColumnSpec(f"dose{n}", t("testing.column.dose", n=n), kind="number", unit=doses, min_width=84)
            for n in range(1, most + 1)
        ),
        ColumnSpec("completed", t("testing.column.completed"), kind="rate", unit="%", min_width=84),
        ColumnSpec("doses", t("testing.column.doses"), kind="number", unit=doses, min_width=76),
        ColumnSpec("rate", t("testing.column.per"), kind="rate", min_width=72, hide_on_phone=True),
    )
    rows: list[dict[str, Value]] = [
        {
            "group": worded(context, "vaccinegroup.", row.population),
            **{f"dose{n}": figure for n, figure in enumerate(row.by_number, start=1)},
            "completed": row.completed,
            "doses": row.doses,
            "rate": row.rate,
        }
        for row in sorted(found, key=lambda row: -(row.by_number[0].value or 0))
    ]
    return TableData(t("testing.groups.title"), columns, rows)


def lookups_table(context: Context) -> TableData:
    """Look-ups of the day by service."""
    t, day = context.t, context.filters.day
    asked = t("metric.unit.lookups")
    columns = (
        ColumnSpec("service", t("testing.column.service"), min_width=112, wrap=True),
        ColumnSpec("lookups", t("testing.column.lookups"), kind="bar", unit=asked, min_width=92),
        ColumnSpec("failures", t("testing.column.failures"), kind="number", unit=asked, min_width=76),
        ColumnSpec("failed", t("testing.column.failed"), kind="rate", unit="%", min_width=72),
        ColumnSpec("p95", t("testing.column.p95"), kind="number", unit="ms", min_width=76),
    )
    found = get_lookup_trend(context.view, area=context.filters.area, first=day, last=day)
    rows: list[dict[str, Value]] = [
        {
            "service": worded(context, "service.", row.service),
            "lookups": cell(row.lookups),
            "failures": cell(row.failures),
            "failed": row.failed,
            "p95": cell(row.p95_ms),
        }
        for row in sorted(found, key=lambda row: -row.lookups)
    ]
    return TableData(t("testing.lookups.title"), columns, rows)


def institutions_table(context: Context) -> TableData:
    """Every institution of the area on screen, found by name with the filter of the column."""
    t = context.t
    columns = (
        ColumnSpec("name", t("testing.column.name"), min_width=132, wrap=True),
        ColumnSpec("area", t("testing.column.area"), min_width=84),
        ColumnSpec("open", t("testing.column.open"), min_width=92),
        ColumnSpec(
            "capacity",
            t("testing.column.capacity"),
            kind="number",
            unit=t("metric.unit.samples"),
            min_width=92,
        ),
        ColumnSpec("updated", t("testing.column.updated"), min_width=92, hide_on_phone=True),
    )
    rows: list[dict[str, Value]] = [
        {
            "name": row.name,
            "area": name_of(row.area, context.lang),
            "open": t("testing.open.always")
            if (row.opens, row.closes) == (0, 24)
            else f"{row.opens}:00-{row.closes}:00",
            "capacity": cell(row.capacity),
            "updated": format_day(row.updated),
        }
        for row in get_institutions(context.view, area=context.filters.area)
    ]
    return TableData(t("testing.institutions.title"), columns, rows)


def _missing_last(figure: Cell) -> float:
    return 1000 if figure.value is None else figure.value
