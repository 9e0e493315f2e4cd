"""The rules: every row of the spec tables, and properties over random thresholds and facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.policy.evaluate import (
    DERIVE_REASONS,
    CaseFacts,
    days_clear,
    derive_level,
    expected_release,
    next_level,
)
from dashboard.policy.groups import RiskArea
from dashboard.policy.reference import load_spec
from dashboard.policy.store import load_presets, risk_area_of

RANK = {"low": 0, "medium": 1, "high": 2}
DAY = date(2022, 9, 1)


def preset(rule: object, changes: object = None) -> RiskArea:
    values = dict(load_presets()[str(rule)].risk_area)
    return RiskArea.model_validate(values | (changes if isinstance(changes, dict) else {}))


def facts(row: dict) -> CaseFacts:
    return CaseFacts(
        new_cases_in_window=row.get("new"),
        cumulative_cases=row.get("total"),
        has_cluster=row.get("cluster"),
        days_since_last_case=row.get("days"),
    )


@pytest.mark.parametrize("row", load_spec()["levels"], ids=str)
def test_level_of_spec_table(row):
    decision = derive_level(preset(row["rule"], row.get("with")), facts(row))
    assert (decision.level, decision.reason) == (row.get("level"), row["reason"])


@pytest.mark.parametrize("row", load_spec()["releases"], ids=str)
def test_release_of_spec_table(row):
    thresholds = preset(row["rule"])
    release = expected_release(
        thresholds, level=row.get("level"), last_case=row.get("last_case"), since=row.get("since")
    )
    assert release == row.get("release")
    assert next_level(thresholds, row.get("level")) == row.get("to")


@pytest.mark.parametrize("row", load_spec()["days_clear"], ids=str)
def test_days_clear_of_spec_table(row):
    assert days_clear(row.get("last_case"), row["on"]) == row.get("days")


def test_spec_table_gives_every_reason():
    assert {row["reason"] for row in load_spec()["levels"]} == set(DERIVE_REASONS)


thresholds_by_cases = st.builds(
    lambda window, medium, more, cluster: RiskArea(
        rule_set="county-14d",
        window_days=window,
        medium_min_new_cases=medium,
        high_min_cumulative_cases=medium + more,
        high_requires_cluster=cluster,
        clear_days_high=window,
        clear_days_medium=window,
    ),
    st.integers(1, 60),
    st.integers(1, 30),
    st.integers(0, 60),
    st.booleans(),
)
thresholds_by_place = st.sampled_from(["compound-7+3", "high-low-5d"]).map(preset)
any_thresholds = st.one_of(thresholds_by_cases, thresholds_by_place)
counts = st.none() | st.integers(0, 120)
good_facts = st.builds(CaseFacts, counts, counts, st.none() | st.booleans(), st.none() | st.integers(0, 70))
junk = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 120), st.floats(), st.text(max_size=3), st.lists(st.none())
)
any_facts = st.builds(CaseFacts, junk, junk, junk, junk)


@given(any_thresholds, any_facts)
def test_unusable_facts_never_give_a_level(thresholds, given_facts):
    decision = derive_level(thresholds, given_facts)
    assert decision.reason in DERIVE_REASONS
    numbers = (
        given_facts.new_cases_in_window,
        given_facts.cumulative_cases,
        given_facts.days_since_last_case,
    )
    bad = any(n is not None and (type(n) is not int or n < 0) for n in numbers) or (
        given_facts.has_cluster is not None and type(given_facts.has_cluster) is not bool
    )
    if bad or given_facts.new_cases_in_window is None:
        assert decision.level is None


@given(any_thresholds, good_facts)
def test_low_needs_reported_cases_below_the_threshold(thresholds, given_facts):
    if derive_level(thresholds, given_facts).level == "low":
        new = given_facts.new_cases_in_window
        days = given_facts.days_since_last_case
        assert new is not None
        assert new < (thresholds.medium_min_new_cases or 1) or (
            not thresholds.words.by_cases and days is not None and days >= thresholds.days_to_low
        )


@given(any_thresholds, good_facts, st.integers(0, 80), st.integers(0, 80))
def test_more_cases_never_lower_the_level(thresholds, fewer, new, total):
    if fewer.new_cases_in_window is None or fewer.cumulative_cases is None:
        return
    more = CaseFacts(
        fewer.new_cases_in_window + new,
        fewer.cumulative_cases + new + total,
        fewer.has_cluster,
        fewer.days_since_last_case,
    )
    before, after = derive_level(thresholds, fewer).level, derive_level(thresholds, more).level
    if before and after:
        assert RANK[after] >= RANK[before]


@given(thresholds_by_cases, good_facts)
def test_what_is_not_reported_never_lowers_the_level(thresholds, given_facts):
    """A level told without a fact is the level under every value the fact could have."""
    told = derive_level(thresholds, given_facts).level
    if told is None:
        return
    totals = (
        [given_facts.cumulative_cases]
        if given_facts.cumulative_cases is not None
        else [0, 1, 30, 89, 90, 120, 500]
    )
    clusters = [given_facts.has_cluster] if given_facts.has_cluster is not None else [True, False]
    for total, cluster in product(totals, clusters):
        full = CaseFacts(given_facts.new_cases_in_window, total, cluster, given_facts.days_since_last_case)
        decision = derive_level(thresholds, full)
        assert decision.level in (told, None)
        assert decision.level == told or decision.reason == "facts_disagree"


@given(any_thresholds, st.dates(date(2020, 1, 1), date(2023, 1, 1)))
def test_release_and_clear_days_meet_on_one_day(thresholds, last_case):
    release = expected_release(thresholds, level="high", last_case=last_case, since=None)
    assert release is not None
    assert days_clear(last_case, release) == thresholds.clear_days_high
    assert days_clear(last_case, release - timedelta(days=1)) == thresholds.clear_days_high - 1


@given(
    thresholds_by_cases,
    st.integers(0, 70),
)
def test_derived_level_falls_on_the_day_of_release(thresholds, days):
    """Seen from the cases of one day, low begins exactly when the release is due."""
    inside = days < thresholds.window_days
    seen = CaseFacts(thresholds.medium_min_new_cases if inside else 0, 100, False, days)
    level = derive_level(thresholds, seen).level
    release = expected_release(thresholds, level="medium", last_case=DAY, since=None)
    assert (level == "low") == (DAY + timedelta(days=days) >= release)


@pytest.mark.parametrize("value", [datetime(2022, 9, 1, 12), "2022-09-01", 0, True])
def test_only_days_are_days(value):
    assert days_clear(value, DAY) is None
    assert expected_release(preset("high-low-5d"), level="high", last_case=value, since=None) is None
    assert expected_release(preset("compound-7+3"), level="medium", last_case=DAY, since=value) is None


def test_release_beyond_the_calendar_is_not_told():
    assert expected_release(preset("high-low-5d"), level="high", last_case=date.max, since=None) is None


def test_place_keeps_the_rule_it_was_listed_under():
    assert risk_area_of("county-14d").clear_days_high == 14
    assert risk_area_of("high-low-5d").clear_days_high == 5
    assert risk_area_of("of another year") is None
