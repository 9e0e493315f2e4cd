"""Late and corrected days: what the newest snapshot says of a day, and what earlier ones had said.

**What is hidden.** A count of people is listed only where it may be shown both before and after: neither is
small, and neither is hidden because another one is. What may not be shown is left out without a sign, so that
a missing line tells nothing: neither that a hidden count changed nor that it did not. Counties behind
a restated count of people are never named, because the change of a hidden one would be known then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from datetime import datetime
from typing import TypeAlias

from dashboard.auth.scope import check_area
from dashboard.cells import SUPPRESSED, Cell, cell
from dashboard.snapshot.contract import MEASURES, TABLE_BY_NAME
from queries.areas import get_members
from queries.codes import ALL, OTHER, get_colour_counts
from queries.disclosure import MIN_CELL, protect_sum
from queries.overview import CARD_COLOURS
from queries.run import View, read, remember

_PEOPLE = frozenset((m.table, m.column) for m in MEASURES if m.people)
_STOCK = ("code_stock", "holders")


@dataclass(frozen=True, slots=True)
class Restatement:
    """One figure of one day of an area that an earlier snapshot had stated otherwise.

    ``kind`` is ``late`` for a day that was open or missing then, ``corrected`` for a closed one.
    ``snapshot_before`` said ``before``; ``known_at`` is when the delivery with ``after`` arrived. ``areas``
    counts the counties behind it and ``one`` is the first of them; None for people and where unknown.
    """

    date: Date
    table: str
    measure: str
    part: str
    before: Cell
    after: Cell
    kind: str
    snapshot_before: str
    known_at: datetime
    areas: int | None = None
    one: str | None = None

    @property
    def feed(self) -> str:
        """The feed whose delivery restated the day."""
        return TABLE_BY_NAME[self.table].feed


@dataclass(frozen=True, slots=True)
class _Day:
    date: Date
    table_name: str
    measure: str
    part: str
    before: int | None
    after: int | None
    kind: str
    snapshot_before: str
    known_at: datetime


@dataclass(frozen=True, slots=True)
class _Where:
    date: Date
    table_name: str
    measure: str
    part: str
    snapshot_before: str
    areas: int
    one: str


_Key: TypeAlias = "tuple[Date, str, str, str, str]"


def get_restatements(
    view: View, *, area: str, first: Date, last: Date, min_cell: int = MIN_CELL
) -> tuple[Restatement, ...]:
    """What was restated about ``area`` as a whole on the days from ``first`` to ``last``.

    Newest day first, then by table, measure and part; of one figure the newest statement first. Raises
    ``OutOfScope``.
    """
    check_area(view.scope, area)
    return remember(
        view,
        "restatements",
        lambda: _build(view, area, first, last, min_cell),
        area=area,
        first=first,
        last=last,
        min_cell=min_cell,
    )


def _build(view: View, area: str, first: Date, last: Date, min_cell: int) -> tuple[Restatement, ...]:
    members = get_members(view, area=area)
    rows = read(view, "restated_days", _Day, area=area, first=first, last=last)
    if not rows:
        return ()
    where = {
        _key(w): w for w in read(view, "restated_areas", _Where, members=members, first=first, last=last)
    }
    stock = [row for row in rows if (row.table_name, row.measure) == _STOCK]
    shown = _shown_stock(view, area, stock, min_cell)
    found = []
    for row in rows:
        people = (row.table_name, row.measure) in _PEOPLE
        if people and (_is_small(row, min_cell) or (row in stock and _key(row) not in shown)):
            continue
        place = None if people else where.get(_key(row))
        found.append(
            Restatement(
                date=row.date,
                table=row.table_name,
                measure=row.measure,
                part=row.part,
                before=cell(row.before),
                after=cell(row.after),
                kind=row.kind,
                snapshot_before=row.snapshot_before,
                known_at=row.known_at,
                areas=place.areas if place else None,
                one=place.one if place else None,
            )
        )
    found.sort(key=lambda r: (r.known_at, r.snapshot_before), reverse=True)
    found.sort(key=lambda r: (-r.date.toordinal(), r.table, r.measure, r.part))
    return tuple(found)


def get_restated_days(
    view: View, *, area: str, table: str, measure: str, first: Date, last: Date, min_cell: int = MIN_CELL
) -> Mapping[tuple[Date, str], Restatement]:
    """The newest restatement by day and part of one measure: what a chart marks. Raises ``OutOfScope``."""
    newest: dict[tuple[Date, str], Restatement] = {}
    for row in get_restatements(view, area=area, first=first, last=last, min_cell=min_cell):
        if (row.table, row.measure) == (table, measure):
            newest.setdefault((row.date, row.part), row)
    return newest


def _key(row: _Day | _Where) -> _Key:
    return row.date, row.table_name, row.measure, row.part, row.snapshot_before


def _is_small(row: _Day, min_cell: int) -> bool:
    return any(value is not None and 0 < value < min_cell for value in (row.before, row.after))


def _shown_stock(view: View, area: str, rows: list[_Day], min_cell: int) -> set[_Key]:
    """The restated holders that neither the answer of today nor the one of then hides.

    The line of a day as it was before is today's with the restated colours taken back, step by step.
    """
    if not rows:
        return set()
    days = [row.date for row in rows]
    now = get_colour_counts(view, area=area, first=min(days), last=max(days))
    shown: set[_Key] = set()
    for day in set(days):
        line: dict[str, int] = dict(now.get(day, {}))
        steps: dict[tuple[datetime, str], list[_Day]] = {}
        for row in rows:
            if row.date == day:
                steps.setdefault((row.known_at, row.snapshot_before), []).append(row)
        for step in sorted(steps, reverse=True):
            then = dict(line)
            for row in steps[step]:
                if row.before is None:
                    then.pop(row.part, None)
                else:
                    then[row.part] = row.before
            hidden = _hidden(line, min_cell) | _hidden(then, min_cell)
            shown |= {_key(row) for row in steps[step] if row.part not in hidden}
            line = then
    return shown


def _hidden(line: Mapping[str, int], min_cell: int) -> set[str]:
    """The colours that an answer about this line hides: with all colours apart, and with a few of them."""
    cells = protect_sum(line, total=ALL, min_cell=min_cell)
    few = {colour: line.get(colour, 0) for colour in CARD_COLOURS}
    few[OTHER] = sum(count for colour, count in line.items() if colour not in CARD_COLOURS)
    cells_of_few = protect_sum(few, total=ALL, min_cell=min_cell)
    return {key for key in line if SUPPRESSED in (cells[key], cells_of_few.get(key))}
