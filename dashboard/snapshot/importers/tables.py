"""The aggregate tables, each delivered as Parquet or CSV in a folder of its name.

Everything runs on whole columns: a delivery has millions of rows. A file with a wrong schema is
refused as a whole; a wrong row goes to quarantine alone. Codes of an earlier year become today's
and their counts are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from dashboard.snapshot.contract import TABLE_BY_NAME, Column, Table
from dashboard.snapshot.importers.files import Found
from dashboard.snapshot.importers.parquet import CRS, folder_day, read_parquet
from dashboard.snapshot.importers.places import area_by_code
from dashboard.snapshot.importers.result import Imported, end_of_day, polars_schema
from dashboard.snapshot.importers.table_csv import LINE, read_csv
from dashboard.snapshot.importers.table_rows import ROW, WHY, list_rejects, why_rejected
from dashboard.snapshot.quarantine import Reject
from geo.gcj02 import gcj02_to_wgs84

_FILE = "__file"


@dataclass(frozen=True)
class _Loaded:
    """One readable file: good rows with their file and row number, and its rejects."""

    frame: pl.DataFrame
    rejects: tuple[Reject, ...]


def import_table(name: str, files: Sequence[Found], *, now: datetime) -> Imported:
    """Read all files of one table, in the order of their paths, and return it by the contract.

    The table is absent when no row was accepted.
    """
    table = TABLE_BY_NAME[name]
    frames: list[pl.DataFrame] = []
    rejects: list[Reject] = []
    for index, file in enumerate(files):
        loaded = _load(table, file, index, now)
        if isinstance(loaded, Reject):
            rejects.append(loaded)
        else:
            frames.append(loaded.frame)
            rejects.extend(loaded.rejects)
    if not any(frame.height for frame in frames):
        return Imported(rejects=tuple(rejects))
    rows = pl.concat(frames)
    rows, repeated = _without_repeats(table, files, rows)
    rejects.extend(repeated)
    return Imported(
        tables={name: _to_today(table, rows)},
        rejects=tuple(rejects),
        accepted=rows.height,
        data_until=_data_until(rows, now),
    )


def _load(table: Table, file: Found, index: int, now: datetime) -> _Loaded | Reject:
    read = _read(table, file)
    if isinstance(read, Reject):
        return read
    frame, rejects = read
    checked = frame.with_columns(why_rejected(table, frame, folder_day(file.name), now).alias(WHY))
    good = _to_wgs84(checked.filter(pl.col(WHY).is_null()).drop(WHY))
    typed = good.select(
        *(pl.col(n).cast(t) for n, t in polars_schema(table).items()),
        pl.col(ROW),
        pl.lit(index).alias(_FILE),
    )
    return _Loaded(typed, (*rejects, *list_rejects(table, file, checked.filter(pl.col(WHY).is_not_null()))))


def _read(table: Table, file: Found) -> tuple[pl.DataFrame, tuple[Reject, ...]] | Reject:
    """Rows with their number in the file: the line of a CSV, the row of a Parquet file from 1."""
    if file.path.suffix == ".csv":
        lines = read_csv(table, file)
        return lines if isinstance(lines, Reject) else (lines.frame.rename({LINE: ROW}), lines.rejects)
    frame = read_parquet(table, file)
    return (
        frame
        if isinstance(frame, Reject)
        else (frame.with_row_index(ROW, offset=1).cast({ROW: pl.Int64}), ())
    )


def _to_wgs84(rows: pl.DataFrame) -> pl.DataFrame:
    """Points in the shifted datum of Chinese web maps become WGS84."""
    if CRS.name not in rows.columns:
        return rows
    shifted = pl.col(CRS.name).fill_null("wgs84") == "gcj02"
    points = gcj02_to_wgs84(rows.select(pl.col("lon", "lat").cast(pl.Float64)).to_numpy())
    return rows.with_columns(
        pl.when(shifted).then(pl.Series(points[:, i])).otherwise(pl.col(name)).alias(name)
        for i, name in enumerate(("lon", "lat"))
    ).drop(CRS.name)


def _without_repeats(
    table: Table, files: Sequence[Found], rows: pl.DataFrame
) -> tuple[pl.DataFrame, list[Reject]]:
    """One row for each key as delivered: the last one; the others go to quarantine.

    The hash of the key finds the few candidates; only those are compared in full, which keeps five
    million rows within a second.
    """
    keys = list(table.key)
    candidates = rows.with_row_index("__at").filter(pl.struct(keys).hash().is_duplicated())
    if not candidates.height:
        return rows, []
    measures = [c.name for c in table.columns if c.name not in keys]
    # Within a group rows keep their order, so the last is the one delivered last.
    kept = candidates.group_by(keys).agg(
        pl.col("__at").last().alias("__kept"),
        pl.col(_FILE).last().alias("__kept_file"),
        pl.struct(measures).last().alias("__kept_measures"),
    )
    over = (
        candidates.join(kept, on=keys, nulls_equal=True)
        .filter(pl.col("__at") != pl.col("__kept"))
        .sort("__at")
    )
    reason = (
        pl.when(pl.col(_FILE) != pl.col("__kept_file"))
        .then(pl.lit("duplicate_delivery"))
        .when(pl.struct(measures) == pl.col("__kept_measures"))
        .then(pl.lit("duplicate_row"))
        .otherwise(pl.lit("conflicting_row"))
    )
    columns = [*(c.name for c in table.columns), ROW, WHY]
    rejects: list[Reject] = []
    for (index,), bad in over.with_columns(reason.alias(WHY)).group_by(_FILE, maintain_order=True):
        rejects.extend(list_rejects(table, files[int(str(index))], bad.select(columns)))
    alone = rows.with_row_index("__at").join(over.select("__at"), on="__at", how="anti").drop("__at")
    return alone, rejects


def _to_today(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Codes of an earlier year become today's; rows that thereby share a key are added up."""
    names = [c.name for c in table.columns]
    rows = rows.select(names)
    if "area" not in names:
        return rows
    today = {code: area.code for code in rows["area"].unique() if (area := area_by_code(code)) is not None}
    renamed = [old for old, new in today.items() if old != new]
    if not renamed:
        return rows
    touched = {today[old] for old in renamed}
    rows = rows.with_columns(pl.col("area").replace(today))
    if "area" not in table.key:
        return rows
    moved = pl.col("area").is_in(list(touched))
    measures = [c for c in table.columns if c.name not in table.key]
    added = rows.filter(moved).group_by(table.key).agg(_together(c) for c in measures).select(names)
    return pl.concat([rows.filter(~moved), added])


def _together(column: Column) -> pl.Expr:
    """The value of two parts of an area; not reported when one of them was not."""
    value = pl.col(column.name)
    both = value.sum() if column.additive and column.low is not None else value.max()
    return pl.when(value.has_nulls()).then(None).otherwise(both).alias(column.name)


def _data_until(rows: pl.DataFrame, now: datetime) -> datetime | None:
    """The newest moment the rows speak of; None for a list that names no day of its data."""
    for name in ("as_of", "minute", "computed_at"):
        if name in rows.columns and isinstance(newest := rows[name].max(), datetime):
            return newest
    days = [name for name in ("date", "updated") if name in rows.columns]
    day = rows[days[0]].max() if days else None
    if not isinstance(day, date):
        return None
    start = datetime(day.year, day.month, day.day)
    for name, minutes in (("hour", 60), ("half_hour", 30)):
        if name in rows.columns:
            newest_part = int(str(rows.filter(pl.col("date") == day)[name].max()))
            return min(start + timedelta(minutes=(newest_part + 1) * minutes - 1), now)
    return end_of_day(start, now)
