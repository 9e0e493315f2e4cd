"""How rolled-up events and delivered aggregates of one feed stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.result import Imported
from dashboard.snapshot.quarantine import Reject
from dashboard.snapshot.rollup.run import RolledUp


def add_rolled(imported: Mapping[str, Imported], rolled: RolledUp) -> dict[str, Imported]:
    """The arrival of each feed with its events added; a day stands once, from the events."""
    merged = dict(imported)
    days: dict[str, set[date]] = {}
    for part in rolled.parts:
        days.setdefault(part.table, set()).add(part.day)
    for name, given in days.items():
        feed = TABLE_BY_NAME[name].feed
        if name in merged.get(feed, Imported()).tables:
            merged[feed] = _without_days(merged[feed], name, given)
    for feed, events in rolled.feeds.items():
        merged[feed] = _add(merged.get(feed, Imported()), events)
    return merged


def _without_days(whole: Imported, name: str, days: set[date]) -> Imported:
    rows = whole.tables[name]
    twice = rows.filter(pl.col("date").is_in(days))
    if twice.is_empty():
        return whole
    tables = {**whole.tables, name: rows.filter(~pl.col("date").is_in(days))}
    if tables[name].is_empty():
        del tables[name]
    rejects = [
        Reject(TABLE_BY_NAME[name].feed, name, None, "duplicate_delivery",
               f"{count} rows of {day}, which was rolled up from events.", "", count)
        for day, count in twice.group_by("date").len().sort("date").iter_rows()
    ]  # fmt: skip
    return Imported(
        tables=tables,
        rejects=(*whole.rejects, *rejects),
        accepted=whole.accepted - twice.height,
        data_until=whole.data_until,
        notes=whole.notes,
    )


def _add(whole: Imported, events: Imported) -> Imported:
    moments: list[datetime] = [m for m in (whole.data_until, events.data_until) if m]
    return Imported(
        tables=whole.tables,
        rejects=(*whole.rejects, *events.rejects),
        accepted=whole.accepted + events.accepted,
        data_until=max(moments, default=None),
        notes=(*whole.notes, *events.notes),
    )
