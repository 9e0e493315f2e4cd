"""Appeals and the hotline: figures counted by hand, the backlog reckoned back, surges by their rule."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard.cells import NOT_REPORTED, cell
from dashboard.demo.desks import ticket_frames
from dashboard.demo.story import DEFAULT_END, OUTBREAK, PIDU, Calendar
from dashboard.demo.world import build_world
from queries.appeals import (
    DayTickets,
    days_to_clear,
    get_backlog_trend,
    get_ticket_figures,
    get_tickets_by_area,
    get_tickets_by_rule,
    share,
)
from queries.hotline import get_call_figures, get_calls_by_halfhour
from queries.run import View
from queries.surges import BASELINE_DAYS, SurgeWatch, find_surges, get_surges
from tests.queries.worlds import view_of
from tests.tiny import CHENGDU, DAY1, DAY2, FUCHENG, JINJIANG, MIANYANG, SICHUAN, WUHOU, build_tiny

MONDAY = date(2021, 1, 4)
KEY = ("topic", "no_phone")


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    root = tmp_path_factory.mktemp("tiny")
    return view_of(root, build_tiny(root).id)


@pytest.mark.parametrize(
    ("area", "opened", "closed", "waiting", "days", "oldest", "upheld"),
    [
        (WUHOU, 9, 10, 8, 8 * 2 / 14, 60, 4 * 100 / 14),
        (SICHUAN, 11, 10, 8, 8 * 2 / 14, 60, 4 * 100 / 14),
        (JINJIANG, None, None, 0, 0, None, None),  # its count says that nothing waits
        (FUCHENG, 2, 0, None, None, None, None),  # no row in the count: not known, and never zero
    ],
)
def test_figures_of_the_day(
    view: View, area: str, opened: int, closed: int, waiting: int, days: float, oldest: int, upheld: float
) -> None:
    figures = {f.id: f.day for f in get_ticket_figures(view, area=area, date=DAY2)}
    assert figures == {
        "tickets_opened": cell(opened),
        "tickets_closed": cell(closed),
        "tickets_open": cell(waiting),
        "tickets_days_to_clear": cell(None if days is None else round(days, 1)),
        "tickets_oldest": cell(oldest),
        "tickets_upheld": cell(None if upheld is None else round(upheld, 1)),
    }


def test_the_backlog_is_reckoned_back_by_what_came_and_went(view: View) -> None:
    # Wuhou: 8 at the end of the second day, on which 9 were opened, 1 reopened and 10 closed.
    assert get_backlog_trend(view, area=WUHOU, first=DAY1, last=DAY2) == {DAY2: 8, DAY1: 8}
    # On the first day 12 were opened and 4 closed: nothing waited before, and before that is not known.
    before = get_backlog_trend(view, area=WUHOU, first=DAY1 - timedelta(days=5), last=DAY2)
    assert before == {DAY2: 8, DAY1: 8, DAY1 - timedelta(days=1): 0}
    # A count without flows of the day holds for its own day only.
    assert get_backlog_trend(view, area=JINJIANG, first=DAY1, last=DAY2) == {DAY2: 0}
    assert get_backlog_trend(view, area=FUCHENG, first=DAY1, last=DAY2) == {}


def test_days_to_clear_are_by_the_pace_of_a_week() -> None:
    rows = {DAY2 - timedelta(days=n): DayTickets(DAY2, 0, 4_800, 0, 0, 0) for n in range(7)}
    assert days_to_clear(400_000, rows, DAY2) == cell(83.3)
    assert days_to_clear(0, {}, DAY2) == cell(0)
    assert days_to_clear(400_000, {}, DAY2) == NOT_REPORTED
    # A day that is missing shortens the week; it is no day without work.
    del rows[DAY2]
    assert days_to_clear(400_000, rows, DAY2) == cell(83.3)


def test_by_area_a_city_is_the_sum_of_its_counties(view: View) -> None:
    cities = {r.area: r for r in get_tickets_by_area(view, area=SICHUAN, date=DAY2, level="city")}
    assert (cities[CHENGDU].open, cities[CHENGDU].oldest_hours) == (cell(8), cell(60))
    assert cities[CHENGDU].rate.value == pytest.approx(9 * 100_000 / 20_937_757)
    assert (cities[MIANYANG].open, cities[MIANYANG].opened) == (NOT_REPORTED, cell(2))
    counties = {r.area: r for r in get_tickets_by_area(view, area=CHENGDU, date=DAY2, level="county")}
    assert (counties[JINJIANG].open, counties[JINJIANG].opened) == (cell(0), NOT_REPORTED)
    earlier = get_tickets_by_area(view, area=CHENGDU, date=DAY1, level="county")
    assert {row.open for row in earlier} == {NOT_REPORTED}


def test_upheld_by_rule(view: View) -> None:
    rows = get_tickets_by_rule(view, area=SICHUAN, first=DAY1, last=DAY2)
    overlap, none = sorted(rows, key=lambda row: -row.closed)
    assert (overlap.reason, overlap.upheld_share) == ("time_space_overlap", cell(28.6))
    assert overlap.mean_hours.value == pytest.approx(250 / 14)
    assert (none.upheld_share, none.mean_hours) == (NOT_REPORTED, NOT_REPORTED)
    assert share(0, 5) == cell(0)


def test_a_day_without_calls_is_no_day_of_nobody_answered(view: View) -> None:
    figures = {f.id: dict(f.trend) for f in get_call_figures(view, date=DAY2)}
    assert figures["calls_connected"][DAY1] == cell(97)
    assert figures["calls_in_15s"][DAY1] == cell(90)
    assert figures["calls_connected"][DAY2] == NOT_REPORTED
    assert get_calls_by_halfhour(view, date=DAY2)[0].mean_wait_seconds is None


def line(usual: int, days: int = BASELINE_DAYS) -> dict[date, int]:
    """So many a day before the Monday; half of it on Saturdays and Sundays."""
    before = [MONDAY - timedelta(days=n) for n in range(1, days + 1)]
    return {day: usual // 2 if day.weekday() >= 5 else usual for day in before}


def on_monday(amount: int, usual: dict[date, int]) -> SurgeWatch:
    return find_surges({KEY: usual | {MONDAY: amount}}, first=MONDAY, last=MONDAY)


@pytest.mark.parametrize(
    ("usual", "amount", "surges"),
    [
        (400, 600, True),  # half above, and ten spreads of 20
        (400, 599, False),  # not half above
        (100, 149, False),  # not 50 above
        (100, 151, True),  # 50 above, 5.1 spreads of 10
        (100, 150, False),  # exactly 5 spreads
        (0, 50, True),
        (0, 49, False),
        (400, 0, False),  # a fall is no surge
    ],
)
def test_the_rule_at_its_bounds(usual: int, amount: int, surges: bool) -> None:
    watch = on_monday(amount, line(usual))
    assert watch.judged == 1
    assert [s.amount for s in watch.surges] == ([amount] if surges else [])


def test_weekends_are_compared_with_weekends() -> None:
    saturday = MONDAY + timedelta(days=5)
    usual = line(400) | {MONDAY + timedelta(days=n): 400 for n in range(5)}
    watch = find_surges({KEY: usual | {saturday: 390}}, first=saturday, last=saturday)
    assert [(s.amount, s.expected) for s in watch.surges] == [(390, 200)]


def test_an_earlier_surge_does_not_hide_the_next() -> None:
    usual = line(400)
    usual |= dict.fromkeys([day for day in usual if day.weekday() < 5][:6], 90_000)
    assert on_monday(700, usual).surges[0].expected == 400


def test_too_short_a_history_is_not_judged() -> None:
    assert on_monday(90_000, line(400, days=5)).judged == 0
    # A day on which nothing of any series was reported is no day of zero.
    assert on_monday(90_000, {}).judged == 0
    other = {("topic", "other"): line(100) | {MONDAY: 100}}
    watch = find_surges(other | {KEY: {MONDAY: 60}}, first=MONDAY, last=MONDAY)
    assert [(s.name, s.expected) for s in watch.surges] == [("no_phone", 0)]


def test_two_days_are_too_few(view: View) -> None:
    assert get_surges(view, area=SICHUAN, first=DAY1, last=DAY2, level="city") == SurgeWatch((), 0)


@pytest.fixture(scope="module")
def demo_series() -> dict[int, tuple[Calendar, dict[tuple[str, str], dict[date, int]]]]:
    """Cases of the demo history by series, for several seeds: rows as the demo data hold them."""
    found = {}
    for seed in (1, 2, 3):
        world, calendar = build_world(seed), Calendar(end=DEFAULT_END, days=90)
        rows, _ = ticket_frames(world, calendar, seed=seed)
        city = dict(zip(world.codes, world.city_codes, strict=True))
        rule = pl.concat_str("reason", pl.lit("/"), "rule_version")
        kinds = {"topic": pl.col("category"), "rule": rule, "place": pl.col("area").replace_strict(city)}
        series: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
        for kind, name in kinds.items():
            sums = rows.group_by(name.alias("name"), "date").agg(pl.col("opened").sum())
            for key, day, amount in sums.iter_rows():
                series[kind, key][day] = amount
        found[seed] = calendar, series
    return found


def test_false_alarms_on_the_demo_history(
    demo_series: dict[int, tuple[Calendar, dict[tuple[str, str], dict[date, int]]]],
) -> None:
    """On days on which nothing happens in the story, no series of three histories raises an alarm."""
    alarms, judged = 0, 0
    for calendar, series in demo_series.values():
        watch = find_surges(series, first=calendar.first, last=calendar.day(OUTBREAK))
        alarms += len(watch.surges)
        judged += watch.judged
    assert judged > 5_000
    assert alarms / judged < 0.001, f"{alarms} of {judged}"


def test_what_happens_in_the_story_is_named_on_its_day(
    demo_series: dict[int, tuple[Calendar, dict[tuple[str, str], dict[date, int]]]],
) -> None:
    city = f"{PIDU[:4]}00"
    for calendar, series in demo_series.values():
        wave = find_surges(series, first=calendar.day(-24), last=calendar.day(-24)).surges
        assert (wave[0].kind, wave[0].name) == ("rule", "time_space_overlap/1")
        assert ("place", city) in {(s.kind, s.name) for s in wave}
        rush = find_surges(series, first=calendar.day(-16), last=calendar.day(-16)).surges
        assert (rush[0].kind, rush[0].name) == ("topic", "no_phone")


def test_the_manual_states_the_rate_that_is_measured(
    demo_series: dict[int, tuple[Calendar, dict[tuple[str, str], dict[date, int]]]],
) -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs" / "manual" / "appeals.md").read_text("utf-8")
    watches = [
        find_surges(series, first=calendar.first, last=calendar.day(OUTBREAK))
        for calendar, series in demo_series.values()
    ]
    alarms, judged = sum(len(w.surges) for w in watches), sum(w.judged for w in watches)
    assert f"{alarms} alarms on {judged:,} series-days" in manual
