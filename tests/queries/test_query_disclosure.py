"""Small counts of people: what is hidden, what must go with it, what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from queries.disclosure import change, protect, protect_sum, rate


def _shown(counts: list[int | None], *, min_cell: int = 10) -> list[object]:
    """Parts and their total as shown: a number, 'x' hidden, None not reported; the total comes last."""
    keyed: dict[str, int | None] = {str(i): count for i, count in enumerate(counts)}
    keyed["sum"] = sum(count or 0 for count in counts)
    cells = protect(keyed, sums=[("sum", [k for k in keyed if k != "sum"])], min_cell=min_cell)
    return ["x" if c == SUPPRESSED else c.value for c in cells.values()]


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([20, 30], [20, 30, 50]),
        ([0, 30], [0, 30, 30]),  # zero is a value, and no secret
        ([9, 30], ["x", "x", 39]),  # 39 - 30 would tell 9
        ([10, 30], [10, 30, 40]),  # the threshold itself is shown
        ([1, 30], ["x", "x", 31]),
        ([3, 40, 30, 50], ["x", 40, "x", 50, 123]),  # the smallest other one goes
        ([3, 4, 30], ["x", "x", 30, 37]),  # two are hidden already
        ([3, 0, 30], ["x", 0, "x", 33]),  # a zero protects nothing
        ([3, 0], ["x", 0, "x"]),  # the total is the part
        ([3, 4], ["x", "x", "x"]),  # a small total is hidden by itself
        ([9, 9], ["x", "x", 18]),
        ([None, 30], [None, 30, 30]),
        ([None, 3, 30], [None, "x", "x", 33]),  # what was not reported protects nothing
        ([None, None], [None, None, 0]),
        ([], [0]),
    ],
)
def test_one_sum(counts: list[int | None], shown: list[object]) -> None:
    assert _shown(counts) == shown


@pytest.mark.parametrize(("min_cell", "shown"), [(1, [1, 3, 4]), (2, ["x", "x", 4]), (5, ["x", "x", "x"])])
def test_the_threshold_is_the_policys(min_cell: int, shown: list[object]) -> None:
    assert _shown([1, 3], min_cell=min_cell) == shown


def test_a_hidden_term_of_one_sum_is_not_told_by_another() -> None:
    counts = {"a": 12, "b": 3, "c": 40, "top": 55, "a1": 12, "a2": 0}
    cells = protect(counts, sums=[("top", ["a", "b", "c"]), ("a", ["a1", "a2"])])
    hidden = {key for key, value in cells.items() if value == SUPPRESSED}
    assert hidden == {"a", "b", "a1"}


def test_a_total_that_stands_beside_the_answer_cannot_be_the_second_one() -> None:
    counts = {"a": 12, "b": 0, "sum": 12, "x": 4, "row": 16}
    sums = [("row", ["a", "x"]), ("sum", ["a", "b"])]
    assert protect(counts, sums=sums)["sum"] == SUPPRESSED
    assert protect(counts, sums=sums, shown={"sum": cell(12)})["sum"] == cell(12)
    assert protect({"a": 20, "b": 30, "sum": 50}, sums=[("sum", ["a", "b"])], shown={"sum": SUPPRESSED}) == {
        "a": SUPPRESSED,
        "b": cell(30),
        "sum": SUPPRESSED,
    }


def test_a_count_below_zero_is_no_count_of_people() -> None:
    with pytest.raises(ValueError, match="below zero"):
        protect({"a": -1})


GRIDS = st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=4)


@given(GRIDS, st.integers(1, 20))
def test_no_sum_of_a_table_is_left_with_a_single_hidden_term(grid: list[list[int]], min_cell: int) -> None:
    counts = {(r, c): grid[r][c] for r in range(len(grid)) for c in range(3)}
    sums = [((r, "all"), [(r, c) for c in range(3)]) for r in range(len(grid))]
    sums += [(("all", c), [(r, c) for r in range(len(grid))]) for c in range(3)]
    for total, parts in sums:
        counts[total] = sum(counts[part] for part in parts)
    cells = protect(counts, sums=sums, min_cell=min_cell)
    for key, figure in cells.items():
        if 0 < counts[key] < min_cell:
            assert figure == SUPPRESSED
        elif counts[key] == 0:
            assert figure == cell(0)
        else:
            assert figure in (SUPPRESSED, cell(counts[key]))
    for total, parts in sums:
        assert sum(cells[term] == SUPPRESSED for term in (total, *parts)) != 1
    if all(count == 0 or count >= min_cell for count in counts.values()):
        assert SUPPRESSED not in cells.values()


def test_protect_sum_keeps_the_parts_and_adds_the_total() -> None:
    assert protect_sum({"a": 20, "b": 30}, total="all", min_cell=10) == {
        "a": cell(20),
        "b": cell(30),
        "all": cell(50),
    }


@pytest.mark.parametrize(
    ("now", "before", "wanted"),
    [
        (cell(5), cell(8), cell(-3)),
        (cell(5), cell(5), cell(0)),
        (SUPPRESSED, cell(8), SUPPRESSED),
        (cell(8), SUPPRESSED, SUPPRESSED),
        (NOT_REPORTED, cell(8), NOT_REPORTED),
        (NOT_REPORTED, SUPPRESSED, SUPPRESSED),
    ],
)
def test_a_change_is_hidden_with_either_side(now: Cell, before: Cell, wanted: Cell) -> None:
    assert change(now, before) == wanted


@pytest.mark.parametrize(
    ("figure", "residents", "wanted"),
    [
        (cell(5), 1_000_000, cell(0.5)),
        (cell(0), 1_000_000, cell(0)),
        (SUPPRESSED, 1_000_000, SUPPRESSED),
        (NOT_REPORTED, 1_000_000, NOT_REPORTED),
        (cell(5), None, NOT_REPORTED),
        (cell(5), 0, NOT_REPORTED),
        (SUPPRESSED, None, SUPPRESSED),
    ],
)
def test_a_rate_is_hidden_with_its_count(figure: Cell, residents: int | None, wanted: Cell) -> None:
    assert rate(figure, residents) == wanted
