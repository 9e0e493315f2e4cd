"""Levels and release dates by rule: pure functions of the thresholds and the facts.

Missing or unusable input gives no level and a reason. It never gives a lower level than the facts allow.

Days are whole calendar days, counted at the end of the day ``on``:

- ``days_clear`` is the number of whole days after the day of the last case, up to and including ``on``:
  0 on the day of the case, 1 the day after.
- The window of N days that ends on ``on`` is ``on - (N-1)`` to ``on``, both included. A case with N-1 days
  clear lies inside, one with N days clear outside.
- Hence "none new in N days" and "N days clear" first hold on the same day, the day of the last case + N.

Source of the rules: the national control plans named in ``defaults/presets.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeGuard

from dashboard.policy.groups import RiskArea

Level = Literal["high", "medium", "low"]

DERIVE_REASONS = (
    "no_case",
    "none_new",
    "below_medium",
    "new_cases",
    "many_cases_no_cluster",
    "many_cases",
    "many_cases_cluster",
    "level_by_place",
    "new_cases_not_reported",
    "cumulative_not_reported",
    "cluster_not_reported",
    "new_cases_unusable",
    "cumulative_unusable",
    "cluster_unusable",
    "last_case_unusable",
    "facts_disagree",
)


@dataclass(frozen=True)
class CaseFacts:
    """What is known of a county's cases on a day; None is *not reported*, never zero.

    ``new_cases_in_window`` covers the ``window_days`` of the thresholds; it must be None when any day of the
    window is not reported. ``days_since_last_case`` is ``days_clear`` of the last case.
    """

    new_cases_in_window: int | None
    cumulative_cases: int | None
    has_cluster: bool | None
    days_since_last_case: int | None


@dataclass(frozen=True)
class LevelDecision:
    """The level, or None when it cannot be told, and the code of the reason (text ``derive.<reason>``)."""

    level: Level | None
    reason: str


def derive_level(thresholds: RiskArea, facts: CaseFacts) -> LevelDecision:
    """The level of a county without listed places, by its cases; never raises on the facts."""
    problem = _find_problem(thresholds, facts)
    if problem:
        return LevelDecision(None, problem)
    new = facts.new_cases_in_window
    if new is None:
        # Days since the last *known* case say nothing about days that were not reported.
        return LevelDecision(None, "new_cases_not_reported")
    if new == 0:
        return LevelDecision("low", "no_case" if facts.cumulative_cases == 0 else "none_new")
    if thresholds.words.by_cases:
        return _derive_by_cases(thresholds, facts, new)
    days = facts.days_since_last_case
    if days is not None and days >= thresholds.days_to_low:
        return LevelDecision("low", "none_new")
    # Under these plans a level belongs to a compound or a building. The cases of a county say that some
    # place may be listed, not which and at what level: no list, no level.
    return LevelDecision(None, "level_by_place")


def _derive_by_cases(thresholds: RiskArea, facts: CaseFacts, new: int) -> LevelDecision:
    least_medium, least_high = thresholds.medium_min_new_cases, thresholds.high_min_cumulative_cases
    if least_medium is None or least_high is None:  # a checked RiskArea by cases has both
        raise ValueError(f"rule set {thresholds.rule_set} lacks its case thresholds")
    total, cluster = facts.cumulative_cases, facts.has_cluster
    many = None if total is None else total >= least_high
    # high = many cases and a cluster; each may be unknown. "No" from one of them settles it, "unknown" does
    # not: with more than 50 cases, new ones and no word on a cluster, "at most 50" fails for medium and
    # high is open. Medium would understate a high county, so there is no level. The national feeds do not
    # report clusters; the county or the desk has to say it.
    second = cluster if thresholds.high_requires_cluster else new >= least_medium
    if many is not False and second is not False:
        if many is None:
            return LevelDecision(None, "cumulative_not_reported")
        if second is None:
            return LevelDecision(None, "cluster_not_reported")
        return LevelDecision(
            "high", "many_cases_cluster" if thresholds.high_requires_cluster else "many_cases"
        )
    if new >= least_medium:
        return LevelDecision("medium", "many_cases_no_cluster" if many else "new_cases")
    return LevelDecision("low", "below_medium")


def _find_problem(thresholds: RiskArea, facts: CaseFacts) -> str | None:
    new, total, days = facts.new_cases_in_window, facts.cumulative_cases, facts.days_since_last_case
    # A sum over the window can fall below zero where a correction took cases back: no fact to decide by.
    for value, reason in (
        (new, "new_cases_unusable"),
        (total, "cumulative_unusable"),
        (days, "last_case_unusable"),
    ):
        if value is not None and (type(value) is not int or value < 0):
            return reason
    if facts.has_cluster is not None and type(facts.has_cluster) is not bool:
        return "cluster_unusable"
    disagree = (
        (new is not None and total is not None and new > total)
        or (new is not None and days is not None and (new > 0) != (days < thresholds.window_days))
        or (total == 0 and days is not None)
        or (new == 0 and facts.has_cluster is True)
    )
    return "facts_disagree" if disagree else None


def days_clear(last_case: date | None, on: date) -> int | None:
    """Whole days without a new case at the end of ``on``; None when the last case is unknown or after it."""
    if not _is_day(last_case) or not _is_day(on) or last_case > on:
        return None
    return (on - last_case).days


def next_level(thresholds: RiskArea, level: str | None) -> Level | None:
    """The level a release leads to; None where there is nothing to release or the rule has no such level."""
    if level not in thresholds.words.levels or level == "low":
        return None
    return "medium" if level == "high" and thresholds.step_down_days is not None else "low"


def expected_release(
    thresholds: RiskArea, *, level: str | None, last_case: date | None, since: date | None
) -> date | None:
    """The first day on which the rule lets a place leave ``level`` for ``next_level``, if no case follows.

    None when it cannot be told. A negative test round may still be due on that day
    (``release_needs_test_round``). ``since`` is the day the level began; it matters where a place is lowered
    in steps, because a medium place that was high before has its own shorter period.
    """
    if next_level(thresholds, level) is None or not _is_day(last_case):
        return None
    if level == "high":
        return _add(last_case, thresholds.clear_days_high)
    if thresholds.clear_days_medium is None:
        return None
    if thresholds.step_down_days is None:
        return _add(last_case, thresholds.clear_days_medium)
    if not _is_day(since):
        # Lowered from high, or medium from the start? The two periods end on different days, and taking the
        # shorter one would call a place overdue while it serves its last days.
        return None
    if (since - last_case).days >= thresholds.clear_days_high:
        return _add(since, thresholds.step_down_days)
    return _add(last_case, thresholds.clear_days_medium)


def _is_day(value: object) -> TypeGuard[date]:
    # A datetime is a date to Python, but its hours would make two days out of one.
    return type(value) is date


def _add(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None
