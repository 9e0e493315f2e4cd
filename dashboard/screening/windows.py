"""When a scan at an index venue is a co-presence: spans of scan times, computed before any event is read.

A scan at ``t`` stands for the presence ``t`` to ``t + stay``. An index presence ``start`` to ``end``,
widened by the minutes before and after, is shared for at least ``overlap`` exactly when

    start - before + overlap - stay  <=  t  <=  end + after - overlap

so that each event needs one comparison of times and no arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashboard.errors import InputError
from dashboard.screening.incident import WindowRule


@dataclass(frozen=True)
class Presence:
    """An index venue, or a venue while an index person was there."""

    venue_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Window:
    """Scan times at one venue, both ends included, that make a co-presence. ``number`` is unique."""

    number: int
    venue_id: str
    low: datetime
    high: datetime


def build_windows(presences: Iterable[Presence], rule: WindowRule) -> tuple[Window, ...]:
    """The windows of all presences; those of one venue that overlap or touch are one.

    Being there once while two index persons were is then one co-presence, not two. Raises ``InputError``
    for a presence too short to be shared for the least overlap.
    """
    spans: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    overlap = timedelta(minutes=rule.min_overlap_minutes)
    for one in presences:
        start = one.start - timedelta(minutes=rule.before_minutes)
        end = one.end + timedelta(minutes=rule.after_minutes)
        if end - start < overlap:
            raise InputError(
                f"Index venue {one.venue_id} from {one.start:%Y-%m-%d %H:%M} to {one.end:%H:%M} is shorter "
                f"than the least overlap of {rule.min_overlap_minutes} minutes.",
                todo="Widen its hours or lower window.min_overlap_minutes.",
            )
        spans[one.venue_id].append((start + overlap - timedelta(minutes=rule.stay_minutes), end - overlap))
    merged = [(venue, low, high) for venue in sorted(spans) for low, high in _merge(spans[venue])]
    return tuple(Window(number, *window) for number, window in enumerate(merged))


def _merge(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def days_touched(windows: Iterable[Window]) -> tuple[date, ...]:
    """Every calendar day that some window reaches into."""
    days: set[date] = set()
    for window in windows:
        day = window.low.date()
        while day <= window.high.date():
            days.add(day)
            day += timedelta(days=1)
    return tuple(sorted(days))
