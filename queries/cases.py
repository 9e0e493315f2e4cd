"""Published case counts: new ones by origin and day, and the facts of each county that levels derive from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere

from queries.areas import get_children, get_members
from queries.run import View, read


@dataclass(frozen=True, slots=True)
class DayCases:
    """New confirmed cases of one day and origin; below zero where a correction took cases back."""

    date: Date
    origin: str
    confirmed_new: int
    correction: bool


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What is known of one county's local cases on a day; None is not reported, never zero.

    ``new_cases``: in the window, None unless each of its days was reported. ``cumulative``: on
    ``last_reported``. ``last_case``: day of the last new case known. ``days_reported``: of the window.
    """

    area: str
    new_cases: int | None
    cumulative: int | None
    last_case: Date | None
    last_reported: Date | None
    days_reported: int

    def days_clear(self, date: Date) -> int | None:
        """Whole days from the last known case to ``date``; None when no case is known."""
        return None if self.last_case is None else (date - self.last_case).days


def get_case_trend(view: View, *, area: str, first: Date, last: Date) -> tuple[DayCases, ...]:
    """New confirmed cases in ``area`` by day and origin, where reported; other days are absent.

    ``imported`` and ``unallocated`` are reported for the province only. Raises ``OutOfScope``.
    """
    members = get_members(view, area=area)
    return read(view, "cases_daily", DayCases, members=members, first=first, last=last)


def get_case_facts(view: View, *, area: str, date: Date, window_days: int) -> tuple[CaseFacts, ...]:
    """Case facts of each county and functional area in ``area``, by code.

    A county whose cases are reported for its city only has None everywhere. Raises ``OutOfScope``.
    """
    members = get_members(view, area=area)
    rows = read(view, "case_facts", CaseFacts, members=members, date=date, window_days=window_days)
    known = {row.area: row for row in rows}
    return tuple(
        known.get(child.code, CaseFacts(child.code, None, None, None, None, 0))
        for child in get_children(view, area=area, level="county", date=date)
    )
