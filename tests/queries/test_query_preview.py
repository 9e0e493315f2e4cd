"""The impact preview on a world small enough to reckon by hand, and what holds for every preview."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.cells import NOT_REPORTED, SUPPRESSED, Cell, cell
from dashboard.errors import OutOfScope
from dashboard.policy.model import Policy
from dashboard.policy.store import load_presets
from queries.preview import changed_thresholds, get_preview
from queries.preview_model import ImpactPreview, Span
from queries.run import View
from tests.policies import BASELINE, changed, with_row
from tests.queries.worlds import CHENGDU, MIANYANG, SICHUAN, view_of, write_world

WUHOU, JINJIANG, FUCHENG = "510107", "510104", "510703"
DAY, NOW = date(2022, 8, 31), datetime(2022, 8, 31, 21, 0)


def _tables() -> dict[str, list[tuple[object, ...]]]:
    cohort = [
        (WUHOU, "close_contact", 144, 0, 40),  # 6 days: 144 h
        (WUHOU, "close_contact", 168, 0, 30),
        (WUHOU, "close_contact", 480, 0, 20),  # 20 days
        (JINJIANG, "close_contact", 168, 0, 4),
        (FUCHENG, "close_contact", 192, 0, 50),
        (FUCHENG, "confirmed", 480, 0, 60),  # days run from discharge, which no cohort tells
        (WUHOU, "emergency_yellow", 24, 2, 70),
        (WUHOU, "emergency_yellow", 24, 1, 80),
        (WUHOU, "emergency_yellow", 24, 0, 90),
    ]
    places = [
        # last case 10 days ago: released after 14 days, or after 7
        (WUHOU, "某小区1栋", "high", DAY - timedelta(days=10)),
        (FUCHENG, "某小区2栋", "medium", DAY - timedelta(days=5)),
    ]
    cases = [
        (DAY - timedelta(days=n), area, "local", 2 if (n, area) == (9, JINJIANG) else 0, None, 0, 0, 2, False)
        for n in range(20)
        for area in (WUHOU, JINJIANG, FUCHENG)
    ]
    return {
        "area": [
            (SICHUAN, None, None, "四川省", "Sichuan", "province", None, None, None, 83_674_866),
            (CHENGDU, None, None, "成都市", "Chengdu", "city", SICHUAN, CHENGDU, None, 20_937_757),
            (MIANYANG, None, None, "绵阳市", "Mianyang", "city", SICHUAN, MIANYANG, None, 4_868_243),
            (JINJIANG, None, None, "锦江区", "Jinjiang", "county", CHENGDU, CHENGDU, None, 900_000),
            (WUHOU, None, None, "武侯区", "Wuhou", "county", CHENGDU, CHENGDU, None, 1_200_000),
            (FUCHENG, None, None, "涪城区", "Fucheng", "county", MIANYANG, MIANYANG, None, 1_300_000),
        ],
        "code_cohort": [(NOW, *row) for row in cohort],
        "code_stock": [
            (DAY - timedelta(days=n), WUHOU, "red", "close_contact", "15-59", 100) for n in range(14)
        ],
        "ticket_daily": [
            (DAY, WUHOU, "app", "wrong_code", "close_contact", 1, 140, 3, 1, 0, 50),
            (DAY - timedelta(days=1), WUHOU, "app", "no_phone", "none", 1, 1400, 3, 1, 0, 50),
        ],
        "ticket_backlog": [
            (NOW, WUHOU, "other", "0-24h", 100, 20),
            (NOW, WUHOU, "other", "24-72h", 2000, 60),
            (NOW, WUHOU, "other", "7d+", 30_000, 900),
        ],
        "test_validity": [
            (NOW, WUHOU, "sampled", 0, 500),
            (NOW, WUHOU, "sampled", 24, 300),
            (NOW, WUHOU, "sampled", 48, 200),
            (NOW, JINJIANG, "sampled", 24, 6),
            (NOW, FUCHENG, "sampled", 24, 90),
        ],
        "scan_hourly": [
            (day, hour, WUHOU, "school", 900, scans, 0, red, 0, 10)
            for day in (DAY, DAY - timedelta(days=1))
            for hour, scans, red in ((8, 400, 3), (9, 90, 0))
        ],
        "venue_daily": [(DAY - timedelta(days=n), WUHOU, "school", 20, 16, 4, 0) for n in range(4)],
        "risk_place": [
            (f"p{n}", area, text, level, "county-14d", DAY - timedelta(days=12), None, None, last, NOW)
            for n, (area, text, level, last) in enumerate(places)
        ],
        "case_daily": cases,
        "feed_state": [
            (feed, "厅", "on_time", datetime(2022, 8, 31, until), None, 1, 0, None, None)
            for feed, until in (("risk_feed", 21), ("scans", 14), ("venues", 23), ("tickets", 18))
        ],
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("preview")
    return root, write_world(root, _tables())


@pytest.fixture(scope="module")
def view(world: tuple[Path, str]) -> View:
    return view_of(*world)


def preview(view: View, after: Policy, *, area: str = SICHUAN, before: Policy = BASELINE) -> ImpactPreview:
    return get_preview(view, area=area, before=before, after=after)


WEEK = with_row("close_contact", hold_days=7)


def exact(count: float) -> Span:
    return Span(cell(count), cell(count))


def test_a_shorter_hold_turns_those_green_whose_days_have_passed(view):
    found = preview(view, WEEK)
    # 30 at 168 h and 20 at 480 h in 武侯区; 4 in 锦江区, in one city with them; 40 at 144 h stay red.
    assert [(t.area, t.before, t.after, t.people) for t in found.codes] == [
        (CHENGDU, "red", "green", cell(54)),
        (MIANYANG, "red", "green", cell(50)),
    ]
    assert [(t.area, t.reason, t.people) for t in found.code_totals] == [(SICHUAN, "all", cell(104))]
    assert found.codes_unsure == ()


def test_a_small_count_is_hidden_and_so_is_what_gives_it_away(view):
    found = preview(view, WEEK, area=CHENGDU)
    assert {t.area: t.people for t in found.codes} == {WUHOU: SUPPRESSED, JINJIANG: SUPPRESSED}
    assert [t.people for t in found.code_totals] == [cell(54)]


def test_a_longer_hold_holds_those_who_are_due(view):
    longer = preview(view, BASELINE, before=WEEK)
    assert [(t.area, t.before, t.after, t.people) for t in longer.codes] == [
        (CHENGDU, "green", "red", cell(54)),
        (MIANYANG, "green", "red", cell(50)),
    ]


def test_days_from_discharge_cannot_be_told_from_a_cohort(view):
    found = preview(view, with_row("confirmed", hold_days=14))
    assert found.codes == ()
    assert [(u.area, u.reason, u.why, u.people) for u in found.codes_unsure] == [
        (MIANYANG, "confirmed", "discharge", cell(60))
    ]
    # Held for 20 days at most, nobody can have reached day 25 or 28: nothing changes, and that is certain.
    assert preview(view, with_row("confirmed", hold_days=25)).codes_unsure == ()


def test_a_gap_between_tests_is_not_known_and_one_test_is_not_enough(view):
    found = preview(view, with_row("emergency_yellow", tests_required=2, tests_min_gap_hours=24))
    assert [(t.before, t.after, t.people) for t in found.codes] == [("green", "yellow", cell(80))]
    assert [(u.why, u.people) for u in found.codes_unsure] == [("gap", cell(70))]


def test_a_reason_that_is_struck_out_leaves_no_answer(view):
    rows = [
        row
        for row in BASELINE.model_dump(mode="json", exclude_none=True)["health_code"]["rows"]
        if row["reason_code"] != "close_contact"
    ]
    found = preview(view, changed(health_code={"rows": rows}))
    assert found.codes == ()
    assert {(u.area, u.why) for u in found.codes_unsure} == {(CHENGDU, "reason"), (MIANYANG, "reason")}


def test_another_colour_is_a_turn_of_those_still_held(view):
    found = preview(view, with_row("close_contact", colour="yellow"))
    assert [(t.area, t.before, t.after, t.people) for t in found.codes] == [
        (CHENGDU, "red", "yellow", cell(94)),
        (MIANYANG, "red", "yellow", cell(50)),
    ]


def test_a_test_stops_admitting_after_fewer_hours(view):
    hours = dict(BASELINE.nucleic_test.validity_hours) | {"hospital": 24}
    found = preview(view, changed(nucleic_test={"validity_hours": hours}))
    assert [(t.area, t.category, t.stops, t.begins) for t in found.tests] == [
        (SICHUAN, "hospital", exact(396), exact(0)),
        (CHENGDU, "hospital", exact(306), exact(0)),
        (MIANYANG, "hospital", exact(90), exact(0)),
    ]


def test_hours_inside_a_step_of_the_table_give_bounds(view):
    hours = dict(BASELINE.nucleic_test.validity_hours) | {"hospital": 60}
    found = preview(view, changed(nucleic_test={"validity_hours": hours}))
    assert [(t.area, t.begins, t.stops) for t in found.tests] == [
        (SICHUAN, Span(cell(0), cell(200)), exact(0)),
        (CHENGDU, Span(cell(0), cell(200)), exact(0)),
    ]


def test_a_county_and_its_listed_place_are_lowered_with_the_window(view):
    found = preview(view, changed(risk_area={"window_days": 7, "clear_days_high": 7, "clear_days_medium": 7}))
    # 锦江区 had its cases 9 days ago; the high place in 武侯区 its last one 10 days ago.
    assert [(t.area, t.before, t.after) for t in found.levels] == [
        (JINJIANG, "medium", "low"),
        (WUHOU, "high", "low"),
    ]
    assert [(p.area, p.level, p.after, (p.release_before - p.release_after).days) for p in found.places] == [
        (WUHOU, "high", "low", 7),
        (FUCHENG, "medium", "medium", 7),
    ]


def test_another_plan_has_no_level_for_a_county_with_cases(view):
    plan = load_presets()["compound-7+3"].risk_area
    after = BASELINE.model_copy(update={"risk_area": plan, "version": 2})
    turns = {t.area: (t.before, t.after, t.reason_after) for t in preview(view, after).levels}
    # 10 days of the plan hold the cases of 锦江区, so a place there may be listed: unknown, never low.
    assert turns == {JINJIANG: ("medium", None, "level_by_place")}


def test_one_city_alone_can_have_its_own_window(view):
    bounds = {"risk_area.medium_min_new_cases": {"override_min": 1, "override_max": 5}}
    own = [{"area": CHENGDU, "path": "risk_area.medium_min_new_cases", "value": 3}]
    found = preview(view, changed(override_bounds=bounds, overrides=own))
    assert [(t.area, t.before, t.after) for t in found.levels] == [(JINJIANG, "medium", "low")]


def test_crowds_are_bounded_by_what_the_sums_allow(view):
    limits = dict(BASELINE.scan_alarm.max_scans_per_hour) | {"school": 39}
    (turn,) = preview(view, changed(scan_alarm={"max_scans_per_hour": limits})).alarms
    # The last whole day. 400 scans at 10 venues: at 8 the mean is over 39, and all ten may be (10 x 40);
    # at 9 two of them could be.
    assert (turn.alarm, turn.category, turn.date) == ("crowded", "school", DAY - timedelta(days=1))
    assert turn.before == exact(0)
    assert turn.after == Span(cell(1), cell(12))


def test_silence_is_known_by_whole_days(view):
    (turn,) = preview(view, changed(scan_alarm={"silent_after_hours": 24})).alarms
    assert (turn.alarm, turn.date) == ("silent", DAY)
    assert turn.before == Span(cell(0), cell(4))
    assert turn.after == exact(4)


def test_the_alarm_for_red_scans_is_switched_off(view):
    (turn,) = preview(view, changed(scan_alarm={"red_scan_alarm": False})).alarms
    assert (turn.alarm, turn.before, turn.after) == ("red_scan", exact(3), exact(0))


def test_appeals_follow_the_people_who_hold_a_colour(view):
    work = preview(view, WEEK).workload
    # 1540 cases in 14 days; 140 of them about 1400 days of holding: 0.1 a day for each of 104 people.
    assert (work.appeals_before, work.appeals_after) == (110.0, 99.6)
    assert (work.open, work.seats_before, work.seats_after) == (32_100, 31, 30)
    quick = preview(view, changed(appeals={"backlog_days_warn": 7, "resolve_hours": 48})).workload
    assert (quick.seats_before, quick.seats_after) == (31, 59)
    assert quick.overdue_before == exact(30_000)
    assert quick.overdue_after == Span(cell(30_000), cell(32_000))


def test_a_feed_turns_late(view):
    limits = dict(BASELINE.feeds.late_after_minutes) | {"tickets": 120}
    found = preview(view, changed(feeds={"late_after_minutes": limits}))
    assert [(f.feed, f.late_before, f.late_after) for f in found.feeds] == [("tickets", False, True)]


def test_what_no_table_shows_is_named(view):
    found = preview(view, changed(disclosure={"min_cell": 12}, capacity={"warn_permille": 700}))
    assert found.not_measured == ("capacity.warn_permille", "disclosure.min_cell")


def test_tables_nobody_delivered_are_named_and_give_no_zero(tmp_path):
    tables = {k: v for k, v in _tables().items() if k in ("area", "feed_state", "case_daily")}
    bare = view_of(tmp_path, write_world(tmp_path, tables))
    found = preview(bare, WEEK)
    assert found.not_reported == ("code_cohort",)
    assert (found.workload.appeals_before, found.workload.seats_after) == (None, None)
    assert found.workload.overdue_after == Span(NOT_REPORTED, NOT_REPORTED)
    window = changed(risk_area={"window_days": 7, "clear_days_high": 7, "clear_days_medium": 7})
    assert preview(bare, window).not_reported == ("risk_place",)


def test_nothing_changed_is_an_empty_preview(view):
    found = preview(view, BASELINE)
    parts = ("levels", "places", "codes", "codes_unsure", "tests", "alarms", "feeds", "not_measured")
    assert [getattr(found, part) for part in parts] == [()] * len(parts)
    assert found.workload.appeals_before == found.workload.appeals_after


def test_the_digest_binds_draft_snapshot_area_and_every_figure(view, world, tmp_path):
    found = preview(view, WEEK)
    assert found.digest == preview(view_of(*world), WEEK).digest
    assert found.digest.startswith("sha256:")
    other = _tables()
    other["code_cohort"][0] = (NOW, WUHOU, "close_contact", 144, 0, 41)
    elsewhere = view_of(tmp_path, write_world(tmp_path, other))
    digests = {
        found.digest,
        preview(view, with_row("close_contact", hold_days=8)).digest,
        preview(view, WEEK, area=CHENGDU).digest,
        preview(elsewhere, WEEK).digest,
        replace(found, codes=(replace(found.codes[0], people=Cell("value", 1)), *found.codes[1:])).digest,
    }
    assert len(digests) == 5


def test_another_scope_is_refused(world):
    with pytest.raises(OutOfScope):
        preview(view_of(*world, MIANYANG), WEEK)
    inside = preview(view_of(*world, MIANYANG), WEEK, area=MIANYANG)
    assert [(t.area, t.people) for t in inside.codes] == [(FUCHENG, cell(50))]


@pytest.mark.parametrize(
    ("after", "paths"),
    [
        (WEEK, ("health_code.rows.close_contact.hold_days",)),
        (with_row("close_contact", zh="密接"), ()),
        (BASELINE.model_copy(update={"version": 9}), ()),
        (changed(risk_area={"medium_min_new_cases": 2}), ("risk_area.medium_min_new_cases",)),
        (
            changed(
                override_bounds={"appeals.resolve_hours": {"override_min": 24, "override_max": 90}},
                overrides=[{"area": CHENGDU, "path": "appeals.resolve_hours", "value": 80}],
            ),
            ("appeals.resolve_hours",),
        ),
    ],
)
def test_changed_thresholds_are_named_and_words_are_not(after, paths):
    assert changed_thresholds(BASELINE, after) == paths
