"""Tables of people by area and column, made safe as a whole: lines, totals, and what adds up in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from queries.disclosure import protect

ALL = "all"  # key of the line of totals among the lines
Counts = Mapping[str, int | None]
Equations = Sequence[tuple[str, tuple[str, ...]]]  # a column and the columns that add up to it


@dataclass(frozen=True, slots=True)
class SafeTable:
    """Cells by line and column, and the totals by column; what is hidden is so in both."""

    lines: Mapping[str, Mapping[str, Cell]]
    totals: Mapping[str, Cell]


def safe_line(counts: Counts, equations: Equations, *, min_cell: int) -> dict[str, Cell]:
    """One line of counts whose columns add up by ``equations``."""
    return protect(counts, sums=_known(counts, equations), min_cell=min_cell)


def safe_table(lines: Mapping[str, Counts], equations: Equations, *, min_cell: int) -> SafeTable:
    """Lines that add up to totals which stand elsewhere as ``safe_line`` shows them.

    A part that is the only one of such a total is told by it: see the limits of ``queries.disclosure``.
    """
    columns = list(dict.fromkeys(column for line in lines.values() for column in line))
    sums = {column: add([line.get(column) for line in lines.values()]) for column in columns}
    totals = safe_line(sums, equations, min_cell=min_cell)
    shown = {(ALL, column): figure for column, figure in totals.items()}
    counts = {(name, column): line.get(column) for name, line in lines.items() for column in columns}
    counts |= {(ALL, column): count for column, count in sums.items()}
    rules: list[tuple[tuple[str, str], list[tuple[str, str]]]] = [
        ((name, total), [(name, part) for part in parts])
        for name, line in lines.items()
        for total, parts in _known(line, equations)
    ]
    rules += [
        ((ALL, column), [(name, column) for name in lines])
        for column in columns
        if all(line.get(column) is not None for line in lines.values())
    ]
    cells = protect(counts, sums=rules, shown=shown, min_cell=min_cell)
    return SafeTable(
        lines={name: {column: cells[name, column] for column in columns} for name in lines}, totals=totals
    )


def share_of(part: Cell, rest: Cell) -> Cell:
    """``part`` of ``part`` and ``rest`` together in per cent; hidden when either is, unknown of nobody."""
    if part.value is None or rest.value is None:
        return SUPPRESSED if SUPPRESSED in (part, rest) else NOT_REPORTED
    whole = part.value + rest.value
    return cell(round(part.value * 100 / whole, 1)) if whole else NOT_REPORTED


def rest_of(whole: int, *parts: int) -> int | None:
    """What is left of ``whole``; None where the parts are more than the whole, which no feed explains."""
    left = whole - sum(parts)
    return left if left >= 0 else None


def add(counts: Sequence[int | None]) -> int | None:
    """The sum of what is known; None where one is not."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _known(counts: Counts, equations: Equations) -> list[tuple[str, tuple[str, ...]]]:
    """The equations of a line all of whose terms are known."""
    return [
        (total, parts)
        for total, parts in equations
        if all(counts.get(column) is not None for column in (total, *parts))
    ]
