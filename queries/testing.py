"""Nucleic tests by stage, how long they hold, and the institutions that take them.

Samples are counted as they are; positive samples and holders of a valid test are people and pass
``disclosure.protect``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import datetime

from dashboard.cells import NOT_REPORTED, Cell, cell
from queries.appeals import share
from queries.areas import Grain, child_of, get_children, get_members, get_residents
from queries.disclosure import MIN_CELL, protect, rate
from queries.overview import TREND_DAYS, Figure, build_figure, day_window
from queries.people import safe_table
from queries.run import View, read

STEP = 24  # hours of one step of the validity clock
LONGEST = 168  # this step and all longer times


@dataclass(frozen=True, slots=True)
class DayTests:
    """Samples taken on one day: tested, reported, reported within 24 hours, positive."""

    date: Date
    sampled: int
    tested: int
    reported: int
    in_24h: int
    positive: Cell

    @property
    def waiting(self) -> Cell:
        """Samples whose result is not reported yet."""
        return cell(self.sampled - self.reported if self.sampled >= self.reported else None)

    @property
    def share(self) -> Cell:
        """Per cent of the reported samples that were reported within 24 hours of sampling."""
        return share(self.in_24h, self.reported)


@dataclass(frozen=True, slots=True)
class AreaTests:
    """One child of an area: its samples of the day, institutions and what they can take on a day."""

    area: str
    sampled: Cell
    waiting: Cell
    share: Cell
    positive: Cell
    rate: Cell
    institutions: Cell
    capacity: Cell


@dataclass(frozen=True, slots=True)
class Clock:
    """Holders by hours since their last negative test, and of those how many are within each limit.

    ``steps`` are by the first hour of the step, ``valid`` and ``rates`` (per 100,000 residents) by limit in
    hours; ``as_of`` is the moment of the count.
    """

    as_of: datetime
    steps: Mapping[int, Cell]
    valid: Mapping[int, Cell]
    rates: Mapping[int, Cell]


@dataclass(frozen=True, slots=True)
class Institution:
    """One testing institution: hours it is open, samples a day (None: not known), day of the last check."""

    institution: str
    area: str
    name: str
    opens: int
    closes: int
    capacity: int | None
    updated: Date


@dataclass(frozen=True, slots=True)
class _Day:
    date: Date
    sampled: int
    tested: int
    reported: int
    in_24h: int
    positive: int


@dataclass(frozen=True, slots=True)
class _Area:
    area: str
    sampled: int
    tested: int
    reported: int
    in_24h: int
    positive: int


@dataclass(frozen=True, slots=True)
class _Step:
    as_of: datetime
    basis: str
    hours_since: int
    holders: int


def get_test_trend(
    view: View, *, area: str, first: Date, last: Date, min_cell: int = MIN_CELL
) -> tuple[DayTests, ...]:
    """Samples of ``area`` by day of sampling; days not reported are absent. Raises ``OutOfScope``."""
    members = get_members(view, area=area)
    rows = read(view, "tests_daily", _Day, members=members, first=first, last=last)
    positive = [protect({"": row.positive}, min_cell=min_cell)[""] for row in rows]
    return tuple(
        DayTests(row.date, row.sampled, row.tested, row.reported, row.in_24h, found)
        for row, found in zip(rows, positive, strict=True)
    )


def get_test_figures(
    view: View, *, area: str, date: Date, days: int = TREND_DAYS, min_cell: int = MIN_CELL
) -> tuple[Figure, ...]:
    """``tests_sampled``, ``tests_waiting``, ``tests_in_24h`` (per cent), ``tests_positive`` of the day.

    Raises ``OutOfScope``.
    """
    window = day_window(date, days)
    rows = get_test_trend(view, area=area, first=window[0], last=date, min_cell=min_cell)
    columns = {
        "tests_sampled": {row.date: cell(row.sampled) for row in rows},
        "tests_waiting": {row.date: row.waiting for row in rows},
        "tests_in_24h": {row.date: row.share for row in rows},
        "tests_positive": {row.date: row.positive for row in rows},
    }
    return tuple(build_figure(name, column, window, None) for name, column in columns.items())


def get_tests_by_area(
    view: View, *, area: str, date: Date, level: Grain, min_cell: int = MIN_CELL
) -> tuple[AreaTests, ...]:
    """Samples of the day and institutions of each child of ``area``; the rate is of samples by residents.

    The capacity is not reported where one of the institutions does not state its own. Raises
    ``OutOfScope``, and ``BadFilter`` for the cities of a county.
    """
    children = get_children(view, area=area, level=level, date=date)
    rows: dict[str, list[_Area]] = {}
    for row in read(view, "tests_by_area", _Area, members=get_members(view, area=area), date=date):
        rows.setdefault(child_of(row.area, level), []).append(row)
    places: dict[str, list[Institution]] = {}
    for place in get_institutions(view, area=area):
        places.setdefault(child_of(place.area, level), []).append(place)
    positive = safe_table(
        {name: {"positive": sum(row.positive for row in some)} for name, some in rows.items()},
        (),
        min_cell=min_cell,
    ).lines
    found = []
    for child in children:
        some, own = rows.get(child.code, []), places.get(child.code, [])
        sampled = sum(row.sampled for row in some)
        reported = sum(row.reported for row in some)
        known = [place.capacity for place in own if place.capacity is not None]
        found.append(
            AreaTests(
                area=child.code,
                sampled=cell(sampled) if some else NOT_REPORTED,
                waiting=cell(sampled - reported) if some and sampled >= reported else NOT_REPORTED,
                share=share(sum(row.in_24h for row in some), reported),
                positive=positive[child.code]["positive"] if some else NOT_REPORTED,
                rate=rate(cell(sampled) if some else NOT_REPORTED, child.residents),
                institutions=cell(len(own)) if own else NOT_REPORTED,
                capacity=cell(sum(known)) if own and len(known) == len(own) else NOT_REPORTED,
            )
        )
    return tuple(found)


def get_test_clock(
    view: View, *, area: str, basis: str, limits: Sequence[int], min_cell: int = MIN_CELL
) -> Clock | None:
    """The validity clock of ``area`` from one moment at the newest count; None: not reported.

    ``limits`` in hours are rounded down to whole steps, so a count says *at least* so many. Raises
    ``OutOfScope``.
    """
    members = get_members(view, area=area)
    rows = [row for row in read(view, "test_validity", _Step, members=members) if row.basis == basis]
    if not rows:
        return None
    steps = dict.fromkeys(range(0, LONGEST + STEP, STEP), 0)
    for row in rows:
        steps[min(row.hours_since // STEP * STEP, LONGEST)] += row.holders
    counts: dict[tuple[str, int], int] = {("step", start): count for start, count in steps.items()}
    sums: list[tuple[tuple[str, int], list[tuple[str, int]]]] = []
    within = 0
    for start, count in steps.items():
        within += count
        counts["within", start + STEP] = within
        before = [("within", start)] if start else []
        sums.append((("within", start + STEP), [*before, ("step", start)]))
    cells = protect(counts, sums=sums, min_cell=min_cell)
    residents = get_residents(view, area=area)
    # Nobody can be told from the last step, which holds all longer times, to be within any limit.
    whole = {limit: min(limit, LONGEST) // STEP * STEP for limit in limits}
    valid = {limit: cells["within", hours] if hours else cell(0) for limit, hours in whole.items()}
    return Clock(
        as_of=rows[0].as_of,
        steps={start: cells["step", start] for start in steps},
        valid=valid,
        rates={limit: rate(figure, residents) for limit, figure in valid.items()},
    )


def get_institutions(view: View, *, area: str) -> tuple[Institution, ...]:
    """Testing institutions of ``area``, by county and id. Raises ``OutOfScope``."""
    return read(view, "institutions", Institution, members=get_members(view, area=area))
