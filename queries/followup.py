"""What follows a screening: lists pushed to the counties and returned in 24 hours, contacts and follow-up.

All counts are people and pass ``disclosure.protect``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import timedelta

from dashboard.cells import NOT_REPORTED, Cell
from queries.areas import Grain, check_level, child_of, get_members
from queries.disclosure import MIN_CELL
from queries.overview import TREND_DAYS, Figure, build_figure, day_window
from queries.people import add, rest_of, safe_line, safe_table, share_of
from queries.run import View, read

LATE_DAYS = 7  # lists of the last days whose 24 hours are over, and those that are not
LISTS = (("pushed", ("returned", "overdue", "open")),)
CONTACTS = (("found", ("close", "secondary")), ("found", ("followed", "lost", "waiting")))


@dataclass(frozen=True, slots=True)
class DayLists:
    """Lists of one day: people pushed, returned in 24 hours, overdue, with time left.

    ``share`` is per cent returned of those whose time is over, not reported while somebody has time left.
    """

    date: Date
    pushed: Cell
    returned: Cell
    overdue: Cell
    open: Cell
    share: Cell


@dataclass(frozen=True, slots=True)
class DayContacts:
    """Contacts of one day: close, secondary, both; reached, not to be found, waiting; become cases."""

    date: Date
    close: Cell
    secondary: Cell
    found: Cell
    followed: Cell
    lost: Cell
    waiting: Cell
    became_case: Cell

    @property
    def share(self) -> Cell:
        """Per cent of the contacts found on the day that were reached."""
        return _share_of_whole(self.followed, self.found)


@dataclass(frozen=True, slots=True)
class FollowUpAreas:
    """Cells of each child of an area by column, and the totals by column."""

    lines: Mapping[str, Mapping[str, Cell]]
    totals: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class _DayLists:
    date: Date
    pushed: int
    returned_24h: int
    overdue: int


@dataclass(frozen=True, slots=True)
class _AreaLists:
    area: str
    pushed: int
    returned_24h: int
    overdue: int


@dataclass(frozen=True, slots=True)
class _DayContacts:
    date: Date
    close: int
    secondary: int
    followed_up: int
    lost: int
    became_case: int


@dataclass(frozen=True, slots=True)
class _AreaContacts:
    area: str
    close: int
    secondary: int
    followed_up: int
    lost: int
    became_case: int


def get_list_trend(
    view: View, *, area: str, first: Date, last: Date, min_cell: int = MIN_CELL
) -> tuple[DayLists, ...]:
    """Lists pushed to ``area`` on each day that was reported; others are absent. Raises ``OutOfScope``."""
    found = []
    for row in _list_days(view, area, first, last):
        counts = _list_counts(row)
        cells = safe_line(counts, LISTS, min_cell=min_cell)
        share = share_of(cells["returned"], cells["overdue"]) if _is_over(row) else NOT_REPORTED
        found.append(DayLists(row.date, **cells, share=share))
    return tuple(found)


def get_list_figures(
    view: View, *, area: str, date: Date, days: int = TREND_DAYS, min_cell: int = MIN_CELL
) -> tuple[Figure, ...]:
    """``lists_pushed`` and ``lists_open`` of the day; ``lists_returned`` and ``lists_overdue`` of 7 days.

    The 7 days end on the newest one whose 24 hours are over, as in the table by area. Raises
    ``OutOfScope``.
    """
    window = day_window(date, days)
    rows = {row.date: row for row in _list_days(view, area, window[0] - timedelta(days=2 * LATE_DAYS), date)}
    columns: dict[str, dict[Date, Cell]] = {
        name: {} for name in ("lists_pushed", "lists_open", "lists_returned", "lists_overdue")
    }
    for day in window:
        if day in rows:
            cells = safe_line(_list_counts(rows[day]), LISTS, min_cell=min_cell)
            columns["lists_pushed"][day], columns["lists_open"][day] = cells["pushed"], cells["open"]
        over = _finished_day(rows.values(), day)
        if over is not None:
            first = over - timedelta(days=LATE_DAYS - 1)
            inside = [row for row in rows.values() if first <= row.date <= over]
            week = safe_line(_add_lists(inside), LISTS, min_cell=min_cell)
            columns["lists_overdue"][day] = week["overdue"]
            columns["lists_returned"][day] = share_of(week["returned"], week["overdue"])
    return tuple(build_figure(name, column, window, None) for name, column in columns.items())


def get_finished_day(view: View, *, area: str, date: Date) -> Date | None:
    """The newest day up to ``date`` whose lists were all returned or are overdue; None: none in 7 days.

    Raises ``OutOfScope``.
    """
    return _finished_day(_list_days(view, area, date - timedelta(days=LATE_DAYS), date), date)


def get_lists_by_area(
    view: View, *, area: str, first: Date, last: Date, level: Grain, min_cell: int = MIN_CELL
) -> FollowUpAreas:
    """Lists of some days by child of ``area``: pushed, returned, overdue, open, and the share in per cent.

    Raises ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    members = get_members(view, area=area)
    check_level(area, level)
    rows: dict[str, list[_AreaLists]] = {}
    for row in read(view, "lists_by_area", _AreaLists, members=members, first=first, last=last):
        rows.setdefault(child_of(row.area, level), []).append(row)
    table = safe_table({name: _add_lists(some) for name, some in rows.items()}, LISTS, min_cell=min_cell)
    lines = {**table.lines, "": table.totals}
    shares = {name: {**line, "share": share_of(*_decided(line))} for name, line in lines.items()}
    totals = shares.pop("")
    return FollowUpAreas(shares, totals)


def get_contact_trend(
    view: View, *, area: str, first: Date, last: Date, min_cell: int = MIN_CELL
) -> tuple[DayContacts, ...]:
    """Contacts of ``area`` on each day that was reported; other days are absent. Raises ``OutOfScope``."""
    members = get_members(view, area=area)
    rows = read(view, "contacts_daily", _DayContacts, members=members, first=first, last=last)
    return tuple(
        DayContacts(row.date, **safe_line(_contact_counts(row), CONTACTS, min_cell=min_cell)) for row in rows
    )


def get_contact_figures(
    view: View, *, area: str, date: Date, days: int = TREND_DAYS, min_cell: int = MIN_CELL
) -> tuple[Figure, ...]:
    """``contacts_found``, ``contacts_followed`` (per cent), ``contacts_lost``, ``contacts_cases`` of the day.

    Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    rows = get_contact_trend(view, area=area, first=window[0], last=date, min_cell=min_cell)
    columns = {
        "contacts_found": {row.date: row.found for row in rows},
        "contacts_followed": {row.date: row.share for row in rows},
        "contacts_lost": {row.date: row.lost for row in rows},
        "contacts_cases": {row.date: row.became_case for row in rows},
    }
    return tuple(build_figure(name, column, window, None) for name, column in columns.items())


def get_contacts_by_area(
    view: View, *, area: str, first: Date, last: Date, level: Grain, min_cell: int = MIN_CELL
) -> FollowUpAreas:
    """Contacts of some days by child of ``area``: the columns of ``DayContacts`` and the share in per cent.

    Raises ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    members = get_members(view, area=area)
    check_level(area, level)
    rows: dict[str, list[dict[str, int | None]]] = {}
    for row in read(view, "contacts_by_area", _AreaContacts, members=members, first=first, last=last):
        rows.setdefault(child_of(row.area, level), []).append(_contact_counts(row))
    sums = {name: {key: add([line[key] for line in some]) for key in some[0]} for name, some in rows.items()}
    table = safe_table(sums, CONTACTS, min_cell=min_cell)
    lines = {
        name: {**line, "share": _share_of_whole(line["followed"], line["found"])}
        for name, line in table.lines.items()
    }
    return FollowUpAreas(lines, table.totals)


def _list_days(view: View, area: str, first: Date, last: Date) -> tuple[_DayLists, ...]:
    return read(view, "lists_daily", _DayLists, members=get_members(view, area=area), first=first, last=last)


def _finished_day(rows: Iterable[_DayLists], date: Date) -> Date | None:
    first = date - timedelta(days=LATE_DAYS)
    return max((row.date for row in rows if first <= row.date <= date and _is_over(row)), default=None)


def _is_over(row: _DayLists) -> bool:
    return rest_of(row.pushed, row.returned_24h, row.overdue) == 0


def _list_counts(row: _DayLists | _AreaLists) -> dict[str, int | None]:
    return {
        "pushed": row.pushed,
        "returned": row.returned_24h,
        "overdue": row.overdue,
        "open": rest_of(row.pushed, row.returned_24h, row.overdue),
    }


def _add_lists(rows: list[_DayLists] | list[_AreaLists]) -> dict[str, int | None]:
    counts = [_list_counts(row) for row in rows]
    return {key: add([line[key] for line in counts]) for key in ("pushed", "returned", "overdue", "open")}


def _decided(line: Mapping[str, Cell]) -> tuple[Cell, Cell]:
    missing = NOT_REPORTED
    return line.get("returned", missing), line.get("overdue", missing)


def _contact_counts(row: _DayContacts | _AreaContacts) -> dict[str, int | None]:
    found = row.close + row.secondary
    return {
        "close": row.close,
        "secondary": row.secondary,
        "found": found,
        "followed": row.followed_up,
        "lost": row.lost,
        "waiting": rest_of(found, row.followed_up, row.lost),
        "became_case": row.became_case,
    }


def _share_of_whole(part: Cell, whole: Cell) -> Cell:
    if part.value is None or whole.value is None:
        return share_of(part, whole)
    return share_of(part, Cell("value", whole.value - part.value))
