"""The funnel, pushed lists, contacts: counted by hand; small counts are hidden in every sum they stand in."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from queries.followup import (
    get_contact_figures,
    get_contact_trend,
    get_contacts_by_area,
    get_finished_day,
    get_list_figures,
    get_list_trend,
    get_lists_by_area,
)
from queries.people import SafeTable, rest_of, safe_table, share_of
from queries.run import View
from queries.screening import Funnel, get_funnel_by_area, get_funnels, get_incidents
from tests.queries.worlds import random_tables, view_of, write_world
from tests.tiny import CHENGDU, DAY1, DAY2, JINJIANG, MIANYANG, SICHUAN, WUHOU, build_tiny

AT = datetime(2022, 8, 30, 6)
ZERO = cell(0)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    root = tmp_path_factory.mktemp("tiny")
    return view_of(root, build_tiny(root).id)


def test_the_funnel_of_the_tiny_outbreak(view: View) -> None:
    (funnel,) = get_funnels(view, area=CHENGDU)
    first, second = funnel.stages
    assert (first.stage, first.number, first.entered, first.kept) == ("near_places", 1, cell(120), cell(65))
    assert (first.drops, first.gap, first.computed_at) == ((("elsewhere", cell(55)),), None, AT)
    assert (second.entered, second.kept, second.drops) == (cell(65), cell(12), (("no_overlap", cell(53)),))
    assert (second.gap, first.loose, second.loose) == (ZERO, ZERO, ZERO)
    assert [i.incident for i in get_incidents(view, area=CHENGDU)] == ["wuhou-0829"]
    assert get_funnels(view, area=MIANYANG) == ()


def test_a_small_count_is_hidden_with_what_would_tell_it(view: View) -> None:
    """In Jinjiang 5 of 20 stay, drop out of the next stage, and are who entered it."""
    (funnel,) = get_funnels(view, area=JINJIANG)
    first, second = funnel.stages
    assert (first.entered, first.kept, first.drops[0][1]) == (cell(20), SUPPRESSED, SUPPRESSED)
    assert (second.entered, second.drops[0][1], second.gap) == (SUPPRESSED, SUPPRESSED, SUPPRESSED)
    assert second.kept == ZERO, "a true zero stays a zero"
    table = get_funnel_by_area(view, area=CHENGDU, level="county", incident="wuhou-0829")
    assert table.totals == {"entered": cell(120), "near_places": cell(65), "sources_joined": cell(12)}
    assert table.lines[JINJIANG] == {"entered": cell(20), "near_places": SUPPRESSED, "sources_joined": ZERO}
    assert table.lines[WUHOU]["near_places"] == SUPPRESSED, "65 less 60 would tell the 5"


def funnel_of(tmp_path: Path, *stages: tuple[int, int, int]) -> Funnel:
    """A funnel of one county whose stages are given as (entered as kept, entered as dropped, dropped)."""
    tables = random_tables(0)
    tables["funnel"] = [
        row
        for number, (kept, entered, dropped) in enumerate(stages, start=1)
        for row in (
            ("x", f"s{number}", number, WUHOU, "kept", kept, kept, 0, AT),
            ("x", f"s{number}", number, WUHOU, "elsewhere", entered, 0, dropped, AT),
        )
    ]
    (funnel,) = get_funnels(view_of(tmp_path, write_world(tmp_path, tables)), area=WUHOU)
    return funnel


@pytest.mark.parametrize(
    ("stages", "gap", "loose"),
    [
        (((60, 40, 40), (20, 40, 40)), 0, 0),
        (((60, 40, 40), (30, 40, 40)), 10, 0),  # more people than the stage before kept
        (((60, 40, 40), (20, 25, 25)), -15, 0),
        (((60, 40, 40), (20, 40, 30)), 0, 10),  # ten neither stay nor drop out
        (((60, 40, 40), (20, 40, 50)), 0, -10),
    ],
)
def test_stages_that_do_not_reconcile_say_by_how_much(
    tmp_path: Path, stages: tuple[tuple[int, int, int], ...], gap: int, loose: int
) -> None:
    second = funnel_of(tmp_path, *stages).stages[1]
    assert (second.gap, second.loose) == (cell(gap), cell(loose))


def test_lists_are_judged_when_their_time_is_over(view: View) -> None:
    first, second = get_list_trend(view, area=WUHOU, first=DAY1, last=DAY2)
    # 18 of 20 in time; the two who were not are hidden, and with them the share and the other part.
    assert (first.pushed, first.returned, first.overdue) == (cell(20), SUPPRESSED, SUPPRESSED)
    assert (first.open, first.share) == (ZERO, SUPPRESSED)
    # 4 of 12 came back and none is overdue, because 8 have time left: that is no share yet.
    assert (second.pushed, second.overdue, second.share) == (cell(12), ZERO, NOT_REPORTED)
    assert get_finished_day(view, area=WUHOU, date=DAY2) == DAY1
    assert get_finished_day(view, area=WUHOU, date=DAY1 + timedelta(days=8)) is None
    bare = get_list_trend(view, area=WUHOU, first=DAY1, last=DAY1, min_cell=1)
    assert (bare[0].overdue, bare[0].share) == (cell(2), cell(90))


def test_the_figures_of_lists_are_the_totals_of_the_table(view: View) -> None:
    figures = {f.id: f.day for f in get_list_figures(view, area=WUHOU, date=DAY2, min_cell=1)}
    assert figures == {
        "lists_pushed": cell(12),
        "lists_open": cell(8),
        "lists_returned": cell(90),
        "lists_overdue": cell(2),
    }
    span = {"first": DAY1 - timedelta(days=6), "last": DAY1}
    table = get_lists_by_area(view, area=SICHUAN, **span, level="city", min_cell=1)
    assert table.totals == {
        "pushed": cell(20),
        "returned": cell(18),
        "overdue": cell(2),
        "open": ZERO,
        "share": cell(90),
    }
    assert table.lines == {CHENGDU: dict(table.totals)}


def test_contacts(view: View) -> None:
    first, second = get_contact_trend(view, area=WUHOU, first=DAY1, last=DAY2, min_cell=1)
    assert (first.found, first.followed, first.lost, first.waiting) == (cell(13), cell(12), cell(1), ZERO)
    assert first.share == cell(92.3)
    assert (second.found, second.share, second.became_case) == (ZERO, NOT_REPORTED, cell(1))
    hidden = get_contact_trend(view, area=WUHOU, first=DAY1, last=DAY1)[0]
    assert {hidden.close, hidden.secondary, hidden.lost, hidden.followed} == {SUPPRESSED}
    assert (hidden.found, hidden.share) == (cell(13), SUPPRESSED)
    figures = {f.id: f.day for f in get_contact_figures(view, area=JINJIANG, date=DAY2)}
    assert set(figures.values()) == {NOT_REPORTED}
    table = get_contacts_by_area(view, area=CHENGDU, first=DAY1, last=DAY2, level="county", min_cell=1)
    assert table.lines[WUHOU]["found"] == cell(13)
    assert table.lines.keys() == {WUHOU}


def test_parts_that_are_more_than_the_whole_are_no_count() -> None:
    assert (rest_of(10, 4, 6), rest_of(10, 4, 7)) == (0, None)
    table = safe_table(
        {"a": {"whole": 10, "part": 12, "rest": None}}, [("whole", ("part", "rest"))], min_cell=10
    )
    assert table.lines["a"]["rest"] == NOT_REPORTED


@pytest.mark.parametrize(
    ("part", "rest", "share"),
    [
        (cell(30), cell(10), cell(75)),
        (cell(0), cell(10), ZERO),
        (ZERO, ZERO, NOT_REPORTED),
        (SUPPRESSED, NOT_REPORTED, SUPPRESSED),
        (cell(5), NOT_REPORTED, NOT_REPORTED),
    ],
)
def test_shares(part: Cell, rest: Cell, share: Cell) -> None:
    assert share_of(part, rest) == share


_LINE = st.tuples(*[st.one_of(st.just(0), st.integers(1, 9), st.integers(10, 60))] * 3)


@given(st.dictionaries(st.sampled_from("abcd"), _LINE, min_size=1))
def test_no_sum_of_a_table_has_one_hidden_term(counts: dict[str, tuple[int, int, int]]) -> None:
    """A single hidden term could be had by subtraction, along a line and down a column."""
    names = ("x", "y", "z")
    lines = {key: {"all": sum(row), **dict(zip(names, row, strict=True))} for key, row in counts.items()}
    table: SafeTable = safe_table(lines, [("all", names)], min_cell=10)
    for key, line in lines.items():
        for column, count in line.items():
            assert table.lines[key][column] in (SUPPRESSED, cell(count))
            assert table.lines[key][column] == SUPPRESSED or not 0 < count < 10
    sums = [[table.lines[key][column] for column in ("all", *names)] for key in lines]
    sums += [[table.totals[c], *(line[c] for line in table.lines.values())] for c in ("all", *names)]
    for terms in (*sums[: len(lines)], [table.totals[c] for c in ("all", *names)]):
        assert terms.count(SUPPRESSED) != 1
    for total, *parts in sums[len(lines) :]:
        # A total that stands elsewhere tells the only part of it; see the limits of ``queries.disclosure``.
        lone = all(part.value in (None, 0) for part in parts)
        if total != SUPPRESSED and not lone:
            assert parts.count(SUPPRESSED) != 1
