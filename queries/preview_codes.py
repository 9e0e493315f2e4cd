"""Impact preview, people: who would change colour, whose test would stop admitting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dashboard.cells import Cell
from dashboard.policy.decide import code_limits
from dashboard.policy.model import Policy
from geo.areas import get_area
from queries.areas import Grain, child_of, get_members
from queries.disclosure import protect
from queries.preview_model import CodeTurn, CodeUnsure, Span, TestTurn
from queries.run import View, read

ALL = "all"
_Key: TypeAlias = tuple[str, str, str, str]  # area, category, stops or begins, least or most
_RULE = (
    "colour",
    "calm_colour",
    "release",
    "hold_hours",
    "tests_required",
    "tests_min_gap_hours",
    "hold_from",
)


@dataclass(frozen=True, slots=True)
class _Turn:
    area: str
    reason: str
    before: str
    after: str
    why: str
    holders: int


@dataclass(frozen=True, slots=True)
class _Valid:
    area: str
    category: str
    side: str
    valid: int
    unsure: int


@dataclass(frozen=True, slots=True)
class CodePreview:
    """Who changes colour by area and reason, the totals by colour, and of whom it cannot be told."""

    turns: tuple[CodeTurn, ...]
    totals: tuple[CodeTurn, ...]
    unsure: tuple[CodeUnsure, ...]


def grain_of(area: str) -> Grain:
    """The areas a preview names: cities of the province, else counties."""
    return "city" if get_area(area).level == "province" else "county"


def preview_codes(view: View, *, area: str, before: Policy, after: Policy) -> CodePreview:
    """People by city (or county) and reason. Raises ``OutOfScope``.

    Counts below ``min_cell`` of the policy in force are hidden, and a second one where a total would give
    one away.
    """
    rows, level = _read_turns(view, area, before, after), grain_of(area)
    counts: dict[tuple[str, str, str, str, str], int] = {}
    for row in rows:
        key = (child_of(row.area, level), row.reason, row.before, row.after, row.why)
        counts[key] = counts.get(key, 0) + row.holders
    parts: dict[tuple[str, str], list[tuple[str, str, str, str, str]]] = {}
    for key in counts:
        if not key[4]:
            parts.setdefault(key[2:4], []).append(key)
    totals = {(ALL, ALL, *pair, ""): sum(counts[key] for key in keys) for pair, keys in parts.items()}
    cells = protect(
        counts | totals,
        sums=[((ALL, ALL, *pair, ""), keys) for pair, keys in parts.items()],
        min_cell=before.disclosure.min_cell,
    )
    return CodePreview(
        turns=tuple(CodeTurn(*key[:4], people=cells[key]) for key in sorted(counts) if not key[4]),
        totals=tuple(CodeTurn(area, ALL, *key[2:4], people=cells[key]) for key in sorted(totals)),
        unsure=tuple(
            CodeUnsure(key[0], key[1], key[4], people=cells[key]) for key in sorted(counts) if key[4]
        ),
    )


def preview_people(view: View, *, area: str, before: Policy, after: Policy) -> dict[str, int]:
    """People who would hold a colour for each reason, more or (below zero) fewer; hidden counts left out.

    For reckoning with, not for showing: reasons of which fewer than ``min_cell`` people turn are absent.
    """
    severity = {c.id: c.severity for policy in (before, after) for c in policy.colours}
    change: dict[str, int] = {}
    for row in _read_turns(view, area, before, after):
        step = (severity[row.after] > 0) - (severity[row.before] > 0) if not row.why else 0
        change[row.reason] = change.get(row.reason, 0) + step * row.holders
    return {reason: n for reason, n in change.items() if abs(n) >= before.disclosure.min_cell}


def preview_tests(view: View, *, area: str, before: Policy, after: Policy) -> tuple[TestTurn, ...]:
    """People whose last test stops or begins to admit, by city (or county) and venue category.

    The rows of ``area`` itself are the totals. Raises ``OutOfScope``.
    """
    members, level = get_members(view, area=area), grain_of(area)
    old, new = before.nucleic_test, after.nucleic_test
    categories = [c for c in old.validity_hours if c in new.validity_hours]
    if old.basis == new.basis:
        categories = [c for c in categories if old.validity_hours[c] != new.validity_hours[c]]
    if not categories:
        return ()
    rules = tuple(
        f"{side}|{category}|{test.basis}|{test.validity_hours[category]}"
        for side, test in (("before", old), ("after", new))
        for category in categories
    )
    sides: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for row in read(view, "preview_tests", _Valid, members=members, rules=rules):
        for place in {child_of(row.area, level), area}:
            side = sides.setdefault((place, row.category), {"before": (0, 0), "after": (0, 0)})
            side[row.side] = (side[row.side][0] + row.valid, side[row.side][1] + row.unsure)
    bounds: dict[_Key, int] = {}
    for (place, category), side in sides.items():
        same = old.basis == new.basis
        for kind, (least, most) in _bounds(side["before"], side["after"], same=same).items():
            bounds[place, category, kind, "least"] = least
            bounds[place, category, kind, "most"] = most
    cells = _protect_places(bounds, area, before.disclosure.min_cell)
    return tuple(
        TestTurn(
            place,
            category,
            stops=Span(cells[place, category, "stops", "least"], cells[place, category, "stops", "most"]),
            begins=Span(cells[place, category, "begins", "least"], cells[place, category, "begins", "most"]),
        )
        for place, category in sorted(sides)
        if bounds[place, category, "stops", "most"] or bounds[place, category, "begins", "most"]
    )


def _read_turns(view: View, area: str, before: Policy, after: Policy) -> tuple[_Turn, ...]:
    rules = _changed_rows(before, after)
    members = get_members(view, area=area)
    return read(view, "preview_codes", _Turn, members=members, rules=rules) if rules else ()


def _changed_rows(before: Policy, after: Policy) -> tuple[str, ...]:
    rows = {row.reason_code: row for row in before.health_code.rows}
    new = {row.reason_code: row for row in after.health_code.rows}
    changed = [code for code in rows if _limits(before, code) != _limits(after, code)]
    return tuple(
        _line(side, code, policy)
        for side, policy, held in (("before", before, rows), ("after", after, new))
        for code in changed
        if code in held
    )


def _limits(policy: Policy, reason: str) -> tuple[object, ...]:
    limits = code_limits(policy, reason)
    return tuple(limits[name] for name in _RULE)


def _line(side: str, reason: str, policy: Policy) -> str:
    return "|".join((side, reason, *("" if v is None else str(v) for v in _limits(policy, reason))))


def _bounds(old: tuple[int, int], new: tuple[int, int], *, same: bool) -> dict[str, tuple[int, int]]:
    """Least and most people of both kinds, from (certain, unsure) admitted before and after."""
    least_old, most_old = old[0], sum(old)
    least_new, most_new = new[0], sum(new)
    stops = (max(0, least_old - most_new), max(0, most_old - least_new))
    begins = (max(0, least_new - most_old), max(0, most_new - least_old))
    if same:  # of the same hours a longer validity admits all whom a shorter one admits
        return {"stops": stops, "begins": begins}
    # Another moment counts: how many more or fewer are admitted is told, not who. A sample that was taken
    # may not be reported yet, so not even the order of the moments decides it.
    return {"stops": (stops[0], most_old), "begins": (begins[0], most_new)}


def _protect_places(counts: dict[_Key, int], area: str, min_cell: int) -> dict[_Key, Cell]:
    parts: dict[_Key, list[_Key]] = {}
    for key in counts:
        if key[0] != area:
            parts.setdefault((area, *key[1:]), []).append(key)
    # The least of a whole can be more than the least of its parts together: only what adds up is an equation.
    sums = [(total, keys) for total, keys in parts.items() if counts[total] == sum(counts[k] for k in keys)]
    return protect(counts, sums=sums, min_cell=min_cell)
