"""Golden cases: questions on both sides of every threshold, asked of the rules service and compared.

The revision a service reports proves what it stored, not how it decides. The expected answers come from
``dashboard.policy.decide`` on the document of the version in force.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dashboard.policy.decide import decide
from dashboard.policy.model import Policy, ReasonRow
from dashboard.publishing.client import NoReply

Question = Mapping[str, object]
Ask = Callable[[Question], Mapping[str, object]]
# Nothing is delivered meanwhile, so a service that answers slowly may not hold the sender up for long.
WITHIN_S = 10.0
_SHOWN = 3
Share = tuple[int, int]
ALL: Share = (0, 1)


@dataclass(frozen=True)
class Golden:
    """How the golden cases went: right, wrong, or None where it cannot be told; ``detail`` says why."""

    right: bool | None
    asked: int
    detail: str


def golden_cases(policy: Policy) -> tuple[Question, ...]:
    """The questions for ``policy``: each threshold one below, at, one above; input that cannot be used."""
    questions: list[Question] = [
        *_area_questions(policy),
        *(question for row in policy.health_code.rows for question in _code_questions(row)),
        *_test_questions(policy),
        *_venue_questions(policy),
        {"ask": "code", "reason_code": "no_such_reason", "hours_since_start": 0},
        {"ask": "no_such_question"},
    ]
    # Two thresholds with the same value ask the same twice.
    return tuple({json.dumps(dict(question)): question for question in questions}.values())


def ask_golden(
    ask: Ask, policy: Policy, *, revision: str, share: Share = ALL, within_s: float = WITHIN_S
) -> Golden:
    """Ask the golden cases of ``policy``, which is said to be in force under ``revision``.

    ``share`` asks some of them: the part of that number out of so many.
    An answer given under another revision tells nothing, because the head may have moved between two
    questions; then ``right`` is None, and so it is where the answers take too long.
    """
    wrong: list[str] = []
    part, parts = share
    cases = golden_cases(policy)[part % parts :: parts]
    deadline = time.monotonic() + within_s
    for number, question in enumerate(cases):
        if time.monotonic() > deadline:
            return Golden(None, number, f"only {number} of {len(cases)} answers within {within_s:g} s")
        try:
            reply = ask(question)
        except NoReply as problem:
            return Golden(None, number, str(problem))
        said = revision_of(reply)
        if said != revision:
            return Golden(None, number, f"answered under {said or 'no revision'} instead of {revision}")
        expected, answer = decide(policy, question), reply.get("result")
        if answer != expected:
            wrong.append(_difference(question, expected, answer))
    if not wrong:
        return Golden(True, len(cases), "")
    more = f" (+{len(wrong) - _SHOWN})" if len(wrong) > _SHOWN else ""
    return Golden(False, len(cases), f"{len(wrong)}/{len(cases)}: {'; '.join(wrong[:_SHOWN])}{more}")


def revision_of(reply: Mapping[str, object]) -> str | None:
    """The revision in the provenance of an answer, in OPA's form."""
    part: object = reply
    for name in ("provenance", "bundles", "tianfu", "revision"):
        part = part.get(name) if isinstance(part, dict) else None
    return part if isinstance(part, str) else None


def _difference(question: Question, expected: Mapping[str, object], answer: object) -> str:
    asked = json.dumps(dict(question), ensure_ascii=False, separators=(",", ":"))
    said = answer if isinstance(answer, dict) else {}
    parts = [
        f"{name} {json.dumps(said.get(name), ensure_ascii=False)} instead of "
        f"{json.dumps(value, ensure_ascii=False)}"
        for name, value in expected.items()
        if said.get(name) != value or name not in said
    ]
    return f"{asked}: {', '.join(parts[:2]) or 'more fields than asked for'}"[:300]


def _around(value: int) -> tuple[int, int, int]:
    return value - 1, value, value + 1


def _area_questions(policy: Policy) -> Iterator[Question]:
    # The province itself and one place in each city that has thresholds of its own.
    cities = sorted({override.area for override in policy.overrides})
    for area in ("510000", *cities):
        rules = policy.for_city(area).risk_area
        medium = rules.medium_min_new_cases or 1
        high = rules.high_min_cumulative_cases or 50
        clear = rules.days_to_low
        facts: list[tuple[object, object, object, object]] = [
            (0, 0, False, None),
            *((0, high, False, days) for days in _around(clear)),
            *((0, high, False, days) for days in _around(rules.window_days)),
            *((new, max(new, 1), False, 0) for new in _around(medium)),
            *((medium, total, cluster, 0) for total in _around(high) for cluster in (True, False, None)),
            (None, high, True, 1),
            (medium, None, True, 1),
            (True, high, True, 1),
            ("1", high, True, 1),
            (-1, high, False, 1),
        ]
        for new, total, cluster, days in facts:
            yield {
                "ask": "area_level",
                "area": area,
                "new_cases_in_window": new,
                "cumulative_cases": total,
                "has_cluster": cluster,
                "days_since_last_case": days,
            }


def _code_questions(row: ReasonRow) -> Iterator[Question]:
    since = "hours_since_discharge" if row.hold_from == "discharge" else "hours_since_start"
    hold = (row.hold_days or 1) * 24
    facts: list[tuple[object, object, object, object]] = [
        *((hours, 0, None, False) for hours in _around(hold)),
        (hold - 1, 0, None, True),
        (None, 0, None, False),
    ]
    if row.tests_required:
        tests, gap = row.tests_required, row.tests_min_gap_hours or 24
        # A gap lies between two tests; one beside fewer would contradict itself.
        facts += [(hold - 1, count, gap if count > 1 else None, False) for count in _around(tests)]
        facts += [(hold - 1, tests, apart if tests > 1 else None, False) for apart in _around(gap)]
    for hours, count, between, declared in facts:
        yield {
            "ask": "code",
            "reason_code": row.reason_code,
            since: hours,
            "negative_tests": count,
            "gap_hours": between,
            "declared": declared,
        }


def _test_questions(policy: Policy) -> Iterator[Question]:
    for category, limit in policy.nucleic_test.validity_hours.items():
        for hours in (*_around(limit), None):
            yield {"ask": "test", "category": category, f"hours_since_{policy.nucleic_test.basis}": hours}
    yield {"ask": "test", "category": "no_such_category", "hours_since_sampled": 1}


def _venue_questions(policy: Policy) -> Iterator[Question]:
    rules = policy.scan_alarm
    categories = rules.max_scans_per_hour
    for category, limit in categories.items():
        for scans in _around(limit):
            yield {
                "ask": "venue",
                "area": "510000",
                "category": category,
                "scans_in_hour": scans,
                "silent_hours": 0,
                "red_scan": False,
            }
    any_category = next(iter(categories), None)
    for silent in (*_around(rules.silent_after_hours), None):
        for red in (True, False, None):
            yield {
                "ask": "venue",
                "area": "510000",
                "category": any_category,
                "scans_in_hour": 0,
                "silent_hours": silent,
                "red_scan": red,
            }
