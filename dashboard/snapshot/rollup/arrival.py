"""How rolled-up events and delivered aggregates of one feed stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME
from dashboard.snapshot.importers.result import Imported
from dashboard.snapshot.quarantine import Reject
from dashboard.snapshot.rollup.run import RolledUp

_DAY = "__day"


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
    rows = whole.tables[name].with_columns(_day_of(name).alias(_DAY))
    twice = rows.filter(pl.col(_DAY).is_in(days))
    if twice.is_empty():
        return whole
    tables = {**whole.tables, name: rows.filter(~pl.col(_DAY).is_in(days)).drop(_DAY)}
    if tables[name].is_empty():
        del tables[name]
    rejects = [
        Reject(TABLE_BY_NAME[name].feed, name, None, "duplicate_delivery",
               f"{count} rows of {day}, which was rolled up from events.", "", count)
        for day, count in twice.group_by(_DAY).len().sort(_DAY).iter_rows()
    ]  # fmt: skip
    return Imported(
        tables=tables,
        rejects=(*whole.rejects, *rejects),
        accepted=whole.accepted - twice.height,
        data_until=whole.data_until,
        notes=whole.notes,
    )


def _day_of(name: str) -> pl.Expr:
    """The day a row speaks of: of a table of one moment, that of the moment."""
    column = "date" if any(c.name == "date" for c in TABLE_BY_NAME[name].columns) else "as_of"
    return pl.col(column).cast(pl.Date)


def _add(whole: Imported, events: Imported) -> Imported:
    moments: list[datetime] = [m for m in (whole.data_until, events.data_until) if m]
    return Imported(
        tables=whole.tables,
        rejects=(*whole.rejects, *events.rejects),
        accepted=whole.accepted + events.accepted,
        data_until=max(moments, default=None),
        notes=(*whole.notes, *events.notes),
    )
