"""Key figures of the overview: the day, the day before, the rate and the trend, for one area.

One query for each group of cards. The id of a figure is the id of its metric in ``queries/metrics``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import timedelta

from dashboard.cells import NOT_REPORTED, Cell, cell
from dashboard.snapshot.contract import CASE_ORIGINS, RISK_LEVELS
from queries.areas import get_members, get_residents
from queries.cases import get_case_trend
from queries.codes import OTHER, get_colour_trend
from queries.disclosure import MIN_CELL, change, protect, rate
from queries.risk import get_risk_history
from queries.run import View, read
from queries.scans import get_scan_trend, get_scans_by_hour

# Colours with a card of their own; all others of the policy (grey, pop-up) share one.
CARD_COLOURS = ("red", "yellow", "green")
TREND_DAYS = 14
LAST_HOUR = 23


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure of an area.

    ``change`` is against the day before; it is not reported where another number of areas reported on
    that day (``areas``, ``areas_before``; None where the feed does not list every area every day).
    ``rate`` is per 100,000 residents. ``trend`` has one cell for each day, the last is ``day``.
    ``until_hour`` is set where the day was reported up to that hour only; ``before`` and ``change`` are then
    about the same hours of the day before.
    """

    id: str
    day: Cell
    before: Cell
    change: Cell
    rate: Cell
    trend: tuple[tuple[Date, Cell], ...]
    areas: int | None = None
    areas_before: int | None = None
    until_hour: int | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    date: Date
    colour: str
    people: int
    recoded: int


def get_code_figures(
    view: View, *, area: str, date: Date, days: int = TREND_DAYS, min_cell: int = MIN_CELL
) -> tuple[Figure, ...]:
    """``holders``, ``holders_red``, ``_yellow``, ``_green`` and ``_other``: people with a code at day's end.

    Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    trend = get_colour_trend(
        view, area=area, first=window[0], last=date, apart=CARD_COLOURS, min_cell=min_cell
    )
    columns = {"holders": {row.date: row.holders for row in trend}}
    for colour in (*CARD_COLOURS, OTHER):
        columns[f"holders_{colour}"] = {row.date: row.colours[colour] for row in trend}
    areas = {row.date: row.areas for row in trend}
    residents = get_residents(view, area=area)
    return tuple(build_figure(key, column, window, residents, areas) for key, column in columns.items())


def get_turn_figures(
    view: View, *, area: str, date: Date, days: int = TREND_DAYS, min_cell: int = MIN_CELL
) -> tuple[Figure, ...]:
    """``new_red``, ``new_yellow``, ``turned_green``: people whose code turned on the day.

    Newly issued codes count as new red or yellow, not as turned green. Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    rows = read(view, "code_turns", _Turn, members=get_members(view, area=area), first=window[0], last=date)
    # A day with any flow was reported; a colour that nobody turned to on it is a true zero.
    counts: dict[Date, dict[str, int]] = {
        row.date: {"new_red": 0, "new_yellow": 0, "turned_green": 0} for row in rows
    }
    for row in rows:
        if row.colour == "green":
            counts[row.date]["turned_green"] = row.recoded
        elif row.colour in ("red", "yellow"):
            counts[row.date][f"new_{row.colour}"] = row.people
    cells = {day: protect(line, min_cell=min_cell) for day, line in counts.items()}
    residents = get_residents(view, area=area)
    return tuple(
        build_figure(key, {day: line[key] for day, line in cells.items()}, window, residents)
        for key in ("new_red", "new_yellow", "turned_green")
    )


def get_scan_figures(view: View, *, area: str, date: Date, days: int = TREND_DAYS) -> tuple[Figure, ...]:
    """``scans``, ``shows``, ``refused`` of the day.

    A day that was reported up to some hour is compared with the same hours of the day before: half a day
    against a whole one would be a fall that never happened. Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    rows = get_scan_trend(view, area=area, first=window[0], last=date)
    areas = {row.date: row.areas for row in rows}
    residents = get_residents(view, area=area)
    hours = get_scans_by_hour(view, area=area, date=date)
    until = hours[-1].hour + 1 if hours and hours[-1].hour < LAST_HOUR else None
    columns = {
        "scans": {row.date: cell(row.scans) for row in rows},
        "shows": {row.date: cell(row.shows) for row in rows},
        "refused": {row.date: cell(row.refused) for row in rows},
    }
    figures = [build_figure(key, column, window, residents, areas) for key, column in columns.items()]
    if until is not None:
        same = [h for h in get_scans_by_hour(view, area=area, date=window[-2]) if h.hour < until]
        sums = {key: cell(sum(getattr(h, key) for h in same)) if same else NOT_REPORTED for key in columns}
        figures = [_until(figure, sums[figure.id], until) for figure in figures]
    return tuple(figures)


def get_case_figures(view: View, *, area: str, date: Date, days: int = TREND_DAYS) -> tuple[Figure, ...]:
    """``cases_local``, ``cases_imported``, ``cases_unallocated``: newly confirmed on the day.

    The last two are reported for the province only. Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    columns: dict[str, dict[Date, Cell]] = {origin: {} for origin in CASE_ORIGINS}
    for row in get_case_trend(view, area=area, first=window[0], last=date):
        columns[row.origin][row.date] = cell(row.confirmed_new)
    residents = get_residents(view, area=area)
    return tuple(
        build_figure(f"cases_{origin}", column, window, residents) for origin, column in columns.items()
    )


def get_risk_figures(view: View, *, area: str, date: Date, days: int = TREND_DAYS) -> tuple[Figure, ...]:
    """``places_high``, ``places_medium``, ``places_low``: listed at the end of the day.

    Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    columns: dict[str, dict[Date, Cell]] = {level: {} for level in RISK_LEVELS}
    for row in get_risk_history(view, area=area, first=window[0], last=date):
        for level, places in row.levels.items():
            columns[level][row.date] = cell(places)
    residents = get_residents(view, area=area)
    return tuple(
        build_figure(f"places_{level}", column, window, residents) for level, column in columns.items()
    )


def _until(figure: Figure, before: Cell, hour: int) -> Figure:
    comparable = figure.areas == figure.areas_before
    moved = change(figure.day, before) if comparable else NOT_REPORTED
    return replace(figure, before=before, change=moved, until_hour=hour)


def day_window(date: Date, days: int) -> tuple[Date, ...]:
    """The last ``days`` days up to ``date``, oldest first; at least two."""
    # The day before is always asked for, also for a trend of one day.
    span = max(days, 2)
    return tuple(date - timedelta(days=span - 1 - n) for n in range(span))


def build_figure(
    name: str,
    column: Mapping[Date, Cell],
    window: Iterable[Date],
    residents: int | None,
    areas: Mapping[Date, int] | None = None,
) -> Figure:
    """The figure ``name`` of the last day of ``window`` from its cells by day."""
    trend = tuple((day, column.get(day, NOT_REPORTED)) for day in window)
    (yesterday, before), (today, day) = trend[-2:]
    now_areas = None if areas is None else areas.get(today, 0)
    then_areas = None if areas is None else areas.get(yesterday, 0)
    comparable = now_areas == then_areas or None in (day.value, before.value)
    return Figure(
        id=name,
        day=day,
        before=before,
        # Fewer areas reporting is no fall of the figure.
        change=change(day, before) if comparable else NOT_REPORTED,
        rate=rate(day, residents),
        trend=trend,
        areas=now_areas,
        areas_before=then_areas,
    )
