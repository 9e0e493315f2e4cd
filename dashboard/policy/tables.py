"""The rules as decision tables: level of a county, colour of a code, validity of a test, alarms of a venue.

Missing or unusable facts give None and a reason, never the lowest level and never the colour that restricts
nothing. What is *due* counts whole hours or days that have passed: a colour held for 7 days ends at hour 168,
a test valid for 48 hours is valid up to hour 47 and no longer at hour 48.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dashboard.policy.decision import Check, Fact, Kind, Limit, Row, Table


def _facts(kind: Kind, *names: str) -> tuple[Fact, ...]:
    return tuple(Fact(name, kind) for name in names)


def _limits(*names: str) -> tuple[Limit, ...]:
    return tuple(Limit(name) for name in names)


def missing(term: Fact | Limit) -> Check:
    """Nothing was stated."""
    return Check("missing", term)


def known(term: Fact | Limit) -> Check:
    """Something usable was stated."""
    return Check("known", term)


def bad(fact: Fact) -> Check:
    """Something was stated and it is not usable."""
    return Check("bad", fact)


def at_least(left: Fact | Limit, right: Fact | Limit | int) -> Check:
    """Both are known and ``left >= right``."""
    return Check("at_least", left, right)


def below(left: Fact | Limit, right: Fact | Limit | int) -> Check:
    """Both are known and ``left < right``."""
    return Check("below", left, right)


def yes(term: Fact | Limit) -> Check:
    """It is true."""
    return Check("yes", term)


def no(term: Fact | Limit) -> Check:
    """It is false; not stated is not false."""
    return Check("no", term)


def word(term: Fact | Limit, text: str) -> Check:
    """It is exactly this word."""
    return Check("is", term, text)


# --- the place -----------------------------------------------------------------------------------

(AREA,) = _facts("area", "area")
(OVERRIDDEN,) = _limits("overridden")


def _place_rows(field: str) -> tuple[Row, ...]:
    # A threshold that some city overrides means nothing until the city is known.
    return (
        Row((bad(AREA),), {field: None, "reason": "area_unusable"}),
        Row((yes(OVERRIDDEN), missing(AREA)), {field: None, "reason": "area_not_reported"}),
    )


# --- level of a county ---------------------------------------------------------------------------

NEW, TOTAL, DAYS, WINDOW = _facts(
    "count", "new_cases_in_window", "cumulative_cases", "days_since_last_case", "window_days"
)
(CLUSTER,) = _facts("flag", "has_cluster")
WINDOW_DAYS, MEDIUM, HIGH, DAYS_TO_LOW, BY_CASES, NEEDS_CLUSTER = _limits(
    "window_days",
    "medium_min_new_cases",
    "high_min_cumulative_cases",
    "days_to_low",
    "by_cases",
    "high_requires_cluster",
)


def _level(level: str | None, reason: str, *when: Check) -> Row:
    return Row(when, {"level": level, "reason": reason})


AREA_LEVEL = Table(
    "area_level",
    (AREA, NEW, TOTAL, DAYS, CLUSTER, WINDOW),
    (OVERRIDDEN, WINDOW_DAYS, MEDIUM, HIGH, DAYS_TO_LOW, BY_CASES, NEEDS_CLUSTER),
    (
        *_place_rows("level"),
        _level(None, "new_cases_unusable", bad(NEW)),
        _level(None, "cumulative_unusable", bad(TOTAL)),
        _level(None, "last_case_unusable", bad(DAYS)),
        _level(None, "cluster_unusable", bad(CLUSTER)),
        _level(None, "window_unusable", bad(WINDOW)),
        # Cases counted over another window than the rule's say nothing under this rule.
        _level(None, "window_differs", below(WINDOW, WINDOW_DAYS)),
        _level(None, "window_differs", below(WINDOW_DAYS, WINDOW)),
        _level(None, "facts_disagree", below(TOTAL, NEW)),
        _level(None, "facts_disagree", at_least(NEW, 1), at_least(DAYS, WINDOW_DAYS)),
        _level(None, "facts_disagree", below(NEW, 1), below(DAYS, WINDOW_DAYS)),
        _level(None, "facts_disagree", below(TOTAL, 1), known(DAYS)),
        _level(None, "facts_disagree", below(NEW, 1), yes(CLUSTER)),
        _level(None, "new_cases_not_reported", missing(NEW)),
        _level("low", "no_case", below(NEW, 1), below(TOTAL, 1)),
        _level("low", "none_new", below(NEW, 1)),
        _level("low", "none_new", no(BY_CASES), at_least(DAYS, DAYS_TO_LOW)),
        _level(None, "level_by_place", no(BY_CASES)),
        # High is many cases and a cluster. "No" from one of the two settles it, "unknown" does not.
        _level(None, "cumulative_not_reported", yes(NEEDS_CLUSTER), missing(TOTAL), missing(CLUSTER)),
        _level(None, "cumulative_not_reported", yes(NEEDS_CLUSTER), missing(TOTAL), yes(CLUSTER)),
        _level(None, "cluster_not_reported", yes(NEEDS_CLUSTER), at_least(TOTAL, HIGH), missing(CLUSTER)),
        _level("high", "many_cases_cluster", yes(NEEDS_CLUSTER), at_least(TOTAL, HIGH), yes(CLUSTER)),
        _level(None, "cumulative_not_reported", no(NEEDS_CLUSTER), missing(TOTAL), at_least(NEW, MEDIUM)),
        _level("high", "many_cases", no(NEEDS_CLUSTER), at_least(TOTAL, HIGH), at_least(NEW, MEDIUM)),
        _level("medium", "many_cases_no_cluster", at_least(NEW, MEDIUM), at_least(TOTAL, HIGH)),
        _level("medium", "new_cases", at_least(NEW, MEDIUM)),
        _level("low", "below_medium"),
    ),
)

# --- colour of a code ----------------------------------------------------------------------------

(REASON_CODE,) = _facts("word", "reason_code")
# "hours" is the fact the row's days run from: hours_since_start, or hours_since_discharge.
HOURS, TESTS, GAP = _facts("count", "hours", "negative_tests", "gap_hours")
(DECLARED,) = _facts("flag", "declared")
ROW_KNOWN, COLOUR, CALM, RELEASE, HOLD_HOURS, NEED_TESTS, NEED_GAP = _limits(
    "row_known",
    "colour",
    "calm_colour",
    "release",
    "hold_hours",
    "tests_required",
    "tests_min_gap_hours",
)


def _code(colour: Limit | None, holds: bool | None, reason: str, *when: Check) -> Row:
    return Row(when, {"colour": colour, "holds": holds, "reason": reason})


CODE = Table(
    "code",
    (REASON_CODE, HOURS, TESTS, GAP, DECLARED),
    (ROW_KNOWN, COLOUR, CALM, RELEASE, HOLD_HOURS, NEED_TESTS, NEED_GAP),
    (
        _code(None, None, "reason_not_reported", missing(REASON_CODE)),
        _code(None, None, "reason_unusable", bad(REASON_CODE)),
        _code(None, None, "reason_unknown", no(ROW_KNOWN)),
        _code(COLOUR, True, "no_restriction", missing(RELEASE)),
        _code(None, None, "hours_unusable", bad(HOURS)),
        _code(None, None, "tests_unusable", bad(TESTS)),
        _code(None, None, "gap_unusable", bad(GAP)),
        _code(None, None, "declaration_unusable", bad(DECLARED)),
        _code(None, None, "facts_disagree", below(TESTS, 2), known(GAP)),
        _code(CALM, False, "days_passed", at_least(HOURS, HOLD_HOURS)),
        _code(
            CALM, False, "tests_done", word(RELEASE, "tests"), at_least(TESTS, NEED_TESTS), missing(NEED_GAP)
        ),
        _code(
            CALM,
            False,
            "tests_done",
            word(RELEASE, "tests"),
            at_least(TESTS, NEED_TESTS),
            at_least(GAP, NEED_GAP),
        ),
        _code(CALM, False, "declared", word(RELEASE, "declared"), yes(DECLARED)),
        # From here it holds, or something that could end it is not known.
        _code(None, None, "hours_not_reported", known(HOLD_HOURS), missing(HOURS)),
        _code(None, None, "tests_not_reported", word(RELEASE, "tests"), missing(TESTS)),
        _code(
            None,
            None,
            "gap_not_reported",
            word(RELEASE, "tests"),
            at_least(TESTS, NEED_TESTS),
            missing(GAP),
        ),
        _code(None, None, "declaration_not_reported", word(RELEASE, "declared"), missing(DECLARED)),
        _code(COLOUR, True, "held"),
    ),
)

# --- validity of a negative test -----------------------------------------------------------------

(CATEGORY,) = _facts("word", "category")
SAMPLED, TESTED, REPORTED, SINCE = _facts(
    "count", "hours_since_sampled", "hours_since_tested", "hours_since_reported", "hours"
)
CATEGORY_KNOWN, VALIDITY_HOURS = _limits("category_known", "validity_hours")


def _category_rows(field: str) -> tuple[Row, ...]:
    return (
        Row((missing(CATEGORY),), {field: None, "reason": "category_not_reported"}),
        Row((bad(CATEGORY),), {field: None, "reason": "category_unusable"}),
        Row((no(CATEGORY_KNOWN),), {field: None, "reason": "category_unknown"}),
    )


def _valid(valid: bool | None, reason: str, *when: Check) -> Row:
    return Row(when, {"valid": valid, "reason": reason})


VALIDITY = Table(
    "validity",
    # "hours" is the one of the three that the policy's basis names.
    (CATEGORY, SAMPLED, TESTED, REPORTED, SINCE),
    (CATEGORY_KNOWN, VALIDITY_HOURS),
    (
        *_category_rows("valid"),
        *(_valid(None, "hours_unusable", bad(fact)) for fact in (SAMPLED, TESTED, REPORTED)),
        # Sampled first, reported last: what came earlier is longer ago.
        _valid(None, "facts_disagree", below(SAMPLED, TESTED)),
        _valid(None, "facts_disagree", below(TESTED, REPORTED)),
        _valid(None, "facts_disagree", below(SAMPLED, REPORTED)),
        _valid(None, "hours_not_reported", missing(SINCE)),
        _valid(True, "in_time", below(SINCE, VALIDITY_HOURS)),
        _valid(False, "expired"),
    ),
)

# --- alarms of a venue ---------------------------------------------------------------------------

SCANS, SILENT_HOURS = _facts("count", "scans_in_hour", "silent_hours")
(RED,) = _facts("flag", "red_scan")
MAX_SCANS, SILENT_AFTER, RED_ALARM = _limits("max_scans_per_hour", "silent_after_hours", "red_scan_alarm")


def _alarm(alarm: bool | None, reason: str, *when: Check) -> Row:
    return Row(when, {"alarm": alarm, "reason": reason})


CROWDED = Table(
    "crowded",
    (CATEGORY, SCANS),
    (CATEGORY_KNOWN, MAX_SCANS),
    (
        *_category_rows("alarm"),
        _alarm(None, "scans_not_reported", missing(SCANS)),
        _alarm(None, "scans_unusable", bad(SCANS)),
        _alarm(True, "crowded", below(MAX_SCANS, SCANS)),
        _alarm(False, "not_crowded"),
    ),
)
SILENT = Table(
    "silent",
    (AREA, SILENT_HOURS),
    (OVERRIDDEN, SILENT_AFTER),
    (
        *_place_rows("alarm"),
        _alarm(None, "silence_not_reported", missing(SILENT_HOURS)),
        _alarm(None, "silence_unusable", bad(SILENT_HOURS)),
        _alarm(True, "silent", at_least(SILENT_HOURS, SILENT_AFTER)),
        _alarm(False, "not_silent"),
    ),
)
RED_SCAN = Table(
    "red_scan",
    (RED,),
    (RED_ALARM,),
    (
        _alarm(None, "red_scan_unusable", bad(RED)),
        _alarm(False, "red_scan_off", no(RED_ALARM)),
        _alarm(None, "red_scan_not_reported", missing(RED)),
        _alarm(True, "red_scan", yes(RED)),
        _alarm(False, "no_red_scan"),
    ),
)

# What can raise an alarm at a venue, in the order in which a reason is named.
VENUE_ALARMS = (RED_SCAN, CROWDED, SILENT)
TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (AREA_LEVEL, CODE, VALIDITY, *VENUE_ALARMS)}
)
