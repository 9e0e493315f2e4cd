"""Impact preview, places: which counties change level and which listed places move their day of release."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date  # noqa: N812 - the house's name for it

from dashboard.policy import evaluate
from dashboard.policy.groups import RiskArea
from dashboard.policy.model import Policy
from dashboard.policy.store import risk_area_of
from dashboard.snapshot.contract import RISK_LEVELS
from geo.areas import get_area
from queries.areas import get_children
from queries.cases import CaseFacts, get_case_facts
from queries.preview_model import LevelTurn, PlaceTurn
from queries.risk import RiskPlace, get_risk_places
from queries.run import View


def preview_levels(view: View, *, area: str, before: Policy, after: Policy) -> tuple[LevelTurn, ...]:
    """Counties (and functional areas with a listed place) whose level changes, by code.

    Before, a county has the level of its most severe listed place, or the level the rule derives. After, a
    place whose day of release has come under the new rule alone counts at the level it is lowered to. On a
    day of which the list says nothing there is no turn. Raises ``OutOfScope``.
    """
    day = view.store.manifest(view.snapshot_id).data_day
    places = get_risk_places(view, area=area, date=day)
    if places is None or not _differs(before, after):
        return ()
    listed: dict[str, list[RiskPlace]] = {}
    for place in places:
        listed.setdefault(place.area, []).append(place)
    old, new = _Rules(before), _Rules(after)
    facts_old, facts_new = (_facts(view, area, day, rules) for rules in (old, new))
    turns = []
    for county in get_children(view, area=area, level="county", date=day):
        here = listed.get(county.code, [])
        if not here and county.level == "functional":
            continue
        first = _worst([place.level for place in here]), ""
        lowered = [_level_after(place, old, new, day) for place in here]
        second = _worst([level for level in lowered if level != "low"]), ""
        if first[0] is None:
            first = _derive(facts_old.get(county.code), old.of(county.code), day)
        if second[0] is None:
            second = _derive(facts_new.get(county.code), new.of(county.code), day)
        if first[0] != second[0]:
            turns.append(LevelTurn(county.code, first[0], second[0], first[1], second[1]))
    return tuple(turns)


def preview_places(view: View, *, area: str, before: Policy, after: Policy) -> tuple[PlaceTurn, ...]:
    """Listed places whose day of release moves, by area and level. Raises ``OutOfScope``."""
    day = view.store.manifest(view.snapshot_id).data_day
    places = get_risk_places(view, area=area, date=day)
    if places is None or not _differs(before, after):
        return ()
    old, new = _Rules(before), _Rules(after)
    turns = []
    for place in places:
        first, second = (_release(place, rules) for rules in (old, new))
        if first != second:
            level = _level_after(place, old, new, day)
            turns.append(PlaceTurn(place.place_id, place.area, place.text, place.level, level, first, second))
    return tuple(turns)


class _Rules:
    """The thresholds of ``risk_area`` as each city has them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        cities = {override.area for override in policy.overrides}
        self._own = {city: policy.for_city(city) for city in cities}

    def policy_of(self, code: str) -> Policy:
        return self._own.get(get_area(code).city or "", self.policy)

    def of(self, code: str) -> RiskArea:
        return self.policy_of(code).risk_area

    def windows(self) -> set[int]:
        return {policy.risk_area.window_days for policy in (self.policy, *self._own.values())}


def _differs(before: Policy, after: Policy) -> bool:
    return before.risk_area != after.risk_area or before.overrides != after.overrides


def _facts(view: View, area: str, day: Date, rules: _Rules) -> Mapping[str, CaseFacts]:
    found = {
        window: {row.area: row for row in get_case_facts(view, area=area, date=day, window_days=window)}
        for window in rules.windows()
    }
    codes = set().union(*(rows.keys() for rows in found.values()))
    return {code: found[rules.of(code).window_days][code] for code in codes}


def _derive(facts: CaseFacts | None, thresholds: RiskArea, day: Date) -> tuple[str | None, str]:
    decision = evaluate.derive_level(
        thresholds,
        evaluate.CaseFacts(
            new_cases_in_window=facts.new_cases if facts else None,
            cumulative_cases=facts.cumulative if facts else None,
            has_cluster=None,  # no feed of this contract reports clusters
            days_since_last_case=facts.days_clear(day) if facts else None,
        ),
    )
    return decision.level, decision.reason


def _release(place: RiskPlace, rules: _Rules) -> Date | None:
    thresholds = risk_area_of(place.rule_set, rules.policy_of(place.area))
    if thresholds is None:
        return None
    return evaluate.expected_release(
        thresholds, level=place.level, last_case=place.last_case, since=place.since
    )


def _level_after(place: RiskPlace, old: _Rules, new: _Rules, day: Date) -> str:
    """Lower than listed only where the new rule lets it go and the old one does not yet."""
    first, second = _release(place, old), _release(place, new)
    if second is None or second > day or (first is not None and first <= day):
        return place.level
    thresholds = risk_area_of(place.rule_set, new.policy_of(place.area))
    return (evaluate.next_level(thresholds, place.level) if thresholds else None) or place.level


def _worst(levels: list[str]) -> str | None:
    return next((level for level in RISK_LEVELS if level in levels), None)
