"""Vaccination by group and dose, and the public look-ups: how much, and how much of it fails.

Doses and look-ups are counted, not people, and are shown as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere

from dashboard.cells import NOT_REPORTED, Cell, cell
from queries.appeals import share
from queries.areas import get_members, get_residents
from queries.disclosure import rate
from queries.overview import TREND_DAYS, Figure, build_figure, day_window
from queries.run import View, read


@dataclass(frozen=True, slots=True)
class GroupDoses:
    """One group: doses of the day, first and later doses up to its end, first ones per 100,000 residents.

    ``completed`` is per cent of those with a first dose who had the second.
    """

    population: str
    doses: Cell
    by_number: tuple[Cell, ...]
    completed: Cell
    rate: Cell


@dataclass(frozen=True, slots=True)
class DayDoses:
    """One day: doses given, and first doses given up to its end."""

    date: Date
    doses: int
    first_doses: int


@dataclass(frozen=True, slots=True)
class DayLookups:
    """Look-ups of one service on one day; the answer time is None where nobody asked."""

    date: Date
    service: str
    lookups: int
    failures: int
    p95_ms: int | None

    @property
    def failed(self) -> Cell:
        """Per cent of the look-ups that failed."""
        return cell(round(self.failures * 100 / self.lookups, 2)) if self.lookups else NOT_REPORTED


@dataclass(frozen=True, slots=True)
class _Doses:
    population: str
    dose: int
    doses: int
    cumulative: int


def get_doses_by_group(view: View, *, area: str, date: Date) -> tuple[GroupDoses, ...]:
    """Doses by group at the end of ``date``; empty where the day was not reported. Raises ``OutOfScope``."""
    rows = read(view, "vaccination_groups", _Doses, members=get_members(view, area=area), date=date)
    residents = get_residents(view, area=area)
    most = max((row.dose for row in rows), default=0)
    groups: dict[str, dict[int, _Doses]] = {}
    for row in rows:
        groups.setdefault(row.population, {})[row.dose] = row
    found = []
    for population, doses in groups.items():
        totals = [doses[n].cumulative if n in doses else None for n in range(1, most + 1)]
        first = cell(totals[0])
        second = totals[1] if len(totals) > 1 else None
        known = totals[0] is not None and second is not None
        found.append(
            GroupDoses(
                population=population,
                doses=cell(sum(row.doses for row in doses.values())),
                by_number=tuple(cell(total) for total in totals),
                completed=share(second or 0, totals[0] or 0) if known else NOT_REPORTED,
                rate=rate(first, residents),
            )
        )
    return tuple(found)


def get_dose_trend(view: View, *, area: str, first: Date, last: Date) -> tuple[DayDoses, ...]:
    """Doses in ``area`` on each day that was reported; other days are absent. Raises ``OutOfScope``."""
    members = get_members(view, area=area)
    return read(view, "vaccination_daily", DayDoses, members=members, first=first, last=last)


def get_lookup_trend(view: View, *, area: str, first: Date, last: Date) -> tuple[DayLookups, ...]:
    """Look-ups from ``area`` by day and service; days that were not reported are absent.

    Raises ``OutOfScope``.
    """
    members = get_members(view, area=area)
    return read(view, "services_daily", DayLookups, members=members, first=first, last=last)


def get_service_figures(view: View, *, area: str, date: Date, days: int = TREND_DAYS) -> tuple[Figure, ...]:
    """``vaccine_doses``, ``vaccine_first``, ``lookups``, ``lookup_failures`` (per cent) of the day.

    Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    doses = get_dose_trend(view, area=area, first=window[0], last=date)
    sums: dict[Date, list[int]] = {}
    for row in get_lookup_trend(view, area=area, first=window[0], last=date):
        line = sums.setdefault(row.date, [0, 0])
        line[0] += row.lookups
        line[1] += row.failures
    columns = {
        "vaccine_doses": {row.date: cell(row.doses) for row in doses},
        "vaccine_first": {row.date: cell(row.first_doses) for row in doses},
        "lookups": {day: cell(asked) for day, (asked, _) in sums.items()},
        "lookup_failures": {
            day: cell(round(failed * 100 / asked, 2)) if asked else NOT_REPORTED
            for day, (asked, failed) in sums.items()
        },
    }
    residents = get_residents(view, area=area)
    return tuple(build_figure(name, column, window, residents) for name, column in columns.items())
