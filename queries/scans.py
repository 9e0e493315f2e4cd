"""Scans: codes shown, venue codes scanned, entries refused. They count scans, not people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date  # noqa: N812 - `date` is the name of a parameter everywhere

from queries.areas import get_members
from queries.run import View, read


@dataclass(frozen=True, slots=True)
class DayScans:
    """One day: codes shown, venue codes scanned, entries refused; how many areas reported."""

    date: Date
    shows: int
    scans: int
    refused: int
    areas: int


@dataclass(frozen=True, slots=True)
class HourScans:
    """One hour (0-23) of a day."""

    hour: int
    shows: int
    scans: int
    refused: int


def get_scan_trend(view: View, *, area: str, first: Date, last: Date) -> tuple[DayScans, ...]:
    """Scans in ``area`` on each day that was reported; other days are absent. Raises ``OutOfScope``."""
    members = get_members(view, area=area)
    return read(view, "scans_daily", DayScans, members=members, first=first, last=last)


def get_scans_by_hour(view: View, *, area: str, date: Date) -> tuple[HourScans, ...]:
    """Scans in ``area`` in each hour that was reported; other hours are absent. Raises ``OutOfScope``."""
    return read(view, "scans_hourly", HourScans, members=get_members(view, area=area), date=date)
