"""The risk list: which places are listed at which level, where, since when, and what changed.

The list speaks of the days from its first publication in the snapshot to the newest one. On any other
day, and when the feed delivered nothing, nothing is known: ``None``, never an empty list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import datetime, timedelta
from typing import Literal

from dashboard.cells import NOT_REPORTED, Cell, cell
from dashboard.snapshot.contract import RISK_LEVELS
from queries.areas import Grain, child_of, get_children, get_members
from queries.disclosure import rate
from queries.feeds import get_feed_states
from queries.run import View, read

Movement = Literal["new", "upgraded", "downgraded", "released"]
# Order of severity, as the contract lists the levels.
_SEVERITY = {level: len(RISK_LEVELS) - i for i, level in enumerate(RISK_LEVELS)}


@dataclass(frozen=True, slots=True)
class RiskPlace:
    """One listed place; ``since`` and ``last_case`` are None where the list does not state them."""

    place_id: str
    area: str
    text: str
    level: str
    rule_set: str
    since: Date | None
    last_case: Date | None
    listed_from: Date
    listed_to: Date | None
    source_time: datetime


@dataclass(frozen=True, slots=True)
class AreaPlaces:
    """One area on one day: places listed in all and by level (all three are keys)."""

    area: str
    residents: int | None
    places: Cell
    levels: Mapping[str, Cell]

    def rate(self, level: str) -> Cell:
        """Places of a level per 100,000 residents."""
        return rate(self.levels[level], self.residents)


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """A place whose level differs between two days; a level is None where it was not listed."""

    place_id: str
    area: str
    text: str
    level_before: str | None
    level: str | None

    @property
    def movement(self) -> Movement:
        """What happened to it."""
        if self.level_before is None:
            return "new"
        if self.level is None:
            return "released"
        return "upgraded" if _SEVERITY[self.level] > _SEVERITY[self.level_before] else "downgraded"


@dataclass(frozen=True, slots=True)
class DayPlaces:
    """Places listed by level on one day (all three are keys)."""

    date: Date
    levels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Count:
    area: str
    level: str
    places: int


@dataclass(frozen=True, slots=True)
class _DayCount:
    date: Date
    level: str
    places: int


def get_list_span(view: View) -> tuple[Date, Date] | None:
    """First and last day the list speaks of, for the whole snapshot; None when it was not delivered."""
    entry = view.store.manifest(view.snapshot_id).table("risk_place")
    until = [s.data_until.date() for s in get_feed_states(view) if s.feed == "risk_feed" and s.data_until]
    days = [day for day in (entry.first_day, entry.last_day, *until) if day is not None]
    return (min(days), max(days)) if entry.reported and days else None


def is_listed_day(view: View, date: Date) -> bool:
    """Whether the list speaks of a day."""
    span = get_list_span(view)
    return span is not None and span[0] <= date <= span[1]


def get_risk_places(view: View, *, area: str, date: Date) -> tuple[RiskPlace, ...] | None:
    """Places listed in ``area`` at the end of a day, by area and level; None when it is not known.

    Raises ``OutOfScope``.
    """
    members = get_members(view, area=area)
    if not is_listed_day(view, date):
        return None
    return read(view, "risk_places", RiskPlace, members=members, date=date)


def get_risk_by_area(view: View, *, area: str, date: Date, level: Grain) -> tuple[AreaPlaces, ...]:
    """Listed places by level of each city, or each county and functional area, below ``area``; by code.

    A city counts its functional areas. Raises ``OutOfScope`` and ``BadFilter`` (cities of a county).
    """
    children = get_children(view, area=area, level=level, date=date)
    members = get_members(view, area=area)
    known = is_listed_day(view, date)
    rows = read(view, "risk_by_area", _Count, members=members, date=date) if known else ()
    residents = {child.code: child.residents for child in children}
    codes = sorted(residents.keys() | {child_of(row.area, level) for row in rows})
    counts = {code: dict.fromkeys(RISK_LEVELS, 0) for code in codes}
    for row in rows:
        counts[child_of(row.area, level)][row.level] += row.places
    return tuple(
        AreaPlaces(
            area=code,
            residents=residents.get(code),
            places=cell(sum(counts[code].values())) if known else NOT_REPORTED,
            levels={at: cell(n) if known else NOT_REPORTED for at, n in counts[code].items()},
        )
        for code in codes
    )


def get_risk_changes(view: View, *, area: str, date: Date, compare: Date) -> tuple[PlaceChange, ...] | None:
    """Places in ``area`` whose level on ``date`` is not that on ``compare``; None when one day is not known.

    Raises ``OutOfScope``.
    """
    members = get_members(view, area=area)
    if not (is_listed_day(view, date) and is_listed_day(view, compare)):
        return None
    return read(view, "risk_changes", PlaceChange, members=members, date=date, compare=compare)


def get_risk_history(view: View, *, area: str, first: Date, last: Date) -> tuple[DayPlaces, ...]:
    """Places listed in ``area`` by level, for each day of the range that the list speaks of.

    Other days are absent; the days of the whole list are ``get_list_days``. Raises ``OutOfScope``.
    """
    members = get_members(view, area=area)
    days = [day for day in get_list_days(view) if first <= day <= last]
    if not days:
        return ()
    rows = read(view, "risk_history", _DayCount, members=members, first=days[0], last=days[-1])
    counts = {day: dict.fromkeys(RISK_LEVELS, 0) for day in days}
    for row in rows:
        counts[row.date][row.level] = row.places
    return tuple(DayPlaces(date=day, levels=levels) for day, levels in counts.items())


def get_list_days(view: View) -> tuple[Date, ...]:
    """Every day the list speaks of, in order: what the day slider offers."""
    span = get_list_span(view)
    if span is None:
        return ()
    first, last = span
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
