"""Figures counted by hand on the tiny snapshot: values, zeros, hidden, not reported."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.cells import NOT_REPORTED, SUPPRESSED, cell
from queries.areas import get_areas, get_residents
from queries.cases import CaseFacts, get_case_facts, get_case_trend
from queries.codes import (
    get_colour_changes,
    get_colour_trend,
    get_colours_by_age,
    get_colours_by_area,
    get_colours_by_reason,
)
from queries.feeds import get_feed_rejects, get_feed_states
from queries.flows import get_flows
from queries.overview import (
    Figure,
    get_case_figures,
    get_code_figures,
    get_risk_figures,
    get_scan_figures,
    get_turn_figures,
)
from queries.risk import (
    get_list_days,
    get_list_span,
    get_risk_by_area,
    get_risk_changes,
    get_risk_history,
    get_risk_places,
)
from queries.run import View
from queries.scans import get_scans_by_hour
from tests.queries.worlds import DAYS, random_tables, view_of, write_world
from tests.tiny import (
    CHENGDU,
    DAY1,
    DAY2,
    FUCHENG,
    GAOXIN,
    JINJIANG,
    MIANYANG,
    SICHUAN,
    WUHOU,
    build_tiny,
    tiny_tables,
)

GROUPS = (get_code_figures, get_turn_figures, get_scan_figures, get_case_figures, get_risk_figures)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    root = tmp_path_factory.mktemp("tiny")
    return view_of(root, build_tiny(root).id)


def _figures(view: View, area: str, day: date = DAY2) -> dict[str, Figure]:
    return {f.id: f for group in GROUPS for f in group(view, area=area, date=day)}


@pytest.mark.parametrize(
    ("area", "figure", "day", "before", "change"),
    [
        (CHENGDU, "holders", 1858, 1851, 7),
        (CHENGDU, "holders_red", 23, 31, -8),
        (CHENGDU, "holders_yellow", 60, 40, 20),
        (CHENGDU, "holders_green", 1775, 1780, -5),
        (CHENGDU, "holders_other", 0, 0, 0),
        (JINJIANG, "holders_red", 0, "x", "x"),
        (JINJIANG, "holders_green", 505, "x", "x"),  # 505 - 500 would tell the 5 red ones
        (JINJIANG, "holders", 505, 505, 0),
        (MIANYANG, "holders_red", 0, 0, 0),  # reported, and nobody is red
        (CHENGDU, "new_red", "x", "x", "x"),
        (CHENGDU, "new_yellow", 30, 40, -10),
        (CHENGDU, "turned_green", 20, 0, 20),  # the 7 newly issued codes turned from nothing
        (GAOXIN, "new_red", None, None, None),  # no row of flows at all
        (CHENGDU, "scans", 300, 330, -30),
        (CHENGDU, "shows", 345, 385, -40),
        (CHENGDU, "refused", 7, 5, 2),
        (JINJIANG, "scans", 0, 60, -60),
        (FUCHENG, "scans", None, 20, None),
        (SICHUAN, "scans", 300, 350, None),  # one county fewer reported: that is no fall
        (SICHUAN, "cases_local", 11, 4, 7),
        (SICHUAN, "cases_imported", 2, 1, 1),
        (SICHUAN, "cases_unallocated", 1, 0, 1),
        (CHENGDU, "cases_imported", None, None, None),
        (JINJIANG, "cases_local", -1, 0, -1),
        (SICHUAN, "places_high", 2, 1, 1),
        (SICHUAN, "places_medium", 1, 1, 0),
        (SICHUAN, "places_low", 1, 1, 0),
        (CHENGDU, "places_low", 0, 0, 0),
        (GAOXIN, "places_high", 1, 0, 1),
    ],
)
def test_key_figures(view: View, area: str, figure: str, day: object, before: object, change: object) -> None:
    found = _figures(view, area)[figure]
    shown = ["x" if c == SUPPRESSED else c.value for c in (found.day, found.before, found.change)]
    assert shown == [day, before, change]


def test_rates_divide_by_residents_and_never_by_holders(view: View) -> None:
    figures = _figures(view, CHENGDU)
    assert figures["holders_red"].rate == cell(23 * 100_000 / 20_937_757)
    assert figures["scans"].rate == cell(300 * 100_000 / 20_937_757)
    assert figures["new_red"].rate == SUPPRESSED
    assert _figures(view, GAOXIN)["holders_red"].rate == NOT_REPORTED  # its residents are not known
    assert get_residents(view, area=GAOXIN) is None


def test_how_many_areas_reported_stands_beside_the_figure(view: View) -> None:
    scans = _figures(view, SICHUAN)["scans"]
    assert (scans.areas, scans.areas_before) == (3, 4)
    assert _figures(view, SICHUAN)["cases_local"].areas is None


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("days", [1, 2, 14, 30])
def test_a_trend_has_every_day_and_ends_with_the_day(view: View, group: object, days: int) -> None:
    for figure in group(view, area=CHENGDU, date=DAY2, days=days):  # type: ignore[operator]
        assert [day for day, _ in figure.trend] == [
            DAY2 - timedelta(days=n) for n in reversed(range(max(days, 2)))
        ]
        assert (figure.trend[-1][1], figure.trend[-2][1]) == (figure.day, figure.before)
        assert all(c == NOT_REPORTED for day, c in figure.trend if day < DAY1)


@pytest.mark.parametrize(
    ("table", "ids"),
    [
        ("code_stock", {"holders", "holders_red", "holders_yellow", "holders_green", "holders_other"}),
        ("code_flow", {"new_red", "new_yellow", "turned_green"}),
        ("scan_hourly", {"scans", "shows", "refused"}),
        ("case_daily", {"cases_local", "cases_imported", "cases_unallocated"}),
        ("risk_place", {"places_high", "places_medium", "places_low"}),
    ],
)
def test_a_table_nobody_delivered_is_not_reported_and_not_zero(
    tmp_path: Path, table: str, ids: set[str]
) -> None:
    figures = _figures(view_of(tmp_path, build_tiny(tmp_path, without=(table,)).id), SICHUAN)
    unknown = {name for name, f in figures.items() if {f.day, f.before, f.change, f.rate} == {NOT_REPORTED}}
    assert unknown == ids


def test_colours_by_city_add_functional_areas_to_their_city(view: View) -> None:
    chengdu, mianyang = get_colours_by_area(view, area=SICHUAN, date=DAY2, level="city")
    assert (chengdu.area, chengdu.residents, chengdu.holders) == (CHENGDU, 20_937_757, cell(1858))
    assert chengdu.colours == {"green": cell(1775), "red": cell(23), "yellow": cell(60)}
    assert mianyang.colours == {"green": cell(292), "red": cell(0), "yellow": cell(28)}
    assert chengdu.rate("yellow") == cell(60 * 100_000 / 20_937_757)
    assert chengdu.rate("grey") == NOT_REPORTED


def test_colours_by_county_list_functional_areas_beside_the_counties(view: View) -> None:
    rows = get_colours_by_area(view, area=CHENGDU, date=DAY1, level="county")
    assert [row.area for row in rows] == [JINJIANG, WUHOU, GAOXIN]
    jinjiang = rows[0]
    assert jinjiang.colours["red"] == SUPPRESSED
    assert jinjiang.colours["yellow"] == cell(0)


def test_a_day_without_rows_lists_the_areas_as_not_reported(view: View) -> None:
    rows = get_colours_by_area(view, area=SICHUAN, date=date(2022, 9, 30), level="county")
    assert [row.area for row in rows] == [JINJIANG, WUHOU, GAOXIN, FUCHENG]
    assert {row.holders for row in rows} == {NOT_REPORTED}
    assert rows[0].rate("red") == NOT_REPORTED


def test_changes_hide_what_either_day_hides(view: View) -> None:
    rows = get_colour_changes(view, area=CHENGDU, date=DAY2, compare=DAY1, level="county")
    jinjiang = rows[0]
    assert (jinjiang.area, jinjiang.holders) == (JINJIANG, cell(0))
    assert jinjiang.colours["red"] == SUPPRESSED
    assert jinjiang.colours["yellow"] == cell(0)


def test_changes_against_a_day_without_rows_are_not_reported(view: View) -> None:
    for row in get_colour_changes(view, area=SICHUAN, date=DAY2, compare=date(2022, 1, 1), level="city"):
        assert row.holders == NOT_REPORTED
        assert set(row.colours.values()) <= {NOT_REPORTED}


def test_a_colour_nobody_held_before_grows_from_zero(tmp_path: Path) -> None:
    tables = random_tables(0)
    tables["code_stock"] = [
        (DAYS[0], WUHOU, "green", "no_risk", "15-59", 500),
        (DAYS[1], WUHOU, "green", "no_risk", "15-59", 400),
        (DAYS[1], WUHOU, "popup", "no_risk", "15-59", 100),
    ]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    row = get_colour_changes(view, area=WUHOU, date=DAYS[1], compare=DAYS[0], level="county")[0]
    assert row.colours == {"green": cell(-100), "popup": cell(100)}


def test_by_reason_and_by_age(view: View) -> None:
    reasons = {(p.colour, p.part): p.holders for p in get_colours_by_reason(view, area=WUHOU, date=DAY1)}
    assert reasons == {
        ("green", "no_risk"): cell(1200),
        ("yellow", "time_space_overlap"): cell(40),
        ("red", "risk_area_stay"): SUPPRESSED,  # 12, hidden with the 3 beside it: their sum is shown
        ("red", "test_positive"): SUPPRESSED,
    }
    ages = {(p.colour, p.part): p.holders for p in get_colours_by_age(view, area=WUHOU, date=DAY1)}
    assert ages["green", "60-79"] == cell(200)
    assert ages["red", "60-79"] == cell(0)
    assert get_colours_by_age(view, area=WUHOU, date=date(2022, 9, 30)) == ()


def test_trend_says_how_many_areas_reported(view: View) -> None:
    first, second = get_colour_trend(view, area=SICHUAN, first=date(2022, 8, 1), last=DAY2)
    assert (first.date, first.holders, first.areas) == (DAY1, cell(2171), 4)
    assert (second.date, second.colours["yellow"], second.areas) == (DAY2, cell(88), 4)


def test_colours_put_together_are_added_before_they_are_hidden(tmp_path: Path) -> None:
    tables = random_tables(0)
    colours = (("green", 500), ("red", 40), ("grey", 6), ("popup", 7))
    tables["code_stock"] = [(DAYS[0], WUHOU, c, "no_risk", "15-59", n) for c, n in colours]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    figures = {f.id: f.day for f in get_code_figures(view, area=WUHOU, date=DAYS[0])}
    assert figures["holders_other"] == cell(13)
    (day,) = get_colour_trend(view, area=WUHOU, first=DAYS[0], last=DAYS[0])
    assert (day.colours["grey"], day.colours["popup"]) == (SUPPRESSED, SUPPRESSED)
    assert day.holders == figures["holders"] == cell(553)


def test_flows_hide_people_and_their_changes(view: View) -> None:
    flows = get_flows(view, area=WUHOU, date=DAY2)
    assert flows.people == cell(54)
    assert flows.matrix["green", "yellow"] == cell(30)
    assert flows.matrix["green", "red"] == SUPPRESSED
    by_pair = {(f.from_colour, f.to_colour): f for f in flows.flows}
    assert (by_pair["green", "yellow"].people, by_pair["green", "yellow"].changes) == (cell(30), cell(33))
    assert (by_pair["green", "red"].people, by_pair["green", "red"].changes) == (SUPPRESSED, SUPPRESSED)
    assert by_pair["green", "red"].actor == "manual"
    assert get_flows(view, area=GAOXIN, date=DAY2).people == NOT_REPORTED


def test_places_of_the_day(view: View) -> None:
    places = get_risk_places(view, area=CHENGDU, date=DAY2)
    assert places is not None
    assert [p.place_id for p in places] == ["p-wuhou-1", "p-wuhou-2", "p-gaoxin-1"]
    assert (places[0].level, places[0].since, places[0].last_case) == ("high", date(2022, 8, 28), DAY2)
    assert get_risk_places(view, area=JINJIANG, date=DAY2) == ()
    assert get_risk_places(view, area=JINJIANG, date=DAY2 + timedelta(days=1)) is None
    assert get_risk_places(view, area=JINJIANG, date=DAY1 - timedelta(days=1)) is None


def test_movements_between_two_days(view: View) -> None:
    changes = get_risk_changes(view, area=SICHUAN, date=DAY2, compare=DAY1)
    assert changes is not None
    assert {c.place_id: (c.movement, c.level_before, c.level) for c in changes} == {
        "p-jinjiang-1": ("released", "medium", None),
        "p-wuhou-2": ("new", None, "medium"),
        "p-gaoxin-1": ("new", None, "high"),
    }
    assert get_risk_changes(view, area=SICHUAN, date=DAY2, compare=date(2022, 1, 1)) is None


@pytest.mark.parametrize(
    ("before", "after", "movement"),
    [("low", "high", "upgraded"), ("medium", "high", "upgraded"), ("high", "low", "downgraded")],
)
def test_a_place_that_moved_on_the_day_it_was_listed_twice_counts_once(
    tmp_path: Path, before: str, after: str, movement: str
) -> None:
    at = datetime(2022, 8, 22, 8)
    tables = random_tables(0)
    tables["risk_place"] = [
        ("p", WUHOU, "某小区", before, "county-14d", DAYS[0], DAYS[2], None, None, at),
        ("p", WUHOU, "某小区", after, "county-14d", DAYS[2], None, None, None, at + timedelta(hours=6)),
    ]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    changes = get_risk_changes(view, area=WUHOU, date=DAYS[2], compare=DAYS[1])
    assert changes is not None
    assert [c.movement for c in changes] == [movement]
    history = get_risk_history(view, area=WUHOU, first=DAYS[2], last=DAYS[2])
    assert [sum(day.levels.values()) for day in history] == [1]


def test_places_by_area(view: View) -> None:
    rows = {row.area: row for row in get_risk_by_area(view, area=SICHUAN, date=DAY2, level="city")}
    assert rows[CHENGDU].levels == {"high": cell(2), "medium": cell(1), "low": cell(0)}
    assert rows[CHENGDU].rate("high") == cell(2 * 100_000 / 20_937_757)
    counties = get_risk_by_area(view, area=SICHUAN, date=DAY2, level="county")
    assert {row.area: row.places.value for row in counties} == {JINJIANG: 0, WUHOU: 2, FUCHENG: 1, GAOXIN: 1}
    later = get_risk_by_area(view, area=SICHUAN, date=DAY2 + timedelta(days=1), level="city")
    assert {row.places for row in later} == {NOT_REPORTED}


def test_days_of_the_slider(view: View) -> None:
    assert get_list_days(view) == (DAY1, DAY2)
    history = get_risk_history(view, area=SICHUAN, first=date(2022, 1, 1), last=date(2022, 12, 31))
    assert [day.levels for day in history] == [
        {"high": 1, "medium": 1, "low": 1},
        {"high": 2, "medium": 1, "low": 1},
    ]


def test_an_empty_list_is_known_and_a_list_nobody_delivered_is_not(tmp_path: Path) -> None:
    tables = random_tables(0)
    tables["risk_place"] = []
    empty = view_of(tmp_path, write_world(tmp_path, tables))
    assert get_list_span(empty) == (date(2022, 8, 31), date(2022, 8, 31))
    assert get_risk_places(empty, area=SICHUAN, date=date(2022, 8, 31)) == ()
    none = view_of(tmp_path, build_tiny(tmp_path, without=("risk_place",)).id)
    assert (get_list_span(none), get_list_days(none)) == (None, ())
    assert get_risk_places(none, area=SICHUAN, date=DAY2) is None
    assert get_risk_history(none, area=SICHUAN, first=DAY1, last=DAY2) == ()


def test_case_facts_of_counties(view: View) -> None:
    facts = {f.area: f for f in get_case_facts(view, area=SICHUAN, date=DAY2, window_days=2)}
    assert facts[WUHOU] == CaseFacts(WUHOU, 15, 115, DAY2, DAY2, 2)
    assert facts[JINJIANG] == CaseFacts(JINJIANG, -1, 49, None, DAY2, 2)
    assert facts[FUCHENG] == CaseFacts(FUCHENG, 1, 20, DAY1, DAY2, 2)
    assert facts[GAOXIN] == CaseFacts(GAOXIN, None, None, None, None, 0)
    assert (facts[FUCHENG].days_clear(DAY2), facts[GAOXIN].days_clear(DAY2)) == (1, None)


@pytest.mark.parametrize(("day", "window"), [(DAY2, 3), (DAY2 + timedelta(days=1), 2), (DAY1, 2)])
def test_a_window_with_a_day_missing_is_not_reported(view: View, day: date, window: int) -> None:
    for facts in get_case_facts(view, area=SICHUAN, date=day, window_days=window):
        assert facts.new_cases is None


def test_cases_at_city_grain_say_nothing_of_its_counties(tmp_path: Path) -> None:
    tables = random_tables(0)
    tables["case_daily"] = [
        (day, CHENGDU, "local", 2, None, None, None, 9, False) for day in (DAYS[0], DAYS[1])
    ]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    assert [row.confirmed_new for row in get_case_trend(view, area=CHENGDU, first=DAYS[0], last=DAYS[1])] == [
        2,
        2,
    ]
    assert get_case_trend(view, area=WUHOU, first=DAYS[0], last=DAYS[1]) == ()
    facts = get_case_facts(view, area=CHENGDU, date=DAYS[1], window_days=2)
    assert {f.area: f.new_cases for f in facts} == {JINJIANG: None, WUHOU: None, GAOXIN: None}


def test_scans_by_hour(view: View) -> None:
    rows = get_scans_by_hour(view, area=WUHOU, date=DAY1)
    assert [(row.hour, row.shows, row.scans, row.refused) for row in rows] == [
        (8, 120, 100, 2),
        (9, 150, 130, 1),
    ]


def test_feeds(view: View) -> None:
    states = {row.feed: row for row in get_feed_states(view)}
    assert states["cases"].note == "晚到"
    assert (states["scans"].accepted, states["scans"].rejected, states["scans"].usual) == (11, 3, 14)
    assert [(row.feed, row.rows) for row in get_feed_rejects(view)] == [
        ("cases", 1),
        ("scans", 2),
        ("scans", 1),
    ]


def test_areas_are_those_below_the_area(view: View) -> None:
    assert [row.code for row in get_areas(view, area=MIANYANG)] == [MIANYANG, FUCHENG]
    assert {row.code for row in get_areas(view, area=SICHUAN)} == set(tiny_tables()["area"]["code"])


@pytest.mark.parametrize("seed", range(3))
def test_cities_are_the_sum_of_their_parts(tmp_path: Path, seed: int) -> None:
    view = view_of(tmp_path, write_world(tmp_path, random_tables(seed)))
    for day in DAYS:
        cities = get_colours_by_area(view, area=SICHUAN, date=day, level="city", min_cell=1)
        for city in cities:
            parts = get_colours_by_area(view, area=city.area, date=day, level="county", min_cell=1)
            known = [part.holders.value for part in parts if part.holders.value is not None]
            assert city.holders == (cell(sum(known)) if known else NOT_REPORTED)
        places = get_risk_by_area(view, area=SICHUAN, date=day, level="city")
        listed = get_risk_places(view, area=SICHUAN, date=day)
        if listed is not None:
            assert sum(row.places.value or 0 for row in places) == len(listed)


def test_what_the_card_hides_is_not_told_by_the_table_beside_it(tmp_path: Path) -> None:
    tables = random_tables(0)
    holders = [(WUHOU, "green", 12), (WUHOU, "red", 5), (GAOXIN, "green", 20)]
    holders += [(JINJIANG, "green", 2000), (JINJIANG, "yellow", 60)]
    tables["code_stock"] = [(DAYS[0], area, c, "no_risk", "15-59", n) for area, c, n in holders]
    view = view_of(tmp_path, write_world(tmp_path, tables))
    (card,) = get_colour_trend(view, area=CHENGDU, first=DAYS[0], last=DAYS[0])
    assert (card.colours["red"], card.colours["yellow"]) == (SUPPRESSED, SUPPRESSED)
    rows = {row.area: row for row in get_colours_by_area(view, area=CHENGDU, date=DAYS[0], level="county")}
    assert rows[JINJIANG].colours["yellow"] == SUPPRESSED  # it is the whole of the hidden total


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("min_cell", [10, 400])
def test_a_table_of_areas_and_the_card_beside_it_tell_no_hidden_cell(
    tmp_path: Path, seed: int, min_cell: int
) -> None:
    """A lone hidden cell stands beside a hidden total, or among zeros, which is the limit that is stated."""
    view = view_of(tmp_path, write_world(tmp_path, random_tables(seed)))
    hidden = 0
    for card in get_colour_trend(view, area=SICHUAN, first=DAYS[0], last=DAYS[-1], min_cell=min_cell):
        rows = get_colours_by_area(view, area=SICHUAN, date=card.date, level="county", min_cell=min_cell)
        known = [row for row in rows if row.holders != NOT_REPORTED]
        lines = [(row.holders, [*row.colours.values()]) for row in known]
        lines += [
            (total, [row.colours[colour] for row in known])
            for colour, total in card.colours.items()
            if colour in known[0].colours
        ]
        lines.append((card.holders, [row.holders for row in known]))
        for total, parts in lines:
            dark = sum(c == SUPPRESSED for c in parts)
            hidden += dark
            assert dark or total != SUPPRESSED
            if dark == 1 and total != SUPPRESSED:
                assert {c for c in parts if c != SUPPRESSED} <= {cell(0)}
    assert hidden


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ask", [get_colours_by_age, get_colours_by_reason])
def test_parts_of_a_colour_and_the_card_beside_them_tell_no_hidden_cell(
    tmp_path: Path, seed: int, ask: object
) -> None:
    view = view_of(tmp_path, write_world(tmp_path, random_tables(seed)))
    hidden = 0
    for card in get_colour_trend(view, area=WUHOU, first=DAYS[0], last=DAYS[-1], min_cell=400):
        parts = ask(view, area=WUHOU, date=card.date, min_cell=400)  # type: ignore[operator]
        for colour in {part.colour for part in parts}:
            cells = [part.holders for part in parts if part.colour == colour]
            dark = sum(c == SUPPRESSED for c in cells)
            hidden += dark
            assert dark or card.colours[colour] != SUPPRESSED
            if dark == 1 and card.colours[colour] != SUPPRESSED:
                assert {c for c in cells if c != SUPPRESSED} <= {cell(0)}
    assert hidden
