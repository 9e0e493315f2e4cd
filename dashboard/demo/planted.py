"""Bad rows planted in the deliveries, so that the quarantine has something to show."""

from __future__ import annotations

from datetime import date

import polars as pl

UNKNOWN_AREA = "519999"
FUTURE = date(2099, 1, 1)  # in the future whatever the last day of the data is
NEGATIVE_SHOWS = -37


def unknown_area(frame: pl.DataFrame) -> pl.DataFrame:
    """The last row again, for an area code that does not exist."""
    return pl.concat([frame, frame.tail(1).with_columns(area=pl.lit(UNKNOWN_AREA))])


def future_date(frame: pl.DataFrame) -> pl.DataFrame:
    """The last row again, of a day that has not come."""
    return pl.concat([frame, frame.tail(1).with_columns(date=pl.lit(FUTURE))])


def negative_count(frame: pl.DataFrame) -> pl.DataFrame:
    """A row of night hours with a count below zero, in place of the true one of the last county."""
    index = frame.height - 1
    shows = frame["shows"].clone()
    shows[index] = NEGATIVE_SHOWS
    return frame.with_columns(shows=shows)


def is_planted(table: str) -> pl.Expr:
    """Selects the planted rows of a table."""
    if table == "code_stock":
        return pl.col("area") == UNKNOWN_AREA
    if table == "code_flow":
        return pl.col("date") == FUTURE
    return pl.col("shows") < 0
