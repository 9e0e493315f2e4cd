"""Venues of a day: registered, new, used, and silent for as long as the policy says.

Silence reaches over days. It is counted from what each day left behind, which venues had a scan and in which
hour the last one, so a corrected day changes the days after it without one event of theirs being read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from dashboard.snapshot.rollup.state import SEEN, DayState

NAME = "venue_days"
TABLE = "venue_daily"
_LAST_HOUR = 23


def quiet_window(state: DayState, hours: int) -> tuple[datetime, datetime]:
    """The ``hours`` that end with the data of a day of scans; a venue without a scan in them is silent."""
    midnight = datetime(state.day.year, state.day.month, state.day.day)
    end = midnight + timedelta(hours=(_LAST_HOUR if state.last_hour is None else state.last_hour) + 1)
    return end - timedelta(hours=hours), end


def days_of_window(state: DayState, hours: int) -> tuple[date, ...]:
    """The days the window reaches into, the first one first; that of ``state`` is the last."""
    first = quiet_window(state, hours)[0].date()
    return tuple(first + timedelta(days=n) for n in range((state.day - first).days + 1))


def count_venue_days(
    state: DayState, venues: pl.DataFrame, scans: Mapping[date, DayState], *, hours: int
) -> pl.DataFrame:
    """The day's rows of ``venue_daily`` from its scans, those of the days before, and the register.

    ``venues`` are those registered by the day. Areas without an event on the day have no row: whether their
    venues were used is not known. Of an area with scans today, ``silent`` is NULL when some of the hours
    were not reported; a venue registered within these hours is not silent yet.
    """
    start, _ = quiet_window(state, hours)
    days = days_of_window(state, hours)
    register = venues.select(pl.col("venue_id").cast(pl.String), "area", "category", "registered")
    reported = {day: _areas(scans[day]) for day in days if day in scans}
    here = reported[state.day]
    heard = pl.concat([_seen(scans[day], start) for day in days if day in scans]).unique()
    active = _seen(state)
    old = pl.col("registered").is_null() | (
        pl.col("registered").cast(pl.Datetime("us")) + pl.duration(days=1) <= start
    )
    counted = (
        register.filter(pl.col("area").is_in(list(here)))
        .with_columns(
            pl.col("venue_id").is_in(active["venue_id"].implode()).alias("used"),
            pl.col("venue_id").is_in(heard["venue_id"].implode()).alias("heard"),
        )
        .group_by("area", "category")
        .agg(
            pl.len().cast(pl.Int64).alias("registered"),
            pl.col("used").sum().cast(pl.Int64).alias("active"),
            (~pl.col("heard") & old).sum().cast(pl.Int64).alias("silent"),
            (pl.col("registered") == state.day).sum().cast(pl.Int64).alias("new"),
        )
    )
    # Hours that nobody reported are no silence.
    whole = all(day in scans and scans[day].last_hour == _LAST_HOUR for day in days[:-1])
    known = frozenset.intersection(*reported.values()) if whole else frozenset()
    silent = pl.when(pl.col("area").is_in(list(known))).then("silent")
    return counted.with_columns(silent, pl.lit(state.day).alias("date"))


def _areas(state: DayState) -> frozenset[str]:
    if "scan_hourly" not in state.files:
        return frozenset()
    return frozenset(pl.read_parquet(state.path("scan_hourly"), columns=["area"])["area"].unique())


def _seen(state: DayState, start: datetime | None = None) -> pl.DataFrame:
    """Venues with a scan on the day, not before ``start``."""
    rows = pl.read_parquet(state.folder / SEEN)
    if start is not None and start.date() == state.day:
        rows = rows.filter(pl.col("hour") >= start.hour)
    return rows.select("venue_id")
