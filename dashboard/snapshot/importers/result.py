"""What every importer returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from dashboard.snapshot.contract import Table
from dashboard.snapshot.files import POLARS_TYPES
from dashboard.snapshot.quarantine import Reject


@dataclass(frozen=True)
class Imported:
    """Tables of one feed with what was left out.

    ``accepted`` counts delivered rows that were used, not rows of the tables: several publications
    of one place make one row. ``data_until`` is the newest moment the accepted rows speak of.
    ``notes`` are for the clerk, in Chinese and English.
    """

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()
    accepted: int = 0
    data_until: datetime | None = None
    notes: tuple[str, ...] = ()


def polars_schema(table: Table) -> pl.Schema:
    """The columns of a contract table, in order, with their polars types."""
    return pl.Schema({column.name: POLARS_TYPES[column.type] for column in table.columns})


def end_of_day(day: datetime, now: datetime) -> datetime:
    """The last minute of the day (or hour) that starts at ``day``; never later than ``now``."""
    return min(day.replace(hour=23, minute=59), now)
