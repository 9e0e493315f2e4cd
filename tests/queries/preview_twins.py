"""The slow plain twins of the questions of the impact preview: every way tried hour by hour, no SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from dashboard.policy.decision import LARGEST, apply
from dashboard.policy.tables import CODE, CROWDED, VALIDITY

if TYPE_CHECKING:
    from tests.queries.twins import Files

Rows = list[tuple[Any, ...]]


def _newest(files: Files, table: str, members: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = [r for r in files.all(table) if r["area"] in members]
    newest = {area: max(r["as_of"] for r in rows if r["area"] == area) for area in {r["area"] for r in rows}}
    return [r for r in rows if r["as_of"] == newest[r["area"]]]


def _number(text: str) -> int | None:
    return int(text) if text else None


def preview_codes(files: Files, *, members: tuple[str, ...], rules: tuple[str, ...]) -> Rows:
    limits: dict[str, dict[str, tuple[dict[str, Any], bool]]] = defaultdict(dict)
    for line in rules:
        side, reason, colour, calm, release, hold, tests, gap, hold_from = line.split("|")
        limits[reason][side] = (
            {
                "row_known": True,
                "colour": colour,
                "calm_colour": calm,
                "release": release or None,
                "hold_hours": _number(hold),
                "tests_required": _number(tests),
                "tests_min_gap_hours": _number(gap),
            },
            hold_from == "discharge",
        )
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    known: dict[tuple[str, int, int], tuple[str, str, str] | None] = {}
    for row in _newest(files, "code_cohort", members):
        key = (row["reason"], row["hours_since_start"], row["negative_tests"])
        if row["reason"] not in limits:
            continue
        if key not in known:
            known[key] = _verdict(limits[row["reason"]], *key)
        verdict = known[key]
        if verdict is not None:
            sums[(row["area"], row["reason"], *verdict)] += row["holders"]
    return sorted((*key, people) for key, people in sums.items() if people)


def _verdict(
    sides: dict[str, tuple[dict[str, Any], bool]], reason: str, start: int, tests: int
) -> tuple[str, str, str] | None:
    """(before, after, why) for one cohort, None when nothing changes whatever is not known."""
    discharge = any(by_discharge for _, by_discharge in sides.values())
    spaced = any(limits["tests_min_gap_hours"] is not None for limits, _ in sides.values())
    many = any((limits["tests_required"] or 0) > 3 for limits, _ in sides.values())
    seen: set[tuple[str | None, str | None]] = set()
    for discharged, count, gap in product(
        range(start + 24) if discharge else (0,),
        range(3, 11) if many and tests >= 3 else (tests,),
        range(start + 24) if spaced and tests >= 2 else (0,),
    ):
        pair: dict[str, str | None] = {"before": None, "after": None}
        for side, (limits, by_discharge) in sides.items():
            stated = {
                "reason_code": reason,
                "hours": discharged if by_discharge else start,
                "negative_tests": count,
                "gap_hours": gap if count >= 2 else None,
                "declared": False,
            }
            pair[side] = apply(CODE, stated, limits)["colour"]  # type: ignore[assignment]
        seen.add((pair["before"], pair["after"]))
    if all(before == after for before, after in seen):
        return None
    if any(after is None for _, after in seen):
        return ("", "", "reason")
    if len(seen) == 1:
        return (*seen.pop(), "")  # type: ignore[return-value]
    return ("", "", "discharge" if discharge else "tests" if many and tests >= 3 else "gap")


def preview_tests(files: Files, *, members: tuple[str, ...], rules: tuple[str, ...]) -> Rows:
    sums: dict[tuple[str, str, str], list[int]] = {}
    for line, row in product(rules, _newest(files, "test_validity", members)):
        side, category, basis, hours = line.split("|")
        if basis != row["basis"]:
            continue
        limits = {"category_known": True, "validity_hours": int(hours)}
        first = row["hours_since"]
        spread = [*range(first, first + 24)] if first < 168 else [*range(168, 721), LARGEST]
        answers = {apply(VALIDITY, {"category": category, "hours": h}, limits)["valid"] for h in spread}
        line_sum = sums.setdefault((row["area"], category, side), [0, 0])
        if answers == {True}:
            line_sum[0] += row["holders"]
        elif True in answers:
            line_sum[1] += row["holders"]
    return sorted((*key, *line_sum) for key, line_sum in sums.items())


def preview_crowds(files: Files, *, members: tuple[str, ...], date: date, rules: tuple[str, ...]) -> Rows:
    sums: dict[tuple[str, str], list[int]] = {}
    for line, row in product(rules, files.all("scan_hourly")):
        side, category, limit = line.split("|")
        if row["category"] != category or row["date"] != date or row["area"] not in members:
            continue
        limits = {"category_known": True, "max_scans_per_hour": int(limit)}
        alarms = lambda n, lim=limits, c=category: apply(  # noqa: E731
            CROWDED, {"category": c, "scans_in_hour": n}, lim
        )["alarm"]
        venues, scans = row["active_venues"], row["scans"]
        # The scans can be dealt out evenly, or so that as many venues as possible are just over the limit.
        even = {scans // venues + (n < scans % venues) for n in range(venues)}
        line_sum = sums.setdefault((category, side), [0, 0, 0])
        line_sum[0] += any(alarms(n) for n in even)
        line_sum[1] += next(n for n in range(venues, -1, -1) if n * (int(limit) + 1) <= scans)
        line_sum[2] += row["red"]
    return sorted((*key, *line_sum) for key, line_sum in sums.items())


def preview_silent(files: Files, *, members: tuple[str, ...], date: date, rules: tuple[str, ...]) -> Rows:
    hours = {(line.split("|")[0], line.split("|")[1]): int(line.split("|")[2]) for line in rules}
    rows = [r for r in files.all("venue_daily") if r["area"] in members]
    sums: dict[tuple[str, str], list[int]] = {}
    for (side, city), limit in hours.items():
        for area, category in sorted({(r["area"], r["category"]) for r in rows}):
            if area[:4] + "00" != city:
                continue
            days = [date - timedelta(days=n) for n in range(-(-limit // 24))]
            found = {
                r["date"]: r
                for r in rows
                if (r["area"], r["category"]) == (area, category) and r["date"] in days
            }
            if not found:
                continue
            line_sum = sums.setdefault((category, side), [0, 0, 0])
            registered = max(r["registered"] for r in found.values())
            if len(found) < len(days):
                line_sum[2] += registered
                continue
            # Active on some day: at most all who were active on any day, each on another one.
            awake = sum(registered - r["silent"] for r in found.values())
            line_sum[0] += max(0, registered - awake)
            whole = [found[day]["silent"] for day in days[: limit // 24]]
            line_sum[1] += min(whole) if whole else found[date]["registered"]
    return sorted((*key, *line_sum) for key, line_sum in sums.items())


def preview_appeals(files: Files, *, members: tuple[str, ...], first: date, last: date) -> Rows:
    inside: Callable[[str], Iterable[dict[str, Any]]] = lambda table: (  # noqa: E731
        r for r in files.all(table) if r["area"] in members and first <= r["date"] <= last
    )
    opened: dict[str, int] = defaultdict(int)
    held: dict[str, int] = defaultdict(int)
    for row in inside("ticket_daily"):
        opened[row["reason"]] += row["opened"]
    for row in inside("code_stock"):
        held[row["reason"]] += row["holders"]
    return sorted((reason, count, held.get(reason) or None) for reason, count in opened.items())


def preview_backlog(files: Files, *, members: tuple[str, ...]) -> Rows:
    waiting: dict[str, int] = defaultdict(int)
    for row in _newest(files, "ticket_backlog", members):
        waiting[row["age"]] += row["open"]
    return sorted(waiting.items())


PREVIEW_TWINS: dict[str, Callable[..., Rows]] = {
    f.__name__: f
    for f in (preview_codes, preview_tests, preview_crowds, preview_silent, preview_appeals, preview_backlog)
}
