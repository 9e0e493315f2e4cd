"""Impact preview, desks: expected appeals, the people they need, cases overdue, feeds that would be late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from dashboard.cells import NOT_REPORTED, cell
from dashboard.policy.model import Policy
from queries.areas import get_members
from queries.feeds import get_feed_states
from queries.preview_codes import preview_people
from queries.preview_model import FeedTurn, Span, Workload
from queries.run import View, read

# Cases one person closes a day: 400,000 cases and 60 people, 80 a day each (docs/policy-preview.md).
CASES_A_DAY = 80
APPEAL_DAYS = 14  # appeals by day of the week and single days differ; two weeks hold every kind of day
_AGES = {"0-24h": (0, 24), "24-72h": (24, 72), "3-7d": (72, 168), "7d+": (168, None)}


@dataclass(frozen=True, slots=True)
class _Appeals:
    reason: str
    opened: int
    person_days: int | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    age: str
    waiting: int


def preview_work(view: View, *, area: str, before: Policy, after: Policy) -> Workload:
    """Appeals a day and people needed, before and after. Raises ``OutOfScope``.

    Whoever holds a colour appeals as often as the holders for the same reason did over the last
    ``APPEAL_DAYS`` days; a person whose colour ends appeals no more.
    """
    opened, later = _appeals(view, area, before, after)
    waiting = _waiting(view, area)
    total = sum(waiting.values()) if waiting else None
    return Workload(
        appeals_before=opened,
        appeals_after=later,
        seats_before=_seats(opened, total, before),
        seats_after=_seats(later, total, after),
        open=total,
        overdue_before=_overdue(waiting, before.appeals.resolve_hours),
        overdue_after=_overdue(waiting, after.appeals.resolve_hours),
    )


def preview_feeds(view: View, *, area: str, before: Policy, after: Policy) -> tuple[FeedTurn, ...]:
    """Feeds that would be late at the time of the data and are not, or the other way round.

    Feeds have no area; ``area`` must lie in the scope all the same. Raises ``OutOfScope``.
    """
    get_members(view, area=area)
    now = view.store.manifest(view.snapshot_id).data_time
    turns = []
    for state in get_feed_states(view):
        if state.data_until is None:
            continue  # nothing was delivered: late by any rule
        age = now - state.data_until
        late = [
            age > timedelta(minutes=limit)
            for policy in (before, after)
            if (limit := policy.feeds.late_after_minutes.get(state.feed)) is not None
        ]
        if len(late) == 2 and late[0] != late[1]:
            turns.append(FeedTurn(state.feed, late[0], late[1]))
    return tuple(turns)


def _appeals(view: View, area: str, before: Policy, after: Policy) -> tuple[float | None, float | None]:
    manifest, members = view.store.manifest(view.snapshot_id), get_members(view, area=area)
    last = manifest.table("ticket_daily").last_day
    if last is None:
        return None, None
    first = last - timedelta(days=APPEAL_DAYS - 1)
    rows = read(view, "preview_appeals", _Appeals, members=members, first=first, last=last)
    if not rows:
        return None, None
    opened = sum(row.opened for row in rows) / APPEAL_DAYS
    rate = {row.reason: row.opened / row.person_days for row in rows if row.person_days}
    people = preview_people(view, area=area, before=before, after=after)
    change = sum(rate.get(reason, 0.0) * count for reason, count in people.items())
    return round(opened, 1), round(max(0.0, opened + change), 1)


def _waiting(view: View, area: str) -> dict[str, int]:
    rows = read(view, "preview_backlog", _Waiting, members=get_members(view, area=area))
    return {row.age: row.waiting for row in rows}


def _seats(opened: float | None, waiting: int | None, policy: Policy) -> int | None:
    if opened is None or waiting is None:
        return None
    return ceil((opened + waiting / policy.appeals.backlog_days_warn) / CASES_A_DAY)


def _overdue(waiting: dict[str, int], hours: int) -> Span:
    if not waiting:
        return Span(NOT_REPORTED, NOT_REPORTED)
    ages = [(*_AGES[age], count) for age, count in waiting.items()]
    least = sum(count for low, _, count in ages if low >= hours)
    most = sum(count for _, high, count in ages if high is None or high > hours)
    return Span(cell(least), cell(most))
