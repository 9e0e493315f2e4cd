"""The answers of the rules: every boundary in a table, and properties over random thresholds and facts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.policy.decide import FIELDS, area_limits, decide
from dashboard.policy.decision import apply
from dashboard.policy.evaluate import CaseFacts, derive_level
from dashboard.policy.groups import RiskArea
from dashboard.policy.reference import load_spec
from dashboard.policy.store import load_presets
from dashboard.policy.tables import AREA_LEVEL, TABLES
from tests.policies import BASELINE, changed, with_row

TWO_TESTS = with_row("emergency_yellow", tests_required=2, tests_min_gap_hours=24)
ONLY_TESTS = with_row("emergency_yellow", hold_days=None)
CITY_WINDOW = changed(
    override_bounds={
        "risk_area.medium_min_new_cases": {"override_min": 1, "override_max": 5},
        "scan_alarm.silent_after_hours": {"override_min": 24, "override_max": 96},
    },
    overrides=[
        {"area": "510100", "path": "risk_area.medium_min_new_cases", "value": 3},
        {"area": "510100", "path": "scan_alarm.silent_after_hours", "value": 24},
    ],
)

# reason code, stated facts -> colour, holds, hours until due, reason
CODES = [
    (BASELINE, "close_contact", {"hours_since_start": 503}, "red", True, 1, "held"),
    (BASELINE, "close_contact", {"hours_since_start": 504}, "green", False, None, "days_passed"),
    (BASELINE, "close_contact", {"hours_since_start": 505}, "green", False, None, "days_passed"),
    (BASELINE, "close_contact", {"hours_since_start": 0}, "red", True, 504, "held"),
    (BASELINE, "close_contact", {}, None, None, None, "hours_not_reported"),
    (BASELINE, "close_contact", {"hours_since_start": None}, None, None, None, "hours_not_reported"),
    (BASELINE, "close_contact", {"hours_since_start": -1}, None, None, None, "hours_unusable"),
    (BASELINE, "close_contact", {"hours_since_start": True}, None, None, None, "hours_unusable"),
    (BASELINE, "close_contact", {"hours_since_start": "504"}, None, None, None, "hours_unusable"),
    (BASELINE, "close_contact", {"hours_since_start": 504.0}, None, None, None, "hours_unusable"),
    (BASELINE, "close_contact", {"hours_since_start": 10**9}, None, None, None, "hours_unusable"),
    # the days of a patient run from discharge, whatever passed since the code turned red
    (BASELINE, "confirmed", {"hours_since_start": 5000}, None, None, None, "hours_not_reported"),
    (BASELINE, "confirmed", {"hours_since_discharge": 671}, "red", True, 1, "held"),
    (BASELINE, "confirmed", {"hours_since_discharge": 672}, "green", False, None, "days_passed"),
    # by tests or by days
    (BASELINE, "emergency_yellow", {"negative_tests": 1}, "green", False, None, "tests_done"),
    (
        BASELINE,
        "emergency_yellow",
        {"hours_since_start": 336, "negative_tests": 0},
        "green",
        False,
        None,
        "days_passed",
    ),
    (
        BASELINE,
        "emergency_yellow",
        {"hours_since_start": 335, "negative_tests": 0},
        "yellow",
        True,
        1,
        "held",
    ),
    (BASELINE, "emergency_yellow", {"hours_since_start": 336}, "green", False, None, "days_passed"),
    (BASELINE, "emergency_yellow", {"hours_since_start": 335}, None, None, None, "tests_not_reported"),
    (BASELINE, "emergency_yellow", {"negative_tests": 0}, None, None, None, "hours_not_reported"),
    (BASELINE, "emergency_yellow", {"negative_tests": -1}, None, None, None, "tests_unusable"),
    (ONLY_TESTS, "emergency_yellow", {"negative_tests": 0}, "yellow", True, None, "held"),
    (ONLY_TESTS, "emergency_yellow", {"hours_since_start": 900}, None, None, None, "tests_not_reported"),
    # two tests, 24 hours apart
    (
        TWO_TESTS,
        "emergency_yellow",
        {"hours_since_start": 60, "negative_tests": 1},
        "yellow",
        True,
        276,
        "held",
    ),
    (
        TWO_TESTS,
        "emergency_yellow",
        {"hours_since_start": 60, "negative_tests": 2},
        None,
        None,
        None,
        "gap_not_reported",
    ),
    (
        TWO_TESTS,
        "emergency_yellow",
        {"hours_since_start": 60, "negative_tests": 2, "gap_hours": 23},
        "yellow",
        True,
        276,
        "held",
    ),
    (
        TWO_TESTS,
        "emergency_yellow",
        {"negative_tests": 2, "gap_hours": 24},
        "green",
        False,
        None,
        "tests_done",
    ),
    (
        TWO_TESTS,
        "emergency_yellow",
        {"negative_tests": 1, "gap_hours": 24},
        None,
        None,
        None,
        "facts_disagree",
    ),
    (
        TWO_TESTS,
        "emergency_yellow",
        {"negative_tests": 2, "gap_hours": "24"},
        None,
        None,
        None,
        "gap_unusable",
    ),
    # by declaration
    (BASELINE, "suspected", {"declared": True}, "green", False, None, "declared"),
    (BASELINE, "suspected", {"declared": False}, "red", True, None, "held"),
    (BASELINE, "suspected", {}, None, None, None, "declaration_not_reported"),
    (BASELINE, "suspected", {"declared": "yes"}, None, None, None, "declaration_unusable"),
    (BASELINE, "symptoms_declared", {"hours_since_start": 336}, "green", False, None, "days_passed"),
    (
        BASELINE,
        "symptoms_declared",
        {"hours_since_start": 335, "declared": False},
        "yellow",
        True,
        1,
        "held",
    ),
    (
        BASELINE,
        "symptoms_declared",
        {"hours_since_start": 335},
        None,
        None,
        None,
        "declaration_not_reported",
    ),
    # reasons
    (BASELINE, "no_risk", {}, "green", True, None, "no_restriction"),
    (BASELINE, None, {"hours_since_start": 9999}, None, None, None, "reason_not_reported"),
    (BASELINE, 7, {"hours_since_start": 9999}, None, None, None, "reason_unusable"),
    (BASELINE, "sneezed", {"hours_since_start": 9999}, None, None, None, "reason_unknown"),
]


@pytest.mark.parametrize(("policy", "reason_code", "facts", "colour", "holds", "due", "reason"), CODES)
def test_code(policy, reason_code, facts, colour, holds, due, reason):
    answer = decide(policy, {"ask": "code", "reason_code": reason_code, **facts})
    assert answer == {
        "colour": colour,
        "holds": holds,
        "due_in_hours": due,
        "reason": reason,
        "version": 1,
    }


BY_REPORT = changed(nucleic_test={"basis": "reported"})
TESTS = [
    (BASELINE, {"category": "hospital", "hours_since_sampled": 47}, True, "in_time"),
    (BASELINE, {"category": "hospital", "hours_since_sampled": 48}, False, "expired"),
    (BASELINE, {"category": "hospital", "hours_since_sampled": 49}, False, "expired"),
    (BASELINE, {"category": "school", "hours_since_sampled": 49}, True, "in_time"),
    (BASELINE, {"category": "hospital", "hours_since_reported": 3}, None, "hours_not_reported"),
    (
        BY_REPORT,
        {"category": "hospital", "hours_since_sampled": 60, "hours_since_reported": 47},
        True,
        "in_time",
    ),
    (
        BASELINE,
        {"category": "hospital", "hours_since_sampled": 60, "hours_since_reported": 47},
        False,
        "expired",
    ),
    (
        BASELINE,
        {"category": "hospital", "hours_since_sampled": 4, "hours_since_tested": 5},
        None,
        "facts_disagree",
    ),
    (
        BASELINE,
        {"category": "hospital", "hours_since_tested": 4, "hours_since_reported": 5},
        None,
        "facts_disagree",
    ),
    (
        BASELINE,
        {"category": "hospital", "hours_since_sampled": 4, "hours_since_reported": 5},
        None,
        "facts_disagree",
    ),
    (BASELINE, {"category": "hospital", "hours_since_sampled": -1}, None, "hours_unusable"),
    (
        BASELINE,
        {"category": "hospital", "hours_since_sampled": 1, "hours_since_tested": False},
        None,
        "hours_unusable",
    ),
    (BASELINE, {"category": "hospital"}, None, "hours_not_reported"),
    (BASELINE, {"hours_since_sampled": 1}, None, "category_not_reported"),
    (BASELINE, {"category": ["hospital"], "hours_since_sampled": 1}, None, "category_unusable"),
    (BASELINE, {"category": "temple", "hours_since_sampled": 1}, None, "category_unknown"),
]


@pytest.mark.parametrize(("policy", "facts", "valid", "reason"), TESTS)
def test_validity_of_a_test(policy, facts, valid, reason):
    answer = decide(policy, {"ask": "test", **facts})
    assert (answer["valid"], answer["reason"]) == (valid, reason)
    assert answer["basis"] == policy.nucleic_test.basis


QUIET = {"category": "school", "scans_in_hour": 3000, "silent_hours": 71, "red_scan": False}
NO_RED_ALARM = changed(scan_alarm={"red_scan_alarm": False})
VENUES = [
    (BASELINE, {}, False, "quiet"),
    (BASELINE, {"scans_in_hour": 3001}, True, "crowded"),
    (BASELINE, {"scans_in_hour": 2999}, False, "quiet"),
    (BASELINE, {"silent_hours": 72}, True, "silent"),
    (BASELINE, {"red_scan": True}, True, "red_scan"),
    (NO_RED_ALARM, {"red_scan": True}, False, "quiet"),
    (NO_RED_ALARM, {"red_scan": None}, False, "quiet"),
    (NO_RED_ALARM, {"red_scan": 1}, None, "red_scan_unusable"),
    (BASELINE, {"red_scan": None}, None, "red_scan_not_reported"),
    (BASELINE, {"silent_hours": None}, None, "silence_not_reported"),
    (BASELINE, {"silent_hours": -1}, None, "silence_unusable"),
    (BASELINE, {"scans_in_hour": "many"}, None, "scans_unusable"),
    (BASELINE, {"scans_in_hour": None}, None, "scans_not_reported"),
    # an alarm is an alarm whatever else is unknown
    (BASELINE, {"scans_in_hour": None, "silent_hours": 72}, True, "silent"),
    (BASELINE, {"category": "temple"}, None, "category_unknown"),
    (BASELINE, {"category": None}, None, "category_not_reported"),
    (BASELINE, {"category": 5, "red_scan": True}, True, "red_scan"),
    # a city's own threshold
    (CITY_WINDOW, {"silent_hours": 30}, None, "area_not_reported"),
    (CITY_WINDOW, {"silent_hours": 30, "area": "510104"}, True, "silent"),
    (CITY_WINDOW, {"silent_hours": 30, "area": "5101F1"}, True, "silent"),
    (CITY_WINDOW, {"silent_hours": 30, "area": "510300"}, False, "quiet"),
    (CITY_WINDOW, {"silent_hours": 30, "area": "成都市"}, None, "area_unusable"),
]


@pytest.mark.parametrize(("policy", "facts", "alarm", "reason"), VENUES)
def test_alarm_of_a_venue(policy, facts, alarm, reason):
    answer = decide(policy, {"ask": "venue", **QUIET, **facts})
    assert (answer["alarm"], answer["reason"]) == (alarm, reason)
    assert set(answer["alarms"]) == set(answer["reasons"]) == {"red_scan", "crowded", "silent"}


LEVELS = [
    (BASELINE, {"window_days": 14}, "medium", "new_cases"),
    (BASELINE, {"window_days": 13}, None, "window_differs"),
    (BASELINE, {"window_days": 15}, None, "window_differs"),
    (BASELINE, {"window_days": "14"}, None, "window_unusable"),
    (BASELINE, {"area": "510104"}, "medium", "new_cases"),
    (BASELINE, {"area": 510104}, None, "area_unusable"),
    (CITY_WINDOW, {}, None, "area_not_reported"),
    (CITY_WINDOW, {"area": "510104"}, "low", "below_medium"),
    (CITY_WINDOW, {"area": "510104", "new_cases_in_window": 3}, "medium", "new_cases"),
    (CITY_WINDOW, {"area": "510302"}, "medium", "new_cases"),
]


@pytest.mark.parametrize(("policy", "facts", "level", "reason"), LEVELS)
def test_level_of_an_area(policy, facts, level, reason):
    stated = {"new_cases_in_window": 2, "cumulative_cases": 9, "days_since_last_case": 2, **facts}
    assert decide(policy, {"ask": "area_level", **stated}) == {
        "level": level,
        "reason": reason,
        "window_days": 14,
        "version": 1,
    }


@pytest.mark.parametrize("row", load_spec()["levels"], ids=str)
def test_level_of_spec_table(row):
    risk_area = {**dict(load_presets()[row["rule"]].risk_area), **row.get("with", {})}
    policy = BASELINE.model_copy(update={"risk_area": RiskArea.model_validate(risk_area)})
    answer = decide(
        policy,
        {
            "ask": "area_level",
            "new_cases_in_window": row.get("new"),
            "cumulative_cases": row.get("total"),
            "has_cluster": row.get("cluster"),
            "days_since_last_case": row.get("days"),
        },
    )
    assert (answer["level"], answer["reason"]) == (row.get("level"), row["reason"])


anything = st.none() | st.booleans() | st.integers(-2, 70) | st.text(max_size=2) | st.just(1.0)


@given(
    rule=st.sampled_from(sorted(load_presets())),
    new=anything,
    total=anything,
    cluster=anything,
    days=anything,
)
def test_table_of_levels_is_the_rule_of_the_board(rule, new, total, cluster, days):
    policy = BASELINE.model_copy(update={"risk_area": load_presets()[rule].risk_area})
    stated = {
        "new_cases_in_window": new,
        "cumulative_cases": total,
        "has_cluster": cluster,
        "days_since_last_case": days,
    }
    table = apply(AREA_LEVEL, stated, area_limits(policy, None))
    board = derive_level(policy.risk_area, CaseFacts(new, total, cluster, days))
    assert (table["level"], table["reason"]) == (board.level, board.reason)


@pytest.mark.parametrize("asked", [None, [], "code", {}, {"ask": None}, {"ask": "colour"}, {"ask": ["code"]}])
def test_question_that_is_none_gets_no_decision(asked):
    assert decide(BASELINE, asked) == {"reason": "ask_unknown", "version": 1}


@pytest.mark.parametrize("ask", sorted(FIELDS))
def test_without_a_version_in_force_nothing_is_decided(ask):
    answer = decide(None, {"ask": ask, **QUIET})
    assert answer == {**dict.fromkeys(FIELDS[ask]), "reason": "no_active_version", "version": None}


@pytest.mark.parametrize("ask", sorted(FIELDS))
def test_every_answer_has_its_fields_and_goes_through_json(ask):
    answer = decide(BASELINE, {"ask": ask, **QUIET})
    assert set(answer) == {*FIELDS[ask], "reason", "version"}
    assert json.loads(json.dumps(answer)) == answer


facts_of = {
    table.name: st.fixed_dictionaries({}, optional={fact.name: anything for fact in table.facts})
    for table in TABLES.values()
}


@given(st.data(), st.sampled_from(sorted(TABLES)))
def test_null_has_a_reason_of_its_own(data, name):
    # No reason is given both with a decision and without one, so a reader can tell by the reason alone.
    table = TABLES[name]
    first = table.gives[0]
    with_decision = {r.gives["reason"] for r in table.rows if r.gives[first] is not None}
    without = {r.gives["reason"] for r in table.rows if r.gives[first] is None}
    assert not with_decision & without
    limits = {limit.name: data.draw(anything, label=limit.name) for limit in table.limits}
    answer = apply(table, data.draw(facts_of[name]), limits)
    if answer["reason"] in without:
        assert answer[first] is None
