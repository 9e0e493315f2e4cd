"""Code colours: who holds which colour, where, why, at what age, and since when.

Every count of people passes ``disclosure.protect``. Within a reported area a colour without a row is
zero; an area without any row on the day was not reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere

from dashboard.auth.scope import check_area
from dashboard.cells import NOT_REPORTED, Cell, cell
from queries.areas import Grain, child_of, get_children, get_members
from queries.disclosure import MIN_CELL, change, protect, protect_sum, rate
from queries.run import View, read, remember

ALL = "all"  # key of a total among the keys of its parts
OTHER = "other"  # key of all colours that are not shown apart


@dataclass(frozen=True, slots=True)
class AreaColours:
    """One area on one day: holders in all and by colour; every colour of the table is a key."""

    area: str
    residents: int | None
    holders: Cell
    colours: Mapping[str, Cell]

    def rate(self, colour: str) -> Cell:
        """Holders of a colour per 100,000 residents."""
        return rate(self.colours.get(colour, NOT_REPORTED), self.residents)


@dataclass(frozen=True, slots=True)
class AreaChange:
    """One area on two days: the later day, the earlier one, and the change of each colour."""

    area: str
    now: AreaColours
    before: AreaColours
    holders: Cell
    colours: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class ColourPart:
    """Holders of one colour with one reason, or in one age band."""

    colour: str
    part: str
    holders: Cell


@dataclass(frozen=True, slots=True)
class DayColours:
    """One day: holders in all and by colour, and how many counties and functional areas reported."""

    date: Date
    holders: Cell
    colours: Mapping[str, Cell]
    areas: int


@dataclass(frozen=True, slots=True)
class _Stock:
    area: str
    colour: str
    holders: int


@dataclass(frozen=True, slots=True)
class _Part:
    colour: str
    part: str
    holders: int


@dataclass(frozen=True, slots=True)
class _Day:
    date: Date
    colour: str
    holders: int
    areas: int


def get_colours_by_area(
    view: View, *, area: str, date: Date, level: Grain, min_cell: int = MIN_CELL
) -> tuple[AreaColours, ...]:
    """Holders by colour of each city, or each county and functional area, below ``area``; by code.

    A city is the sum of its counties and functional areas that reported. Raises ``OutOfScope`` and
    ``BadFilter`` (cities of a county).
    """
    check_area(view.scope, area)
    return remember(
        view,
        "colours_by_area",
        lambda: _build_by_area(view, area, date, level, min_cell),
        area=area,
        date=date,
        level=level,
        min_cell=min_cell,
    )


def get_colour_changes(
    view: View, *, area: str, date: Date, compare: Date, level: Grain, min_cell: int = MIN_CELL
) -> tuple[AreaChange, ...]:
    """Holders by colour of each child of ``area`` on ``date`` against ``compare``; by code.

    Raises ``OutOfScope`` and ``BadFilter`` (cities of a county).
    """
    check_area(view.scope, area)
    return remember(
        view,
        "colour_changes",
        lambda: _build_changes(view, area, (date, compare), level, min_cell),
        area=area,
        date=date,
        compare=compare,
        level=level,
        min_cell=min_cell,
    )


def get_colours_by_reason(
    view: View, *, area: str, date: Date, min_cell: int = MIN_CELL
) -> tuple[ColourPart, ...]:
    """Holders of each colour by reason (``part``), in ``area``; empty when the day was not reported.

    Raises ``OutOfScope``.
    """
    rows = read(view, "codes_by_reason", _Part, members=get_members(view, area=area), date=date)
    return _protect_parts(rows, min_cell)


def get_colours_by_age(
    view: View, *, area: str, date: Date, min_cell: int = MIN_CELL
) -> tuple[ColourPart, ...]:
    """Holders of each colour by age band (``part``), in ``area``; empty when the day was not reported.

    Raises ``OutOfScope``.
    """
    rows = read(view, "codes_by_age", _Part, members=get_members(view, area=area), date=date)
    colours = sorted({row.colour for row in rows})
    grid: dict[str, dict[str, int]] = {}
    for row in rows:
        grid.setdefault(row.part, dict.fromkeys(colours, 0))[row.colour] += row.holders
    cells = _protect_grid(grid, colours, min_cell)
    return tuple(ColourPart(colour, band, cells[band, colour]) for colour in colours for band in sorted(grid))


def get_colour_trend(
    view: View,
    *,
    area: str,
    first: Date,
    last: Date,
    apart: Sequence[str] = (),
    min_cell: int = MIN_CELL,
) -> tuple[DayColours, ...]:
    """Holders by colour in ``area`` on each day from ``first`` to ``last`` that was reported.

    With ``apart`` those colours are the keys, and all others together are ``other``; they are added up
    before anything is hidden. Days that were not reported are absent. Raises ``OutOfScope``.
    """
    rows = _read_days(view, area, first, last)
    colours = [*apart, OTHER] if apart else sorted({row.colour for row in rows})
    days: dict[Date, dict[str, int]] = {}
    areas: dict[Date, int] = {}
    for row in rows:
        counts = days.setdefault(row.date, dict.fromkeys(colours, 0))
        counts[row.colour if row.colour in counts else OTHER] += row.holders
        areas[row.date] = row.areas
    return tuple(
        DayColours(date=day, holders=cells.pop(ALL), colours=cells, areas=areas[day])
        for day, counts in days.items()
        for cells in [protect_sum(counts, total=ALL, min_cell=min_cell)]
    )


def get_colour_counts(view: View, *, area: str, first: Date, last: Date) -> Mapping[Date, Mapping[str, int]]:
    """Holders by colour on each reported day, **unprotected**: for deciding what to hide, never to be shown.

    Raises ``OutOfScope``.
    """
    days: dict[Date, dict[str, int]] = {}
    for row in _read_days(view, area, first, last):
        days.setdefault(row.date, {})[row.colour] = row.holders
    return days


def _read_days(view: View, area: str, first: Date, last: Date) -> tuple[_Day, ...]:
    members = get_members(view, area=area)
    return read(view, "codes_trend", _Day, members=members, first=first, last=last)


def _build_by_area(view: View, area: str, date: Date, level: Grain, min_cell: int) -> tuple[AreaColours, ...]:
    children = get_children(view, area=area, level=level, date=date)
    rows = read(view, "codes_by_area", _Stock, members=get_members(view, area=area), date=date)
    colours = sorted({row.colour for row in rows})
    grid: dict[str, dict[str, int]] = {}
    for row in rows:
        line = grid.setdefault(child_of(row.area, level), dict.fromkeys(colours, 0))
        line[row.colour] += row.holders
    cells = _protect_grid(grid, colours, min_cell)
    residents = {child.code: child.residents for child in children}
    blank = dict.fromkeys(colours, NOT_REPORTED)
    return tuple(
        AreaColours(
            area=code,
            residents=residents.get(code),
            holders=cells[code, ALL] if code in grid else NOT_REPORTED,
            colours={colour: cells[code, colour] for colour in colours} if code in grid else blank,
        )
        for code in sorted(residents.keys() | grid.keys())
    )


def _build_changes(
    view: View, area: str, days: tuple[Date, Date], level: Grain, min_cell: int
) -> tuple[AreaChange, ...]:
    now = get_colours_by_area(view, area=area, date=days[0], level=level, min_cell=min_cell)
    before = get_colours_by_area(view, area=area, date=days[1], level=level, min_cell=min_cell)
    left = {row.area: row for row in now}
    right = {row.area: row for row in before}
    return tuple(
        _compare(left.get(code) or _blank(right[code]), right.get(code) or _blank(left[code]))
        for code in sorted(left.keys() | right.keys())
    )


def _protect_grid(
    grid: Mapping[str, Mapping[str, int]], colours: Sequence[str], min_cell: int
) -> dict[tuple[str, str], Cell]:
    """Lines (areas, age bands) by colour, with the total of each line under ``ALL``."""
    # The column totals are the area's own colours, which stand on a card beside the table: they are
    # hidden there or not, so the table has to do with that.
    totals = {colour: sum(line[colour] for line in grid.values()) for colour in colours}
    shown = {(ALL, key): figure for key, figure in protect_sum(totals, total=ALL, min_cell=min_cell).items()}
    counts = {(line, colour): grid[line][colour] for line in grid for colour in colours}
    counts |= {(line, ALL): sum(grid[line].values()) for line in grid}
    counts |= {(ALL, colour): count for colour, count in totals.items()}
    counts[ALL, ALL] = sum(totals.values())
    sums = [((line, ALL), [(line, colour) for colour in colours]) for line in grid]
    sums += [((ALL, colour), [(line, colour) for line in grid]) for colour in [*colours, ALL]]
    return protect(counts, sums=sums, shown=shown, min_cell=min_cell)


def _protect_parts(rows: tuple[_Part, ...], min_cell: int) -> tuple[ColourPart, ...]:
    counts: dict[tuple[str, ...], int] = {(): 0}
    parts: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for row in rows:
        counts[row.colour, row.part] = row.holders
        counts[row.colour,] = counts.get((row.colour,), 0) + row.holders
        counts[()] += row.holders
        parts.setdefault((row.colour,), []).append((row.colour, row.part))
    cells = protect(counts, sums=[((), list(parts)), *parts.items()], min_cell=min_cell)
    return tuple(ColourPart(row.colour, row.part, cells[row.colour, row.part]) for row in rows)


def _compare(now: AreaColours, before: AreaColours) -> AreaChange:
    colours = sorted(now.colours.keys() | before.colours.keys())
    return AreaChange(
        area=now.area,
        now=now,
        before=before,
        holders=change(now.holders, before.holders),
        colours={c: change(_colour(now, c), _colour(before, c)) for c in colours},
    )


def _colour(row: AreaColours, colour: str) -> Cell:
    # A colour nobody holds that day is zero where the area reported, and unknown where it did not.
    absent = NOT_REPORTED if row.holders == NOT_REPORTED else cell(0)
    return row.colours.get(colour, absent)


def _blank(row: AreaColours) -> AreaColours:
    return AreaColours(row.area, row.residents, NOT_REPORTED, dict.fromkeys(row.colours, NOT_REPORTED))
