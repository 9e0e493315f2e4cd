"""The risk level of each county: what the list says; where it says nothing, what the rule in force says.

A county's level is that of its most severe listed place. It tells where to look; it is not a level of the
whole county. Where no place is listed the thresholds in force derive a level from the cases; where the
cases do not allow that there is none, and the reason stands beside it. Unknown is never low.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere
from typing import Literal

from dashboard.policy import evaluate
from dashboard.policy.groups import RiskArea
from dashboard.policy.store import load_baseline
from dashboard.snapshot.contract import RISK_LEVELS
from geo.areas import get_area
from queries.areas import Grain, child_of
from queries.cases import CaseFacts, get_case_facts
from queries.risk import AreaPlaces, get_risk_by_area
from queries.run import View

Source = Literal["list", "rule", "none"]


@dataclass(frozen=True, slots=True)
class AreaLevel:
    """One area: its places, its level (None: cannot be told), who says so, and the reason.

    ``reason`` is "" for a level of the list, else a code whose text is ``derive.<reason>``. ``unknown``
    counts the counties of a city whose level cannot be told.
    """

    area: str
    places: AreaPlaces
    level: str | None
    source: Source
    reason: str
    unknown: int = 0


def get_levels(
    view: View, *, area: str, date: Date, level: Grain, thresholds: RiskArea | None = None
) -> tuple[AreaLevel, ...]:
    """The level of each city, or each county and functional area, below ``area``; by code.

    A city takes the most severe level of its counties; when none is high or medium and one is unknown,
    the city is unknown. ``thresholds`` are those in force (the baseline by default).
    Raises ``OutOfScope`` and ``BadFilter`` (cities of a county).
    """
    counties = _county_levels(view, area, date, thresholds or load_baseline().risk_area)
    if level == "county":
        return counties
    inside: dict[str, list[AreaLevel]] = {}
    for county in counties:
        inside.setdefault(child_of(county.area, "city"), []).append(county)
    return tuple(
        _join(places, inside.get(places.area, ()))
        for places in get_risk_by_area(view, area=area, date=date, level="city")
    )


def worst_level(levels: Iterable[str | None]) -> str | None:
    """The most severe level; unknown outweighs low, and nothing at all is unknown."""
    found = set(levels)
    for known in ("high", "medium"):
        if known in found:
            return known
    return "low" if found == {"low"} else None


def _county_levels(view: View, area: str, date: Date, thresholds: RiskArea) -> tuple[AreaLevel, ...]:
    facts = {
        row.area: row
        for row in get_case_facts(view, area=area, date=date, window_days=thresholds.window_days)
    }
    return tuple(
        _county(row, facts.get(row.area), date, thresholds)
        for row in get_risk_by_area(view, area=area, date=date, level="county")
        # Cases of a functional area are reported under its counties: without a listed place of its own
        # there is nothing to say about it, and it must not turn its whole city unknown.
        if row.places.value or get_area(row.area).level != "functional"
    )


def _county(places: AreaPlaces, facts: CaseFacts | None, date: Date, thresholds: RiskArea) -> AreaLevel:
    listed = next((at for at in RISK_LEVELS if places.levels[at].value), None)
    if listed:
        return AreaLevel(places.area, places, listed, "list", "")
    decision = evaluate.derive_level(
        thresholds,
        evaluate.CaseFacts(
            new_cases_in_window=facts.new_cases if facts else None,
            cumulative_cases=facts.cumulative if facts else None,
            has_cluster=None,  # no feed of this contract reports clusters
            days_since_last_case=facts.days_clear(date) if facts else None,
        ),
    )
    source: Source = "rule" if decision.level else "none"
    return AreaLevel(places.area, places, decision.level, source, decision.reason)


def _join(places: AreaPlaces, counties: Iterable[AreaLevel]) -> AreaLevel:
    rows = list(counties)
    level = worst_level(row.level for row in rows)
    deciding = next((row for row in rows if row.level == level), None)
    return AreaLevel(
        area=places.area,
        places=places,
        level=level,
        source=deciding.source if deciding else "none",
        reason=deciding.reason if deciding else "new_cases_not_reported",
        unknown=sum(row.level is None for row in rows),
    )
