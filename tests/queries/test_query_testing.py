"""Tests, the validity clock, doses and look-ups: counted by hand; what is small, missing or zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from queries.run import View
from queries.services import (
    get_dose_trend,
    get_doses_by_group,
    get_lookup_trend,
    get_service_figures,
)
from queries.testing import (
    get_institutions,
    get_test_clock,
    get_test_figures,
    get_test_trend,
    get_tests_by_area,
)
from tests.queries.worlds import random_tables, view_of, write_world
from tests.tiny import CHENGDU, DAY1, DAY2, FUCHENG, GAOXIN, JINJIANG, MIANYANG, SICHUAN, WUHOU, build_tiny

ZERO = cell(0)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    root = tmp_path_factory.mktemp("tiny")
    return view_of(root, build_tiny(root).id)


def test_stages_of_the_samples(view: View) -> None:
    first, second = get_test_trend(view, area=WUHOU, first=DAY1, last=DAY2)
    assert (first.sampled, first.waiting, first.share) == (500, ZERO, cell(96))
    assert (second.tested, second.reported, second.waiting, second.share) == (550, 400, cell(200), cell(100))
    assert (first.positive, second.positive) == (SUPPRESSED, SUPPRESSED)
    figures = {f.id: f.day for f in get_test_figures(view, area=FUCHENG, date=DAY1)}
    # Nobody was tested that day: no share of nothing, and the zeros are true ones.
    assert figures == {
        "tests_sampled": ZERO,
        "tests_waiting": ZERO,
        "tests_in_24h": NOT_REPORTED,
        "tests_positive": ZERO,
    }
    missing = {f.day for f in get_test_figures(view, area=FUCHENG, date=DAY2)}
    assert missing == {NOT_REPORTED}


def test_testing_by_area(view: View) -> None:
    cities = {r.area: r for r in get_tests_by_area(view, area=SICHUAN, date=DAY2, level="city", min_cell=2)}
    chengdu = cities[CHENGDU]
    assert (chengdu.sampled, chengdu.waiting, chengdu.share) == (cell(600), cell(200), cell(100))
    assert (chengdu.positive, chengdu.capacity, chengdu.institutions) == (cell(2), cell(3000), cell(1))
    assert chengdu.rate.value == pytest.approx(600 * 100_000 / 20_937_757)
    # Its one institution states no capacity, and its samples of the day were not reported.
    mianyang = cities[MIANYANG]
    assert (mianyang.institutions, mianyang.capacity) == (cell(1), NOT_REPORTED)
    assert {mianyang.sampled, mianyang.share, mianyang.positive, mianyang.waiting} == {NOT_REPORTED}


@pytest.mark.parametrize(
    ("limit", "valid"),
    [
        (12, 0),  # shorter than a step: nobody is certain
        (24, 600),
        (47, 600),  # rounded down: at least so many
        (48, 900),
        (168, 900),  # the last step holds all longer times
        (720, 900),
    ],
)
def test_the_clock_counts_whom_the_limit_admits_for_certain(view: View, limit: int, valid: int) -> None:
    clock = get_test_clock(view, area=WUHOU, basis="sampled", limits=(limit,))
    assert clock is not None
    assert clock.valid == {limit: cell(valid)}
    assert clock.rates[limit].value == pytest.approx(valid * 100_000 / 1_200_000)
    assert (clock.steps[0], clock.steps[24], clock.steps[48]) == (cell(600), cell(300), ZERO)


def test_the_clock_follows_the_basis_and_hides_small_steps(view: View, tmp_path: Path) -> None:
    reported = get_test_clock(view, area=WUHOU, basis="reported", limits=(72,))
    assert reported is not None
    assert reported.valid == {72: cell(400)}
    assert get_test_clock(view, area=JINJIANG, basis="sampled", limits=(72,)) is None
    alone = get_test_clock(view, area=FUCHENG, basis="sampled", limits=(168,))
    assert alone is not None
    assert (alone.steps[168], alone.valid[168]) == (SUPPRESSED, ZERO)
    tables = random_tables(0)
    at = tables["test_validity"][-1][0]
    people = ((0, 400), (24, 5), (48, 70))
    tables["test_validity"] = [(at, WUHOU, "sampled", hours, count) for hours, count in people]
    small = get_test_clock(
        view_of(tmp_path, write_world(tmp_path, tables)), area=WUHOU, basis="sampled", limits=(24, 48, 72)
    )
    assert small is not None
    # 405 within two days less 400 within one would tell the five of the second day.
    assert small.steps[24] == SUPPRESSED
    shown = [cell_ for cell_ in (small.valid[24], small.valid[48]) if cell_ != SUPPRESSED]
    assert len(shown) < 2


def test_doses_by_group(view: View) -> None:
    (group,) = get_doses_by_group(view, area=WUHOU, date=DAY2)
    assert (group.population, group.by_number) == ("other", (cell(150), cell(65)))
    assert (group.doses, group.completed) == (cell(25), cell(43.3))
    assert group.rate.value == pytest.approx(150 * 100_000 / 1_200_000)
    assert get_doses_by_group(view, area=JINJIANG, date=DAY2) == ()
    assert [
        (row.doses, row.first_doses) for row in get_dose_trend(view, area=WUHOU, first=DAY1, last=DAY2)
    ] == [
        (40, 130),
        (25, 150),
    ]


def test_a_dose_that_no_feed_reported_is_no_zero(tmp_path: Path) -> None:
    tables = random_tables(0)
    tables["vaccination_daily"] = [(DAY1, WUHOU, "other", 1, 5, 80), (DAY1, WUHOU, "cold_chain", 2, 5, 30)]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    groups = {row.population: row for row in get_doses_by_group(view, area=WUHOU, date=DAY1)}
    assert groups["other"].by_number == (cell(80), NOT_REPORTED)
    assert groups["cold_chain"].by_number == (NOT_REPORTED, cell(30))
    assert {row.completed for row in groups.values()} == {NOT_REPORTED}


@pytest.mark.parametrize(
    ("area", "asked", "failed", "slowest"),
    [(WUHOU, 120, ZERO, 150), (JINJIANG, 0, NOT_REPORTED, None), (CHENGDU, 120, ZERO, 150)],
)
def test_lookups(view: View, area: str, asked: int, failed: Cell, slowest: int | None) -> None:
    (row,) = get_lookup_trend(view, area=area, first=DAY2, last=DAY2)
    assert (row.lookups, row.failed, row.p95_ms) == (asked, failed, slowest)
    figures = {f.id: f.day for f in get_service_figures(view, area=area, date=DAY2)}
    assert (figures["lookups"], figures["lookup_failures"]) == (cell(asked), failed)


def test_institutions(view: View) -> None:
    assert [(row.institution, row.capacity) for row in get_institutions(view, area=SICHUAN)] == [
        ("jg-1", 3000),
        ("jg-2", None),
    ]
    assert get_institutions(view, area=GAOXIN) == ()
