"""The answer of the rules to one question: pure, and the same for the rules service and its golden cases.

A question is what a caller posts as ``input``, an object with ``ask``:

- ``area_level``: ``area``, ``new_cases_in_window``, ``cumulative_cases``, ``has_cluster``,
  ``days_since_last_case``; ``window_days`` says which window was counted and is checked when stated.
- ``code``: ``reason_code``, ``hours_since_start`` (or ``hours_since_discharge`` where the days run from
  discharge), ``negative_tests`` since then, ``gap_hours`` (the least gap between the tests that count),
  ``declared``.
- ``test``: ``category`` of the venue, ``hours_since_sampled``, ``hours_since_tested``,
  ``hours_since_reported`` of the last negative test.
- ``venue``: ``category``, ``area``, ``scans_in_hour``, ``silent_hours``, ``red_scan``.

``area`` is the code of a county, functional area or city; it may be left out while no city has an override.
Hours are whole hours that have passed. The tables are in ``dashboard.policy.tables``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dashboard.policy.decision import Value, apply, clean
from dashboard.policy.groups import RiskArea
from dashboard.policy.model import Policy
from dashboard.policy.tables import AREA_LEVEL, CODE, VALIDITY, VENUE_ALARMS

Answer = dict[str, object]
Asked = Mapping[str, object]

# Every answer has these fields beside "reason" and "version"; without a decision they are None.
FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "area_level": ("level", "window_days"),
        "code": ("colour", "holds", "due_in_hours"),
        "test": ("valid", "basis", "validity_hours"),
        "venue": ("alarm", "alarms", "reasons"),
    }
)


def decide(policy: Policy | None, asked: object) -> Answer:
    """The answer to ``asked`` under ``policy``; None is *no version in force*. Never raises on the input.

    The answer has the ``FIELDS`` of the question, ``reason`` and ``version``. The first field is None where
    it cannot be told, never the lowest level or the colour that restricts nothing; ``reason`` says why.
    """
    question: Asked = asked if isinstance(asked, Mapping) else {}
    ask = question.get("ask")
    answer = _ASKS.get(ask) if isinstance(ask, str) else None
    if answer is None or not isinstance(ask, str):
        return {"reason": "ask_unknown", "version": policy.version if policy else None}
    if policy is None:
        return {**dict.fromkeys(FIELDS[ask]), "reason": "no_active_version", "version": None}
    return {**answer(policy, question), "version": policy.version}


def area_limits(policy: Policy, area: object) -> dict[str, Value]:
    """The limits of the table ``area_level`` in the city of ``area``, an area code."""
    own = _overrides(policy, "risk_area", area)
    province = policy.risk_area
    # Not for_city(): it checks the whole group again, which the policy did when it was built.
    rules = RiskArea.model_construct(**{**dict(province), **own}) if own else province
    return {
        "overridden": any(o.path.startswith("risk_area.") for o in policy.overrides),
        "window_days": rules.window_days,
        "medium_min_new_cases": rules.medium_min_new_cases,
        "high_min_cumulative_cases": rules.high_min_cumulative_cases,
        "days_to_low": rules.days_to_low,
        "by_cases": rules.words.by_cases,
        "high_requires_cluster": rules.high_requires_cluster,
    }


def code_limits(policy: Policy, reason_code: object) -> dict[str, Value]:
    """The limits of the table ``code`` for one reason; all None but ``row_known`` for an unknown one."""
    row = next((row for row in policy.health_code.rows if row.reason_code == reason_code), None)
    calm = next(colour.id for colour in policy.colours if colour.severity == 0)
    return {
        "row_known": row is not None,
        "colour": row.colour if row else None,
        "calm_colour": calm,
        "release": row.release if row else None,
        "hold_hours": row.hold_days * 24 if row and row.hold_days is not None else None,
        "hold_from": row.hold_from if row else None,
        "tests_required": row.tests_required if row else None,
        "tests_min_gap_hours": row.tests_min_gap_hours if row else None,
    }


def silent_limits(policy: Policy, area: object) -> dict[str, Value]:
    """The limits of the table ``silent`` in the city of ``area``."""
    own = _overrides(policy, "scan_alarm", area)
    return {
        "overridden": any(o.path == "scan_alarm.silent_after_hours" for o in policy.overrides),
        "silent_after_hours": own.get("silent_after_hours", policy.scan_alarm.silent_after_hours),
    }


def _overrides(policy: Policy, group: str, area: object) -> dict[str, int]:
    place = clean("area", area)
    if not policy.overrides or not isinstance(place, str):
        return {}
    city, begin = f"{place[:4]}00", f"{group}."
    return {
        o.path.removeprefix(begin): o.value
        for o in policy.overrides
        if o.area == city and o.path.startswith(begin)
    }


def _area_level(policy: Policy, asked: Asked) -> Answer:
    limits = area_limits(policy, asked.get("area"))
    return {**apply(AREA_LEVEL, asked, limits), "window_days": limits["window_days"]}


def _code(policy: Policy, asked: Asked) -> Answer:
    limits = code_limits(policy, asked.get("reason_code"))
    since = "hours_since_discharge" if limits["hold_from"] == "discharge" else "hours_since_start"
    hours, hold = asked.get(since), limits["hold_hours"]
    answer: Answer = {**apply(CODE, {**asked, "hours": hours}, limits)}
    held = answer["reason"] == "held" and isinstance(hours, int) and isinstance(hold, int)
    return answer | {"due_in_hours": hold - hours if held else None}  # type: ignore[operator]


def _test(policy: Policy, asked: Asked) -> Answer:
    category, rules = asked.get("category"), policy.nucleic_test
    hours = rules.validity_hours.get(category) if isinstance(category, str) else None
    limits: dict[str, Value] = {"category_known": hours is not None, "validity_hours": hours}
    stated = {**asked, "hours": asked.get(f"hours_since_{rules.basis}")}
    return {**apply(VALIDITY, stated, limits), "basis": rules.basis, "validity_hours": hours}


def _venue(policy: Policy, asked: Asked) -> Answer:
    category, rules = asked.get("category"), policy.scan_alarm
    scans = rules.max_scans_per_hour.get(category) if isinstance(category, str) else None
    limits: dict[str, Value] = {
        "category_known": scans is not None,
        "max_scans_per_hour": scans,
        "red_scan_alarm": rules.red_scan_alarm,
        **silent_limits(policy, asked.get("area")),
    }
    parts = {table.name: apply(table, asked, limits) for table in VENUE_ALARMS}
    alarms = {name: part["alarm"] for name, part in parts.items()}
    # One alarm is an alarm whatever else is unknown; no alarm is only told when all three are known.
    alarm = True if True in alarms.values() else None if None in alarms.values() else False
    reasons = {name: part["reason"] for name, part in parts.items()}
    deciding = next((reasons[name] for name in parts if alarms[name] is alarm), None)
    return {
        "alarm": alarm,
        "alarms": alarms,
        "reasons": reasons,
        "reason": "quiet" if alarm is False else deciding,
    }


_ASKS: Mapping[str, Callable[[Policy, Asked], Answer]] = MappingProxyType(
    {"area_level": _area_level, "code": _code, "test": _test, "venue": _venue}
)
