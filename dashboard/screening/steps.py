"""The follow-up steps: for each kind, whom it drops, why, and from which feed it knows.

A step is one question of SQL on ``person``, the people still in the funnel: ``holder_key``, ``area``,
``first_ts`` and ``last_ts`` (first and last co-present scan), ``windows`` (co-presences), ``longest``
(interval from first to last scan of the longest stay) and ``held`` (whether the last co-present scan that
shows a colour shows one that means control; NULL without any). Feeds are joined to these people only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from dashboard.screening.incident import (
    CoPresences,
    Dwell,
    Incident,
    InProvince,
    NoNegativeTest,
    NotUnderControl,
    NotVaccinated,
    StepRule,
)

# The reason each kind of step drops for.
DROP_REASON: Mapping[str, str] = MappingProxyType(
    {
        "in_province": "left_province",
        "not_under_control": "under_control",
        "co_presences": "few_co_presences",
        "dwell": "short_dwell",
        "no_negative_test": "tested_negative",
        "not_vaccinated": "vaccinated",
    }
)


@dataclass(frozen=True)
class Question:
    """Whom a step drops: SQL that returns ``holder_key``, with ``{feed}`` for its feed, and parameters."""

    sql: str
    params: Mapping[str, object]


def feed_of_step(step: StepRule) -> str:
    """The feed a step needs besides the scans; "" when the scans are enough."""
    feed = getattr(step, "feed", "")
    return "" if feed == "scans" else str(feed)


def held_colours(steps: Iterable[StepRule]) -> tuple[str, ...]:
    """The colours that mean somebody is under control already; none without that step."""
    return tuple(c for step in steps if isinstance(step, NotUnderControl) for c in step.colours)


def ask(step: StepRule, *, incident: Incident, now: datetime) -> Question:
    """The question of one step; rows of a feed later than ``now`` are not believed."""
    match step:
        case InProvince(feed="left_province"):
            return Question(_LEFT, {"now": now})
        case InProvince():
            return Question(_TELECOM, {"now": now})
        case NotUnderControl(feed="scans"):
            return Question(_HELD, {})
        case NotUnderControl():
            return Question(_CODE_EVENTS, {"colours": list(step.colours), "now": now})
        case CoPresences():
            return Question(_CO_PRESENCES, {"least": step.at_least})
        case Dwell():
            least = step.at_least_minutes - incident.window.stay_minutes
            return Question(_DWELL, {"least": least})
        case NoNegativeTest():
            return Question(_TESTS, {"hours": step.hours_after, "negatives": step.negatives, "now": now})
        case NotVaccinated():
            return Question(_VACCINATED, {"doses": step.doses, "days": step.days_before})


_LEFT = """
    SELECT p.holder_key
    FROM person p JOIN {feed} f USING (holder_key)
    WHERE f.left_at > p.last_ts AND f.left_at <= $now
    GROUP BY p.holder_key
"""
# The newest day after the last co-presence counts; seen in and out on that day, somebody is still here.
_TELECOM = """
    SELECT holder_key
    FROM (
        SELECT p.holder_key, f.day, bool_or(starts_with(f.area_code, '51')) AS here
        FROM person p JOIN {feed} f USING (holder_key)
        WHERE f.day > p.last_ts::DATE AND f.day <= $now::DATE AND f.area_code IS NOT NULL
        GROUP BY p.holder_key, f.day
    )
    GROUP BY holder_key
    HAVING NOT arg_max(here, day)
"""
_HELD = "SELECT holder_key FROM person WHERE held"
# A change after the last scan is newer than what the scan showed; without a colour in the scans, the
# newest change is all there is to know. Of two changes at one moment the stricter list wins: any of them.
_CODE_EVENTS = """
    WITH newest AS (
        SELECT holder_key, ts, bool_or(list_contains($colours, to_colour)) AS held
        FROM (
            SELECT f.holder_key, f.ts, f.to_colour, max(f.ts) OVER (PARTITION BY f.holder_key) AS newest
            FROM {feed} f SEMI JOIN person USING (holder_key)
            WHERE f.ts <= $now AND f.to_colour IS NOT NULL
        )
        WHERE ts = newest
        GROUP BY holder_key, ts
    )
    SELECT p.holder_key
    FROM person p LEFT JOIN newest n USING (holder_key)
    WHERE CASE
        WHEN n.ts > p.last_ts OR p.held IS NULL THEN coalesce(n.held, false)
        ELSE p.held
    END
"""
_CO_PRESENCES = "SELECT holder_key FROM person WHERE windows < $least"
_DWELL = "SELECT holder_key FROM person WHERE longest < to_minutes($least::BIGINT)"
_TESTS = """
    SELECT holder_key
    FROM (
        SELECT
            p.holder_key,
            count(DISTINCT f.sampled_at) FILTER (
                WHERE f.result = 'negative' AND f.sampled_at > p.last_ts + to_hours($hours::BIGINT)
            ) AS negatives,
            bool_or(f.result = 'positive') AS positive
        FROM person p JOIN {feed} f USING (holder_key)
        WHERE f.sampled_at > p.last_ts AND f.sampled_at <= $now AND f.result IS NOT NULL
        GROUP BY p.holder_key
    )
    WHERE negatives >= $negatives AND NOT positive
"""
_VACCINATED = """
    SELECT p.holder_key
    FROM person p JOIN {feed} f USING (holder_key)
    WHERE f.dose >= $doses AND f.given_on <= p.first_ts::DATE - $days::INTEGER
    GROUP BY p.holder_key
"""
