"""Impact preview, venues: the alarms of a whole day by two policies, as far as sums over venues tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - the house's name for it
from datetime import timedelta

from dashboard.cells import NOT_REPORTED, Cell, cell
from dashboard.policy.decide import silent_limits
from dashboard.policy.model import Policy
from geo.areas import children
from queries.areas import get_members
from queries.feeds import get_feed_states
from queries.preview_model import AlarmTurn, Span
from queries.run import View, read

PROVINCE = "510000"


@dataclass(frozen=True, slots=True)
class _Crowd:
    category: str
    side: str
    least: int
    most: int
    red: int


@dataclass(frozen=True, slots=True)
class _Silent:
    category: str
    side: str
    least: int
    most: int
    unknown: int


def full_day(view: View, *, table: str, feed: str) -> Date | None:
    """The newest day that ``table`` has whole, by the state of its feed; None when it was not delivered."""
    entry = view.store.manifest(view.snapshot_id).table(table)
    if not entry.reported or entry.last_day is None:
        return None
    until = next((state.data_until for state in get_feed_states(view) if state.feed == feed), None)
    ended = until is None or until.date() > entry.last_day or until.hour == 23
    return entry.last_day if ended else entry.last_day - timedelta(days=1)


def preview_crowds(view: View, *, area: str, before: Policy, after: Policy) -> tuple[AlarmTurn, ...]:
    """Alarms for crowds by venue category where its limit changes. Raises ``OutOfScope``."""
    old, new = before.scan_alarm.max_scans_per_hour, after.scan_alarm.max_scans_per_hour
    return _crowds(view, area, {c: (old[c], new[c]) for c in old if c in new and old[c] != new[c]})


def preview_red_scans(view: View, *, area: str, before: Policy, after: Policy) -> tuple[AlarmTurn, ...]:
    """Alarms for scans by red codes by venue category, where the switch changes. Raises ``OutOfScope``."""
    old, new = before.scan_alarm.red_scan_alarm, after.scan_alarm.red_scan_alarm
    day = full_day(view, table="scan_hourly", feed="scans")
    members = get_members(view, area=area)
    if old == new or day is None:
        return ()
    rows = _read_crowds(view, members, day, dict.fromkeys(before.scan_alarm.max_scans_per_hour, (1, 1)))
    return tuple(
        AlarmTurn("red_scan", category, day, _exact(row.red if old else 0), _exact(row.red if new else 0))
        for category, sides in sorted(rows.items())
        if (row := sides["before"]).red
    )


def preview_silent(view: View, *, area: str, before: Policy, after: Policy) -> tuple[AlarmTurn, ...]:
    """Silent venues by category, where the hours change somewhere. Raises ``OutOfScope``."""
    day = full_day(view, table="venue_daily", feed="venues")
    members = get_members(view, area=area)
    hours = {
        side: {
            city.code: silent_limits(policy, city.code)["silent_after_hours"] for city in children(PROVINCE)
        }
        for side, policy in (("before", before), ("after", after))
    }
    if day is None or hours["before"] == hours["after"]:
        return ()
    rules = tuple(
        f"{side}|{city}|{limit}" for side, cities in hours.items() for city, limit in cities.items()
    )
    sides: dict[str, dict[str, _Silent]] = {}
    for row in read(view, "preview_silent", _Silent, members=members, date=day, rules=rules):
        sides.setdefault(row.category, {})[row.side] = row
    return tuple(
        AlarmTurn("silent", category, day, _silent(found.get("before")), _silent(found.get("after")))
        for category, found in sorted(sides.items())
    )


def _crowds(view: View, area: str, limits: Mapping[str, tuple[int, int]]) -> tuple[AlarmTurn, ...]:
    day = full_day(view, table="scan_hourly", feed="scans")
    members = get_members(view, area=area)
    if not limits or day is None:
        return ()
    return tuple(
        AlarmTurn(
            "crowded",
            category,
            day,
            *(Span(cell(sides[s].least), cell(sides[s].most)) for s in ("before", "after")),
        )
        for category, sides in sorted(_read_crowds(view, members, day, limits).items())
    )


def _read_crowds(
    view: View, members: tuple[str, ...], day: Date, limits: Mapping[str, tuple[int, int]]
) -> dict[str, dict[str, _Crowd]]:
    rules = tuple(
        f"{side}|{category}|{pair[n]}"
        for n, side in enumerate(("before", "after"))
        for category, pair in limits.items()
    )
    found: dict[str, dict[str, _Crowd]] = {}
    for row in read(view, "preview_crowds", _Crowd, members=members, date=day, rules=rules):
        found.setdefault(row.category, {})[row.side] = row
    return found


def _exact(count: int) -> Span:
    return Span(cell(count), cell(count))


def _silent(row: _Silent | None) -> Span:
    # A county of which a day is missing could have any of its venues silent.
    if row is None:
        return Span(NOT_REPORTED, NOT_REPORTED)
    most: Cell = cell(row.most + row.unknown)
    return Span(cell(row.least), most)
