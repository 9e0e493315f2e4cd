"""Code flows: people who changed from one colour to another, why, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from queries.areas import get_members
from queries.disclosure import MIN_CELL, protect
from queries.run import View, read


@dataclass(frozen=True, slots=True)
class Flow:
    """People who changed from one colour to another for one reason by one actor, and their changes."""

    from_colour: str
    to_colour: str
    reason: str
    actor: str
    people: Cell
    changes: Cell


@dataclass(frozen=True, slots=True)
class Flows:
    """All flows of a day: in all, the matrix by (from, to), and its parts by reason and actor.

    ``people`` counts a person once for each way of changing; NOT_REPORTED with no parts when the day has
    no row at all.
    """

    people: Cell
    matrix: Mapping[tuple[str, str], Cell]
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class _Flow:
    from_colour: str
    to_colour: str
    reason: str
    actor: str
    people: int
    changes: int


def get_flows(view: View, *, area: str, date: Date, min_cell: int = MIN_CELL) -> Flows:
    """People who changed colour in ``area`` on a day, as a matrix and by reason and actor.

    Raises ``OutOfScope``.
    """
    rows = read(view, "code_flows", _Flow, members=get_members(view, area=area), date=date)
    if not rows:
        return Flows(people=NOT_REPORTED, matrix={}, flows=())
    counts: dict[tuple[str, ...], int] = {(): 0}
    parts: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for row in rows:
        pair, key = (row.from_colour, row.to_colour), (row.from_colour, row.to_colour, row.reason, row.actor)
        counts[key] = row.people
        counts[pair] = counts.get(pair, 0) + row.people
        counts[()] += row.people
        parts.setdefault(pair, []).append(key)
    sums = [((), list(parts)), *parts.items()]
    cells = protect(counts, sums=sums, min_cell=min_cell)
    return Flows(
        people=cells[()],
        matrix={(pair[0], pair[1]): cells[pair] for pair in parts},
        flows=tuple(
            Flow(
                row.from_colour, row.to_colour, row.reason, row.actor, people, _hide_with(people, row.changes)
            )
            for row in rows
            for people in [cells[row.from_colour, row.to_colour, row.reason, row.actor]]
        ),
    )


def _hide_with(people: Cell, count: int) -> Cell:
    return SUPPRESSED if people == SUPPRESSED else cell(count)
