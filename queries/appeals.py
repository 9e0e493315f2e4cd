"""Appeals and inquiries: what comes in, what is closed, what waits and since when, who was right.

They count cases, not people, and are shown as they are; see ``queries.disclosure``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import datetime, timedelta

from dashboard.cells import NOT_REPORTED, Cell, cell
from queries.areas import Grain, child_of, get_children, get_members
from queries.disclosure import rate
from queries.overview import TREND_DAYS, Figure, build_figure, day_window
from queries.run import View, read

PACE_DAYS = 7  # the pace of closing is a mean over this many days: a week holds every kind of day
RULE_DAYS = 14  # shares of upheld cases are over this many days: single days of a county are too few


@dataclass(frozen=True, slots=True)
class DayTickets:
    """One day: cases opened, closed, of the closed ones upheld, reopened; hours of the closed ones."""

    date: Date
    opened: int
    closed: int
    upheld: int
    reopened: int
    hours: int


@dataclass(frozen=True, slots=True)
class RuleTickets:
    """Cases about colours given for one reason under one version of the policy, over some days."""

    reason: str
    rule_version: int
    opened: int
    closed: int
    upheld: int
    reopened: int
    hours: int

    @property
    def upheld_share(self) -> Cell:
        """Per cent of the closed cases in which the person was right."""
        return share(self.upheld, self.closed)

    @property
    def mean_hours(self) -> Cell:
        """Mean hours from opening to closing."""
        return cell(self.hours / self.closed) if self.closed else NOT_REPORTED


@dataclass(frozen=True, slots=True)
class OpenTickets:
    """Open cases of one county, topic and age; ``oldest_hours`` is None where there is none."""

    as_of: datetime
    area: str
    category: str
    age: str
    open: int
    oldest_hours: int | None


@dataclass(frozen=True, slots=True)
class AreaTickets:
    """One child of an area: open now, hours of the oldest, opened and closed on the day, the rate."""

    area: str
    open: Cell
    oldest_hours: Cell
    opened: Cell
    closed: Cell
    rate: Cell


@dataclass(frozen=True, slots=True)
class _AreaDay:
    area: str
    opened: int
    closed: int


def get_ticket_trend(view: View, *, area: str, first: Date, last: Date) -> tuple[DayTickets, ...]:
    """Cases of ``area`` on each day that was reported; other days are absent. Raises ``OutOfScope``."""
    members = get_members(view, area=area)
    return read(view, "tickets_daily", DayTickets, members=members, first=first, last=last)


def get_tickets_by_rule(view: View, *, area: str, first: Date, last: Date) -> tuple[RuleTickets, ...]:
    """Cases of ``area`` by reason and version of the policy. Raises ``OutOfScope``."""
    members = get_members(view, area=area)
    return read(view, "tickets_by_rule", RuleTickets, members=members, first=first, last=last)


def get_open_tickets(view: View, *, area: str) -> tuple[OpenTickets, ...]:
    """Open cases of ``area`` at the newest moment reported, by county, topic, age. Raises ``OutOfScope``."""
    return read(view, "ticket_backlog", OpenTickets, members=get_members(view, area=area))


def get_backlog_trend(view: View, *, area: str, first: Date, last: Date) -> Mapping[Date, int]:
    """Open cases at the end of each day: counted at the newest moment, reckoned back by what came and went.

    A day is absent from the first day on, going back, whose cases were not reported, and so is one after
    the count. Raises ``OutOfScope``.
    """
    rows = get_open_tickets(view, area=area)
    if not rows:
        return {}
    counted = rows[0].as_of.date()
    days = {row.date: row for row in get_ticket_trend(view, area=area, first=first, last=counted)}
    waiting, found = sum(row.open for row in rows), {}
    day = counted
    while day >= first and waiting >= 0:
        if day <= last:
            found[day] = waiting
        if day not in days:
            break
        waiting -= days[day].opened + days[day].reopened - days[day].closed
        day -= timedelta(days=1)
    return found


def get_ticket_figures(view: View, *, area: str, date: Date, days: int = TREND_DAYS) -> tuple[Figure, ...]:
    """``tickets_opened``, ``_closed``, ``_open``, ``_days_to_clear``, ``_oldest``, ``_upheld``.

    ``tickets_days_to_clear`` is the backlog by the mean closed a day of the last ``PACE_DAYS`` days;
    ``tickets_oldest`` is known on the day of the count only. Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    first = window[0] - timedelta(days=RULE_DAYS)
    rows = {row.date: row for row in get_ticket_trend(view, area=area, first=first, last=date)}
    backlog = get_backlog_trend(view, area=area, first=window[0], last=date)
    waiting = get_open_tickets(view, area=area)
    oldest = max((row.oldest_hours for row in waiting if row.oldest_hours is not None), default=None)
    columns: dict[str, dict[Date, Cell]] = {
        "tickets_opened": {day: cell(row.opened) for day, row in rows.items()},
        "tickets_closed": {day: cell(row.closed) for day, row in rows.items()},
        "tickets_open": {day: cell(count) for day, count in backlog.items()},
        "tickets_days_to_clear": {day: days_to_clear(n, rows, day) for day, n in backlog.items()},
        "tickets_oldest": {waiting[0].as_of.date(): cell(oldest)} if waiting else {},
        "tickets_upheld": {day: _upheld(rows, day) for day in window},
    }
    return tuple(build_figure(name, column, window, None) for name, column in columns.items())


def get_tickets_by_area(view: View, *, area: str, date: Date, level: Grain) -> tuple[AreaTickets, ...]:
    """Cases of each child of ``area``; the rate is of cases opened, per 100,000 residents.

    What is open is known at the newest moment only, and not reported for another day. Raises
    ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    children = get_children(view, area=area, level=level, date=date)
    flows: dict[str, list[int]] = {}
    for day in read(view, "tickets_by_area", _AreaDay, members=get_members(view, area=area), date=date):
        line = flows.setdefault(child_of(day.area, level), [0, 0])
        line[0] += day.opened
        line[1] += day.closed
    waiting: defaultdict[str, list[OpenTickets]] = defaultdict(list)
    for row in get_open_tickets(view, area=area):
        if row.as_of.date() == date:
            waiting[child_of(row.area, level)].append(row)
    found = []
    for child in children:
        rows = waiting[child.code]
        opened, closed = flows.get(child.code, (None, None))
        ages = [row.oldest_hours for row in rows if row.oldest_hours is not None]
        found.append(
            AreaTickets(
                area=child.code,
                open=cell(sum(row.open for row in rows)) if rows else NOT_REPORTED,
                oldest_hours=cell(max(ages, default=None)),
                opened=cell(opened),
                closed=cell(closed),
                rate=rate(cell(opened), child.residents),
            )
        )
    return tuple(found)


def days_to_clear(waiting: int, rows: Mapping[Date, DayTickets], day: Date) -> Cell:
    """The backlog by the mean closed a day of the last ``PACE_DAYS`` days; unknown where none was closed."""
    closed = [rows[d].closed for n in range(PACE_DAYS) if (d := day - timedelta(days=n)) in rows]
    if waiting == 0:
        return cell(0)
    return cell(round(waiting * len(closed) / sum(closed), 1)) if sum(closed) else NOT_REPORTED


def share(part: int, whole: int) -> Cell:
    """``part`` of ``whole`` in per cent; not known of nothing."""
    return cell(round(part * 100 / whole, 1)) if whole else NOT_REPORTED


def _upheld(rows: Mapping[Date, DayTickets], day: Date) -> Cell:
    inside = [rows[d] for n in range(RULE_DAYS) if (d := day - timedelta(days=n)) in rows]
    return share(sum(row.upheld for row in inside), sum(row.closed for row in inside))
