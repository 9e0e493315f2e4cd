"""Disclosure control: the last step before counts of people leave the data layer.

**What is hidden.** A count of 1 to ``min_cell - 1`` people (primary). Zero is shown. Where a total is
shown beside its parts, a single hidden term could be had by subtraction; so a second term is hidden:
the smallest other part that is not zero, or the total when there is none (complementary). Whatever is
computed from a hidden count (a change, a rate, a number of changes) is hidden too.

**Where it applies.** Counts of people in ``code_stock`` and ``code_flow``. Not to published case
counts, listed places or scans, which count no holders.

**What it does not protect.** Only the equations of one answer are looked at, one at a time:

- a cell that is the only one of its column when the total of the column stands beside the table;
- several equations of one table solved together (an audit by linear programming is not made);
- two answers compared with each other: other dates, another snapshot of the same day, the stock
  against the flows, a city's page against its counties', by reason against by age band, colours put
  together (``other``) against the same colours apart;
- what a hidden count is known to lie between (a hidden small cell is known to be 1 to min_cell - 1);
- two people who put their answers under two scopes together.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell

MIN_CELL = 10  # the baseline of the policy; the policy in force is passed in
K = TypeVar("K", bound=Hashable)


def protect(
    counts: Mapping[K, int | None],
    *,
    sums: Sequence[tuple[K, Sequence[K]]] = (),
    shown: Mapping[K, Cell] | None = None,
    min_cell: int = MIN_CELL,
) -> dict[K, Cell]:
    """Counts of people as cells, so that none of them gives a small one away.

    ``counts`` holds every count that is shown, None for not reported. ``sums`` lists the sums a reader can
    check, as (total, its parts). ``shown`` holds totals that stand beside this answer as they are: they
    are neither hidden nor told by it. Raises ``ValueError`` for a negative count: that is no count of people.
    """
    if any(count is not None and count < 0 for count in counts.values()):
        raise ValueError("a count of people is below zero")
    fixed = shown or {}
    hidden = {key for key, count in counts.items() if count and count < min_cell}
    hidden |= {key for key, figure in fixed.items() if figure == SUPPRESSED}
    changed = bool(hidden)
    while changed:  # hiding a term in one sum may leave one hidden term alone in another
        changed = False
        for total, parts in sums:
            alone = sum(term in hidden for term in (*parts, total)) == 1
            second = _choose(counts, hidden, total, parts, fixed) if alone else None
            if second is not None:
                hidden.add(second)
                changed = True
    return {key: SUPPRESSED if key in hidden else cell(count) for key, count in counts.items()}


def protect_sum(counts: Mapping[str, int], *, total: str, min_cell: int) -> dict[str, Cell]:
    """The parts of one sum, and the sum itself under the key ``total``, as cells."""
    return protect({**counts, total: sum(counts.values())}, sums=[(total, list(counts))], min_cell=min_cell)


def _choose(
    counts: Mapping[K, int | None], hidden: set[K], total: K, parts: Sequence[K], fixed: Collection[K]
) -> K | None:
    visible = [(count, i) for i, part in enumerate(parts) if part not in hidden and (count := counts[part])]
    if visible:
        return parts[min(visible)[1]]
    return total if total not in hidden and total not in fixed and counts[total] else None


def change(now: Cell, before: Cell) -> Cell:
    """The change between two cells; hidden when either is hidden, not reported when either is not."""
    if now.value is not None and before.value is not None:
        return Cell("value", now.value - before.value)
    return SUPPRESSED if SUPPRESSED in (now, before) else NOT_REPORTED


def rate(figure: Cell, residents: int | None) -> Cell:
    """A cell per 100,000 residents; hidden with its cell, not reported where residents are not known."""
    if figure.value is None:
        return figure
    return Cell("value", figure.value * 100_000 / residents) if residents else NOT_REPORTED
